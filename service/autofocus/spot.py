"""Spots on which the beam focuses: saved ground that no cell needs, and no frame where one can be had."""

from collections.abc import Sequence

import numpy as np
import shapely

from config.instrument import SemConfig
from drivers.pose import RectM
from planner.checks import outline_polygon
from planner.focus_spot import focus_spot
from planner.geometry.allowed_ground import Ground
from planner.geometry.rects import grown
from service.model.jobs import Job, JobKind
from service.model.specimen import Cell, Field, Section
from service.session.stage_frame import StageFrame

SPOT_PX = 256
"""Width and height of a spot on a machine that scans any size. Chosen by hand; not measured."""


def spot_px(sem: SemConfig) -> tuple[int, int]:
    """Return width and height of the scan of a spot, px: the smallest preset on a machine with presets."""
    if sem.scan_presets_px:
        return min(sem.scan_presets_px, key=lambda size: (size[0] * size[1], size))
    width, height = sem.specimen_px
    return min(SPOT_PX, width), min(SPOT_PX, height)


def choose_spot(
    sem: SemConfig,
    frame: StageFrame,
    section: Section,
    fields: Sequence[Field],
    pending: Sequence[Field],
    cells: Sequence[Cell],
    jobs: Sequence[Job],
) -> RectM | None:
    """Choose the ground on which the beam focuses for a section.

    The spot, grown by `StageFrame.reach_m`, lies on saved ground of this section, clear of its cells
    (doubtful ones included), and of fluorescence still to be taken in any section, by the error of the stage.
    A failed field has no saved ground. The spot lies inside the outline, if there is one, and inside the safe
    area of the stage.

    It is never a spot on which the beam has focused, and also clear of frames. Where these leave no room, as
    a raster does, it lies in a frame between what is imaged of the cells, else between the cells as found: a
    mark of the beam in their surroundings costs less than a whole section out of focus.

    Parameters
    ----------
    sem : SemConfig
    frame : StageFrame
    section : Section
    fields : sequence of Field
        Fields of the section.
    pending : sequence of Field
        Fields of all sections whose fluorescence is still to be taken.
    cells, jobs : sequence
        Cells and jobs of the section.

    Returns
    -------
    RectM or None
        None if there is no such ground.
    """
    saved = [field.rect_m for field in fields if field.image is not None]
    unsaved = [grown(field.rect_m, frame.position_error_m) for field in pending]
    found = [cell.rect_m for cell in cells]
    imaged = [cell.image_rect_m for cell in cells if cell.image_rect_m is not None]
    frames = [job.rect_m for job in jobs if job.kind is JobKind.FRAME]
    burnt = [job.rect_m for job in jobs if job.kind is JobKind.FOCUS]
    width, height = spot_px(sem)
    size_m = width * sem.pixel_size_m, height * sem.pixel_size_m
    ground = Ground(saved, frame.reach_m, unsaved, _allowed_area(frame, section))
    spots = (
        focus_spot(ground, saved, keep_off, size_m)
        for keep_off in (burnt + found + imaged + frames, burnt + found + imaged, burnt + found)
    )
    return next((spot for spot in spots if spot is not None), None)


def _allowed_area(frame: StageFrame, section: Section) -> shapely.Geometry:
    """Return safe area and outline in fluorescence positions."""
    x0, y0, x1, y1 = frame.safe_area_m
    corners = frame.fm_to_sem.to_fm(np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)]))
    area = shapely.Polygon(corners)
    return area if section.outline_m is None else area.intersection(outline_polygon(section.outline_m))
