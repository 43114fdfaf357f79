"""Checks of an electron image beside the other images of its run."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from drivers.sem import ScanImage
from service.errors import ImageError, UnreadableImageError
from service.image_checks.electron import Checked, Others, Requested, check_image, judge_focus
from service.image_checks.seams import LEAST_PX, LEAST_ROWS, Strips
from service.image_files.images import read_pixels
from service.logs import get_logger
from service.model.images.checks import NO_BEAM, CheckedImage, CheckKind, kinds_of
from service.model.jobs import Job, JobKind, JobState
from service.session.context import Context, Taken
from service.store.store import Store

log = get_logger(__name__)

_LAST = 50
"""Images beside which another is judged: the last ones with the same scan settings. Chosen by hand."""
_BESIDE = 2
"""Images beside it that are read: the longest seams."""


def look_at(context: Context, job: Job, taken: Taken) -> Checked:
    """Check an image; an error in that costs the checks, never the image.

    One of which it is known already that it is in doubt is not looked at.
    """
    if taken.doubt is not None:
        return Checked(())
    tolerance_m = context.config.stage.arrival_tolerance_um * 1e-6
    asked = Requested(job.size_px, job.pixel_size_m, taken.center_m, tolerance_m)
    frame = job.kind is JobKind.FRAME
    try:
        checked = check_image(taken.image, asked, _others(context, job, taken), detail=frame)
    except Exception:
        log.exception("image not checked", job=job.id)
        return Checked(())
    if checked.marks is not None:
        context.last_image.note(taken.exposure, checked.marks)
    return checked


def judge_earlier(store: Store, job: Job) -> None:
    """Judge the focus of images that were taken when their section had too few to judge them beside."""
    section = [one for one in store.images.like(job, _LAST, job.section) if one.sharpness is not None]
    unjudged = [one for one in section if all(check.kind is not CheckKind.FOCUS for check in one.checks)]
    if not unjudged:
        return
    latest = store.images.latest(job.id)
    for one in unjudged:
        others = [other.sharpness for other in (*section, latest) if other is not None and other is not one]
        check = judge_focus(one.sharpness, [value for value in others if value is not None])
        if check is not None:
            store.images.judge(one, check)


def _others(context: Context, job: Job, taken: Taken) -> Others:
    store, image = context.store, taken.image
    last = context.last_image.marks_before(taken.exposure)
    noises = [
        one.noise
        for one in store.images.like(job, _LAST)
        if one.noise is not None and not kinds_of(one.checks) & NO_BEAM and _has_bits(one, image)
    ]
    if job.kind is not JobKind.FRAME or image.pixels.shape != (job.size_px[1], job.size_px[0]):
        return Others(noises, last=last)
    sharpnesses = [one.sharpness for one in store.images.like(job, _LAST, job.section)]
    return Others(
        noises,
        [value for value in sharpnesses if value is not None],
        last,
        _strips(store, context.folder.path, job, image),
    )


def _has_bits(one: CheckedImage, image: ScanImage) -> bool:
    """Return True if an image has the bits of another, as far as that is known."""
    bits = [check.value for check in one.checks if check.kind is CheckKind.DEPTH]
    return bits in ([], [8.0 * image.pixels.dtype.itemsize])


@dataclass(frozen=True, slots=True)
class _Overlap:
    """Ground that two frames share: its size and its place in each, px from the upper left."""

    size: tuple[int, int]
    here: tuple[int, int]
    beside: tuple[int, int]


def _strips(store: Store, folder: Path, job: Job, image: ScanImage) -> list[Strips]:
    """Read the ground at the sides of a frame that frames beside it show."""
    near = [(other, overlap) for other in _taken_near(store, job) if (overlap := _overlap(job, other))]
    near.sort(key=lambda one: -one[1].size[1])
    found = []
    for other, overlap in near[:_BESIDE]:
        try:
            beside = read_pixels(folder / str(other.image))
        except (ImageError, UnreadableImageError) as error:
            log.warning(
                "not compared with the image beside it", job=job.id, beside=other.id, error=str(error)
            )
            continue
        parts = (
            pixels[y : y + overlap.size[1], x : x + overlap.size[0]].astype(np.float32)
            for pixels, (x, y) in ((image.pixels, overlap.here), (beside, overlap.beside))
        )
        here, there = parts
        if here.shape == there.shape:
            found.append(Strips(here, there))
    return found


def _taken_near(store: Store, job: Job) -> list[Job]:
    return [
        other
        for other in store.queue.jobs_touching(job.rect_m, limit=100)
        if other.id != job.id
        and other.section == job.section
        and other.kind is JobKind.FRAME
        and other.state is JobState.DONE
        and abs(other.pixel_size_m - job.pixel_size_m) <= 1e-6 * job.pixel_size_m
    ]


def _overlap(job: Job, other: Job) -> _Overlap | None:
    """Return the strip along the sides of two frames; None if it is too narrow or too short to tell."""
    x0, x1 = max(job.rect_m[0], other.rect_m[0]), min(job.rect_m[2], other.rect_m[2])
    y0, y1 = max(job.rect_m[1], other.rect_m[1]), min(job.rect_m[3], other.rect_m[3])
    scale = job.pixel_size_m
    width, height = round((x1 - x0) / scale), round((y1 - y0) / scale)
    if not LEAST_PX <= width <= job.size_px[0] // 2 or height < LEAST_ROWS:
        return None
    # Rows count from the top, where y is largest.
    here, beside = (
        (max(0, round((x0 - one.rect_m[0]) / scale)), max(0, round((one.rect_m[3] - y1) / scale)))
        for one in (job, other)
    )
    return _Overlap((width, height), here, beside)
