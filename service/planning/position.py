"""Frames of one stage position, planned again in the place of those in the queue."""

import math
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from config.model import Config
from drivers.pose import RectM
from planner.checks import outline_polygon
from planner.cover.tiles import Scan
from planner.errors import PlannerError
from planner.geometry.allowed_ground import Ground
from planner.geometry.rects import center, grown, hull
from planner.measured.position import Proven, Shown, for_place, parts_shown, plan_position
from planner.position_error import PositionErrors
from planner.settings import PlanSettings, settings_from
from planner.values import Box
from service.model.jobs import Job, JobKind, JobOrigin, JobState
from service.model.overviews import FieldPlace, Point
from service.model.specimen import Cell
from service.session.exposure_map import waiting
from service.session.stage_frame import StageFrame
from service.store.store import Store

_SAME_M = 1e-9
"""Positions of a plan closer than this are one."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Measured place of the field of a stage position.

    Attributes
    ----------
    place : FieldPlace
    proven_m : float
        Largest error of the place at any of the cells.
    cells : frozenset of str
        Cells that were compared.
    """

    place: FieldPlace
    proven_m: float
    cells: frozenset[str]

    def off_m(self, point_m: Point) -> float:
        """Return how far the SEM sees a point off its fluorescence, m."""
        return math.dist(self.place.seen_m(point_m), point_m)


@dataclass(frozen=True, slots=True)
class Replanned:
    """Frames of a stage position in the place of others.

    Attributes
    ----------
    old, new : tuple of Job
    skipped : dict
        Reason by cell that has no frame any more.
    """

    old: tuple[Job, ...]
    new: tuple[Job, ...]
    skipped: dict[str, str]


def replan_position(
    config: Config, store: Store, section: str, stage_m: Point, measured: Measured | None
) -> Replanned | None:
    """Plan the queued frames of a stage position again.

    Frames that a person has steered stay as they are. Ground that other frames show, done or not, stays
    theirs.

    Parameters
    ----------
    config : Config
    store : Store
    section : str
    stage_m : (float, float)
    measured : Measured or None
        None where the stage has come back, so that nothing is known of where the field lies now: then frames
        are wider where they meet earlier ones, by the error of both stays.

    Returns
    -------
    Replanned or None
        None if there is nothing to plan, or if the frames as they are serve as well.

    Raises
    ------
    PlannerError
    """
    jobs = store.queue.jobs(section=section)
    old = [job for job in jobs if _is_open(store, job) and math.dist(job.stage_m, stage_m) < _SAME_M]
    if not old or config.planner.method == "raster":
        return None
    frame = StageFrame.of(config)
    settings = settings_from(config.planner, config.sem, config.stage, frame.misfit_m)
    most_px = max(job.size_px[0] for job in old), max(job.size_px[1] for job in old)
    proven, wider_m, used = None, 2 * frame.position_error_m, settings
    errors, guard_m, turned_m = PositionErrors.of(config.planner, config.sem, config.stage), 0.0, 0.0
    if measured is not None:
        size_m = most_px[0] * settings.pixel_size_m, most_px[1] * settings.pixel_size_m
        turned_m = measured.place.misfit_m(size_m)
        guard_um = errors.measured(measured.proven_m * 1e6).guard_um(beam_moves=True)
        guard_m = guard_um * 1e-6 + frame.misfit_m + turned_m
        proven = Proven(measured.cells, guard_m)
        # Earlier frames of this stay were not placed by the overview.
        begun = any(_was_scanned(job, stage_m) for job in jobs)
        wider_m = max(measured.off_m(job.center_m) for job in old) if begun else 0.0
        used = for_place(settings, turned_m, most_px)
    boxes, shown = _wanted(store, section, jobs, old, settings, wider_m)
    ground = _ground(config, store, section, settings, frame)
    again = plan_position(stage_m, boxes, shown, proven, ground, used, settings.method)
    new = _jobs(store, old, again.scans, stage_m)
    if measured is not None and _serve(old, new, settings, guard_m, 2 * turned_m <= errors.seam_um * 1e-6):
        return None
    covered = {cell for job in new for cell in job.covers}
    skipped = {one.box: one.reason for one in again.skipped if one.box not in covered}
    lost = {one.id for one in boxes} - covered - set(skipped)
    if lost:
        raise PlannerError(f"no frame shows {', '.join(sorted(lost))}")
    return Replanned(tuple(old), new, skipped)


