"""Frames after the overview of their stage position.

An overview holds for one stay of the stage. It is taken before the first frame of a position, and once: if
the stage has to come back, or the overview is interrupted, frames are taken as if there was none. Everything
but the place of the present stay is in the store, so that a restart knows what was done.
"""

import math
from dataclasses import replace

from drivers.errors import DriverError
from drivers.guards.scan_guard import within_reach
from drivers.sem import ScanRequest
from planner.errors import PlannerError
from service import wording_overviews
from service.acquisition.overviews.measure import measured
from service.acquisition.overviews.scan import queue_overview
from service.errors import IllegalTransitionError
from service.logs import get_logger
from service.model.jobs import Job, JobKind, JobOrigin, JobState
from service.model.overviews import FieldPlace, NotUsed, Overview, OverviewState
from service.planning.position import Measured, Replanned, replan_position
from service.session.context import Context
from service.session.progress import BETWEEN, BETWEEN_S
from service.store.store import Store

log = get_logger(__name__)

_COMPARE_S = 60.0
"""Estimate of a comparison and a plan: some seconds on an idle computer, more on a busy one."""
_SAME_M = 1e-9
"""Positions of a plan closer than this are one."""
_ENDED = (JobState.SKIPPED, JobState.WITHDRAWN, JobState.FAILED, JobState.NEEDS_REVIEW)


def ready_to_scan(context: Context, job: Job) -> bool:
    """Return True if a frame may be scanned now, with the stage at its position.

    Returns
    -------
    bool
        False if the queue has changed: an overview comes first, or the frames of the position were planned
        again.
    """
    planned = job.kind is JobKind.FRAME and job.origin is JobOrigin.PLAN and job.retake_of is None
    if not (context.config.sem.overview.take and planned) or context.last_move.place is not None:
        return True
    known = context.store.overviews.at(job.section, job.stage_m)
    if known is None:
        return not queue_overview(context, job)
    if known.state is OverviewState.USED:
        return not _left(context, known)
    if known.job is not None and (known.state is OverviewState.WAITING or known.reason is NotUsed.NOT_DONE):
        return not _followed(context, known, context.store.queue.job(known.job))
    return True


def give_up_waiting_overviews(store: Store, reason: NotUsed) -> None:
    """Record that overviews of which nothing has become are not used, at the end of a session."""
    for one in store.overviews.all():
        if one.state is OverviewState.WAITING:
            undone = one.job is not None and store.queue.job(one.job).state in _ENDED
            why = NotUsed.NOT_DONE if undone else reason
            log.warning("overview not used", section=one.section, job=one.job, reason=why.value)
            store.overviews.change(replace(one, state=OverviewState.NOT_USED, reason=why))


def _followed(context: Context, overview: Overview, taken: Job) -> bool:
    """Follow an overview that was taken; return True if frames were planned again."""
    store = context.store
    if taken.state in _ENDED:
        if overview.state is OverviewState.WAITING:
            log.warning("overview not taken", section=overview.section, job=taken.id, state=taken.state.value)
            store.overviews.change(replace(overview, state=OverviewState.NOT_USED, reason=NotUsed.NOT_DONE))
        return False
    if taken.state is not JobState.DONE:
        # Held, or moved behind its frames, by a person.
        return False
    first = context.last_move.first_exposure
    if first is None or all(row.id < first for row in store.ledger.exposures(job=taken.id)):
        log.warning("overview not used", section=overview.section, job=taken.id, reason="the stage moved")
        store.overviews.change(replace(overview, state=OverviewState.NOT_USED, reason=NotUsed.STAGE_MOVED))
        return False
    context.progress.begin(f"the comparison of {taken.id} with the fluorescence", _COMPARE_S)
    try:
        found, place = measured(context, overview)
        return _placed(context, found, place)
    finally:
        context.progress.begin(BETWEEN, BETWEEN_S)


