"""Comparison of an overview with the saved fluorescence of its field."""

from dataclasses import replace

import cv2
import numpy as np

from detection.alignment.align import align
from detection.alignment.values import Alignment
from detection.errors import DetectionError
from detection.image.boxes import BoxPx
from planner.geometry.rects import RectM
from service.acquisition.overviews.pictures import pair_of
from service.errors import ImageError
from service.image_files.images import read_fm
from service.logs import get_logger
from service.model.overviews import FieldPlace, NotUsed, Overview, OverviewState, Point
from service.planning.position import Measured
from service.session.context import Context

log = get_logger(__name__)

_FAILURES = (
    ImageError, DetectionError, OSError, MemoryError, ValueError, ArithmeticError, np.linalg.LinAlgError,
    cv2.error,
)  # fmt: skip


def measured(context: Context, overview: Overview) -> tuple[Overview, Measured | None]:
    """Return an overview with what its image shows, and the place of its field if that is proven.

    An image that cannot be read or compared is no failure of the session: frames stay as planned.
    """
    try:
        center_m, cells, found = _compared(context, overview)
    except _FAILURES as error:
        log.error("overview not compared", job=overview.job, error=str(error) or type(error).__name__)
        return replace(overview, state=OverviewState.NOT_USED, reason=NotUsed.UNREADABLE), None
    place = None if found.motion is None else FieldPlace(center_m, found.motion)
    if found.proven_um is None or place is None:
        return replace(overview, state=OverviewState.NOT_PROVEN, reason=found.reason, place=place), None
    proven_m = found.proven_um * 1e-6
    used = replace(overview, state=OverviewState.USED, reason=None, place=place, proven_m=proven_m)
    return used, Measured(place, proven_m, frozenset(cells))


def _compared(context: Context, overview: Overview) -> tuple[Point, list[str], Alignment]:
    """Return the middle of both images, the cells compared, and where they lie."""
    store, folder = context.store, context.folder.path
    field = store.specimen.field(str(overview.field))
    job = store.queue.job(str(overview.job))
    pixels, pose, _ = read_fm(folder / str(field.image), field.sha256)
    electrons, scanned, _ = read_fm(folder / str(job.image), job.sha256)
    pair = pair_of(pixels, pose, electrons, scanned, context.stage_frame.fm_to_sem)
    if pair is None:
        raise ImageError(f"{job.image}: its middle is not in the fluorescence of {field.id}")
    cells = [
        cell
        for cell in store.specimen.cells(section=overview.section)
        if cell.image_rect_m is not None and cell.field == field.id and _holds(pair.ground_m, cell.rect_m)
    ]
    boxes = [BoxPx(*pair.box_px(cell.rect_m)) for cell in cells]
    most_um = context.config.sem.overview.largest_offset_um
    found = align(pair.fluorescence, boxes, pair.overview, most_um)
    return pair.center_m, [cell.id for cell in cells], found


def _holds(ground: RectM, rect: RectM) -> bool:
    """Return True if a rectangle lies in another, but for half a pixel of the camera."""
    margin_m = 1e-7
    return (
        ground[0] <= rect[0] + margin_m
        and ground[1] <= rect[1] + margin_m
        and ground[2] >= rect[2] - margin_m
        and ground[3] >= rect[3] - margin_m
    )