def _serve(
    old: Sequence[Job], new: Sequence[Job], settings: PlanSettings, guard_m: float, seams_hold: bool
) -> bool:
    """Return True if frames planned before a measurement serve as well as new ones, which save no time."""
    costs_s = [sum(job.beam_s + settings.overhead_s for job in jobs) for jobs in (old, new)]
    return costs_s[1] >= costs_s[0] and guard_m <= settings.guard_m and seams_hold


def _is_open(store: Store, job: Job) -> bool:
    """Return True for a queued frame of a plan that no person has steered."""
    if job.state is not JobState.QUEUED or job.kind is not JobKind.FRAME or job.origin is not JobOrigin.PLAN:
        return False
    if job.retake_of is not None:
        return False
    return not any("by" in event.data for event in store.queue.history(job.id))


def _was_scanned(job: Job, stage_m: Point) -> bool:
    """Return True for a frame of a stage position that was or may have been exposed."""
    waits = (JobState.QUEUED, JobState.HELD, JobState.SKIPPED, JobState.WITHDRAWN)
    return job.kind is JobKind.FRAME and job.state not in waits and math.dist(job.stage_m, stage_m) < _SAME_M


def _wanted(
    store: Store,
    section: str,
    jobs: Sequence[Job],
    old: Sequence[Job],
    settings: PlanSettings,
    wider_m: float,
) -> tuple[list[Box], list[Shown]]:
    """Return the cells that the frames alone show, and the parts of others that they must go on to show."""
    again = {job.id for job in old}
    elsewhere = {cell for job in jobs if job.id not in again for cell in job.covers}
    frames: dict[str, list[RectM]] = defaultdict(list)
    for job in old:
        for cell in job.covers:
            frames[cell].append(job.rect_m)
    cells = {cell.id: cell for cell in store.specimen.cells(section=section) if cell.image_rect_m is not None}
    together: dict[RectM | None, list[Cell]] = defaultdict(list)
    for one in cells.values():
        together[one.image_rect_m].append(one)
    boxes: list[Box] = []
    shown: list[Shown] = []
    for name, rects in sorted(frames.items()):
        group = together[cells[name].image_rect_m]
        if all(_alone(one, frames, elsewhere) for one in group):
            boxes.append(_box(cells[name]))
        else:
            shown += parts_shown(_box(cells[name]), list(map(_box, group)), rects, settings, wider_m)
    return boxes, shown


def _alone(cell: Cell, frames: Collection[str], elsewhere: Collection[str]) -> bool:
    return cell.id in frames and cell.id not in elsewhere


def _box(cell: Cell) -> Box:
    return Box(cell.id, cell.rect_m, cell.image_rect_m)


def _ground(config: Config, store: Store, section: str, settings: PlanSettings, frame: StageFrame) -> Ground:
    """Return the allowed ground of a section, as when it was planned."""
    saved = [field.rect_m for field in store.specimen.fields(section=section) if field.image is not None]
    whole = saved[0]
    for rect in saved:
        whole = hull(whole, rect)
    reach_m = settings.guard_m + settings.halo_m
    unsaved = [
        grown(field.rect_m, frame.position_error_m)
        for field in waiting(store, grown(whole, frame.position_error_m))
    ]
    place = next(one for one in store.specimen.sections() if one.id == section)
    outline = None
    if place.outline_m is not None:
        outline = outline_polygon(place.outline_m).buffer(config.planner.outline_margin_um * 1e-6)
    return Ground(saved, reach_m, unsaved, outline)


def _jobs(store: Store, old: Sequence[Job], scans: Sequence[Scan], stage_m: Point) -> tuple[Job, ...]:
    """Return jobs for scans: the old ones changed, as far as there are any, and new ones before them."""
    found = []
    number = store.queue.next_number()
    taken = {job.position for job in store.queue.jobs()} if len(scans) > len(old) else set()
    position = min(job.position for job in old)
    for index, scan in enumerate(scans):
        center_m = center(scan.rect_m)
        job = replace(
            old[min(index, len(old) - 1)],
            rect_m=scan.rect_m,
            center_m=center_m,
            size_px=scan.size_px,
            covers=tuple(sorted(scan.boxes)),
            beam_shift_m=(center_m[0] - stage_m[0], center_m[1] - stage_m[1]),
        )
        if index >= len(old):
            while position in taken:
                position -= 1
            taken.add(position)
            job = replace(job, id=f"J{number:06d}", position=position)
            number += 1
        found.append(job)
    return tuple(found)
