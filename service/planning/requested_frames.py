"""SEM frames requested by people, checked like those of a plan before they enter the queue."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from config.instrument import SemConfig
from planner.geometry.allowed_ground import Ground
from planner.geometry.rects import centered
from service.errors import RefusedFrameError
from service.model.jobs import Job
from service.session.stage_frame import StageFrame
from service.store.store import Store


@dataclass(frozen=True, slots=True)
class AskedFrame:
    """A requested frame; pixel size and dwell time default to those of the configuration."""

    section: str
    center_m: tuple[float, float]
    size_px: tuple[int, int]
    pixel_size_m: float | None = None
    dwell_s: float | None = None


def admitted(
    sem: SemConfig, frame: StageFrame, store: Store, asked: Sequence[AskedFrame], expose_again: bool
) -> list[Job]:
    """Return the jobs of requested frames; one bad frame refuses them all.

    Parameters
    ----------
    sem : SemConfig
    frame : StageFrame
    store : Store
    asked : sequence of AskedFrame
        At least one.
    expose_again : bool
        True to allow frames on ground that was exposed or will be. Otherwise they are refused, since an
        exposure cannot be repeated harmlessly.

    Returns
    -------
    list of Job
        In the order requested, with free identifiers and positions.

    Raises
    ------
    RefusedFrameError
        Raised when a frame must not be taken; one sentence that names the frame and the reason.
    """
    number = store.queue.next_number()
    known = {section.id for section in store.specimen.sections()}
    grounds: dict[str, Ground] = {}
    places: dict[str, int] = {}
    jobs = []
    for n, one in enumerate(asked):
        if one.section not in known:
            raise RefusedFrameError(f"jobs[{n}]: there is no section {one.section}")
        if one.section not in grounds:
            grounds[one.section] = _saved_ground(store, one.section, frame.reach_m)
            places[one.section] = store.steering.next_position(one.section)
        job = _job(sem, one, f"J{number + n:06d}", places[one.section])
        places[one.section] += 1
        reason = _refusal(sem, frame, job, grounds[one.section])
        if reason is not None:
            raise RefusedFrameError(f"jobs[{n}]: {reason}")
        jobs.append(job)
    if not expose_again:
        for section in grounds:
            _refuse_repeats(store, section, jobs)
    return jobs


def _saved_ground(store: Store, section: str, reach_m: float) -> Ground:
    """Return the ground of a section whose fluorescence is on the disk (invariant 1)."""
    saved = [field.rect_m for field in store.specimen.fields(section=section) if field.image is not None]
    return Ground(saved, reach_m)


def _job(sem: SemConfig, asked: AskedFrame, name: str, position: int) -> Job:
    pixel_size_m = asked.pixel_size_m or sem.pixel_size_m
    size_m = (asked.size_px[0] * pixel_size_m, asked.size_px[1] * pixel_size_m)
    return Job(
        id=name,
        section=asked.section,
        position=position,
        rect_m=centered(asked.center_m, size_m),
        center_m=asked.center_m,
        size_px=asked.size_px,
        pixel_size_m=pixel_size_m,
        dwell_s=asked.dwell_s or sem.dwell_s,
        covers=(),
    )


def _refusal(sem: SemConfig, frame: StageFrame, job: Job, ground: Ground) -> str | None:
    """Return the reason why a frame must not be taken; None if it may."""
    most = sem.specimen_px
    if job.size_px[0] > most[0] or job.size_px[1] > most[1]:
        return f"size_px {list(job.size_px)} is larger than the {list(most)} px that one scan may have"
    x, y = frame.sem_position_m(job.center_m)
    if not frame.is_safe((x, y)):
        x0, y0, x1, y1 = (v * 1e3 for v in frame.safe_area_m)
        return (
            f"the stage would go to ({x * 1e3:.3f}, {y * 1e3:.3f}) mm, outside its safe area,"
            f" x {x0:g} to {x1:g} mm, y {y0:g} to {y1:g} mm"
        )
    if not ground.allows(job.rect_m):
        return (
            f"({job.center_m[0] * 1e3:.4f}, {job.center_m[1] * 1e3:.4f}) mm: the beam would reach ground"
            f" of section {job.section} whose fluorescence is not saved, and destroy it"
        )
    return None


def _refuse_repeats(store: Store, section: str, jobs: Sequence[Job]) -> None:
    """Refuse a frame whose centre lies on ground that another frame has exposed or will expose.

    Only the centre counts: neighbouring frames overlap at their borders on purpose.
    """
    new = [(f"jobs[{n}]", job) for n, job in enumerate(jobs) if job.section == section]
    taken = store.steering.ground_taken(section)
    names = [*(name for name, _ in taken), *(name for name, _ in new)]
    rects: NDArray[np.float64] = np.array([*(rect for _, rect in taken), *(job.rect_m for _, job in new)])
    order = np.argsort(rects[:, 0], kind="stable")
    rects = rects[order]
    widest_m = float((rects[:, 2] - rects[:, 0]).max())
    for itself, (name, job) in enumerate(new, start=len(taken)):
        x, y = job.center_m
        # A frame that holds the centre begins at most the width of the widest frame to its left.
        low, high = np.searchsorted(rects[:, 0], (x - widest_m, x))
        near = rects[low:high]
        holds = (near[:, 2] > x) & (near[:, 1] <= y) & (near[:, 3] > y)
        for found in order[low:high][holds]:
            if found != itself:
                raise RefusedFrameError(
                    f"{name}: its centre lies on the ground of {names[found]}; set expose_again to expose"
                    " that ground again"
                )
