"""SEM frames that a person asks for: checked as a plan's are, before they come into the queue."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from config.model import Config
from planner.geometry.allowed_ground import Ground
from planner.geometry.rects import about
from service.errors import RefusedFrameError
from service.model.jobs import Job
from service.session.stage_frame import reach_m, safe_area_m, sem_position_m
from service.store.store import Store


@dataclass(frozen=True, slots=True)
class AskedFrame:
    """A frame as a person asks for it; the configuration gives the pixel size and dwell time not stated."""

    section: str
    center_m: tuple[float, float]
    size_px: tuple[int, int]
    pixel_size_m: float | None = None
    dwell_s: float | None = None


def admitted(config: Config, store: Store, asked: Sequence[AskedFrame], expose_again: bool) -> list[Job]:
    """Return the jobs for what was asked; all of it is good, or nothing is admitted.

    Parameters
    ----------
    config : Config
    store : Store
    asked : sequence of AskedFrame
        At least one.
    expose_again : bool
        A person wants frames on ground that was exposed or is to be; otherwise such a frame is refused, for
        an exposure cannot be repeated harmlessly.

    Returns
    -------
    list of Job
        In the order asked, with identifiers and positions that are free.

    Raises
    ------
    RefusedFrameError
        A frame must not be taken; the text is one sentence that says which and why.
    """
    number = store.queue.next_number()
    known = {section.id for section in store.specimen.sections()}
    grounds: dict[str, Ground] = {}
    places: dict[str, int] = {}
    jobs = []
    for n, frame in enumerate(asked):
        if frame.section not in known:
            raise RefusedFrameError(f"jobs[{n}]: there is no section {frame.section}")
        if frame.section not in grounds:
            grounds[frame.section] = _saved_ground(config, store, frame.section)
            places[frame.section] = store.steering.next_position(frame.section)
        job = _job(config, frame, f"J{number + n:06d}", places[frame.section])
        places[frame.section] += 1
        wrong = _wrong(config, job, grounds[frame.section])
        if wrong is not None:
            raise RefusedFrameError(f"jobs[{n}]: {wrong}")
        jobs.append(job)
    if not expose_again:
        for section in grounds:
            _refuse_repeats(store, section, jobs)
    return jobs


def _saved_ground(config: Config, store: Store, section: str) -> Ground:
    """Ground of a section whose fluorescence is on the disk (invariant 1), less what no frame may reach."""
    saved = [field.rect_m for field in store.specimen.fields(section=section) if field.image is not None]
    return Ground(saved, reach_m(config))


def _job(config: Config, frame: AskedFrame, name: str, position: int) -> Job:
    pixel_size_m = frame.pixel_size_m or config.sem.pixel_size_m
    size_m = (frame.size_px[0] * pixel_size_m, frame.size_px[1] * pixel_size_m)
    return Job(
        id=name,
        section=frame.section,
        position=position,
        rect_m=about(frame.center_m, size_m),
        center_m=frame.center_m,
        size_px=frame.size_px,
        pixel_size_m=pixel_size_m,
        dwell_s=frame.dwell_s or config.sem.dwell_s,
        covers=(),
    )


def _wrong(config: Config, job: Job, ground: Ground) -> str | None:
    """Say why a frame must not be taken; None if it may."""
    most = config.sem.specimen_px
    if job.size_px[0] > most[0] or job.size_px[1] > most[1]:
        return f"size_px {list(job.size_px)} is larger than the {list(most)} px that one scan may have"
    (x0, y0, x1, y1), (x, y) = safe_area_m(config), sem_position_m(config, job.center_m)
    if not (x0 <= x <= x1 and y0 <= y <= y1):
        return (
            f"the stage would go to ({x * 1e3:.3f}, {y * 1e3:.3f}) mm, outside its safe area, x"
            f" {config.stage.safe_x_mm} mm, y {config.stage.safe_y_mm} mm"
        )
    if not ground.allows(job.rect_m):
        return (
            f"({job.center_m[0] * 1e3:.4f}, {job.center_m[1] * 1e3:.4f}) mm: the beam would reach ground"
            f" of section {job.section} whose fluorescence is not saved, and destroy it"
        )
    return None


def _refuse_repeats(store: Store, section: str, jobs: Sequence[Job]) -> None:
    """Refuse a frame whose centre lies on ground that another frame has exposed or is to expose.

    The centre, and not every overlap: neighbouring frames overlap at their borders on purpose.
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
        # Only what begins less than the widest frame to the left can hold the centre.
        low, high = np.searchsorted(rects[:, 0], (x - widest_m, x))
        near = rects[low:high]
        holds = (near[:, 2] > x) & (near[:, 1] <= y) & (near[:, 3] > y)
        for found in order[low:high][holds]:
            if found != itself:
                raise RefusedFrameError(
                    f"{name}: its centre lies on the ground of {names[found]}; ask with expose_again if that"
                    " is to be exposed again"
                )