def _placed(context: Context, found: Overview, place: Measured | None) -> bool:
    """Place frames by an overview, if it proves anything; return True if they were planned again."""
    store = context.store
    if place is None:
        log.info("overview proves nothing", section=found.section, job=found.job, reason=found.reason)
        store.overviews.change(found)
        return False
    again = _planned(context, found, place)
    if not _reaches(context, found, place.place, again):
        log.warning("overview not used", section=found.section, job=found.job, reason="beyond reach")
        store.overviews.change(replace(found, state=OverviewState.NOT_USED, reason=NotUsed.BEYOND_REACH))
        return False
    if not _recorded(context, found, again):
        return True
    context.last_move.place = place.place
    offset_um, error_um = (
        math.hypot(*(found.offset_m or (0, 0))) * 1e6,
        context.config.stage.position_error_um,
    )
    if offset_um > error_um:
        log.warning(
            "field lies further off than stage.position_error_um: cells may be cut where nothing is measured",
            section=found.section,
            offset_um=round(offset_um, 2),
            position_error_um=error_um,
        )
    log.info(
        "field measured",
        section=found.section,
        job=found.job,
        offset_m=found.offset_m,
        proven_m=found.proven_m,
        frames=None if again is None else [len(again.old), len(again.new)],
    )
    return again is not None


def _left(context: Context, overview: Overview) -> bool:
    """Plan the frames left after the stage has left its position; return True if there were any."""
    again = _planned(context, overview, None)
    left = replace(overview, state=OverviewState.LEFT, reason=NotUsed.STAGE_MOVED)
    if not _recorded(context, left, again):
        return True
    log.warning("the stage has moved since the overview", section=overview.section, job=overview.job)
    if again is not None:
        # They are as wide as those of another stay need.
        context.last_move.returned = False
    return again is not None


def _recorded(context: Context, overview: Overview, again: Replanned | None) -> bool:
    """Record an overview with the frames planned again; return False if a person has steered one of them.

    Then nothing is recorded, and all is looked at once more.
    """
    store = context.store
    reason = wording_overviews.planned_again(overview.state is OverviewState.LEFT)
    try:
        with store.transaction():
            store.overviews.change(overview)
            if again is not None:
                store.overviews.plan_again(again.old, again.new, again.skipped, reason)
    except IllegalTransitionError:
        log.info("a person steered meanwhile", section=overview.section, job=overview.job)
        return False
    return True


def _planned(context: Context, overview: Overview, place: Measured | None) -> Replanned | None:
    """Plan the frames of a position again; None if they stay as they are."""
    try:
        return replan_position(context.config, context.store, overview.section, overview.stage_m, place)
    except PlannerError as error:
        log.error("position not planned again", section=overview.section, error=str(error))
        return None


def _reaches(context: Context, overview: Overview, place: FieldPlace, again: Replanned | None) -> bool:
    """Return True if the beam reaches all frames of a position where the field lies."""
    frame, stands_m = context.stage_frame, context.last_move.found_m
    if stands_m is None:
        return False
    try:
        reach_m = context.devices.sem.beam_reach_m()
    except DriverError as error:
        log.warning("reach of the beam not known", error=str(error))
        return False
    for job in _frames_at(context, overview, again):
        x, y = frame.sem_position_m(place.seen_m(job.center_m))
        shift_m = x - stands_m[0], y - stands_m[1]
        request = ScanRequest(job.size_px, job.pixel_size_m, job.dwell_s, "", shift_m)
        if not (within_reach(request, reach_m) and frame.is_safe((x, y))):
            return False
    return True


def _frames_at(context: Context, overview: Overview, again: Replanned | None) -> list[Job]:
    """Return the frames of a stage position that are queued, or will be once it is planned again."""
    queued = context.store.queue.jobs(JobState.QUEUED, overview.section)
    old, new = ((), ()) if again is None else (again.old, again.new)
    replaced = {job.id for job in old}
    here = [job for job in queued if math.dist(job.stage_m, overview.stage_m) < _SAME_M]
    return [*new, *(job for job in here if job.id not in replaced)]
