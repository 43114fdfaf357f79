"""Jobs held until the fluorescence around them is saved (invariant 1)."""

from collections.abc import Iterator
from contextlib import contextmanager

from service import wording
from service.errors import IllegalTransitionError
from service.logs import get_logger
from service.model.jobs import HoldCause, Job, JobState
from service.session.context import Context
from service.session.exposure_map import unsaved
from service.store.tables.steering import STEERED

log = get_logger(__name__)


def hold_for_fluorescence(context: Context, job: Job, missing: str) -> None:
    """Hold a job until `missing`, a field or the ground around it, is saved."""
    context.store.queue.set_state(
        job.id,
        JobState.HELD,
        reason=wording.waits_for_fluorescence(missing),
        hold_cause=HoldCause.FLUORESCENCE,
    )


def release_waiting(context: Context) -> None:
    """Queue jobs that were held for fluorescence which has been saved since."""
    for job in _waiting(context):
        if unsaved_ground(context, job) is None:
            with unless_steered(context, job):
                context.store.queue.set_state(job.id, JobState.QUEUED, reason=wording.fluorescence_saved())


def give_up_waiting(context: Context) -> None:
    """Skip jobs that still wait for fluorescence when no more will be taken."""
    for job in _waiting(context):
        with unless_steered(context, job):
            reason = wording.never_saved(job.reason)
            context.store.queue.set_state(job.id, JobState.SKIPPED, reason=reason)


def _waiting(context: Context) -> list[Job]:
    held = context.store.queue.jobs(state=JobState.HELD)
    return [job for job in held if job.hold_cause is HoldCause.FLUORESCENCE]


@contextmanager
def unless_steered(context: Context, job: Job) -> Iterator[None]:
    """Leave a job alone that a person has taken from the queue, or put back, since it was read."""
    try:
        yield
    except IllegalTransitionError:
        now = context.store.queue.job(job.id).state
        if now is job.state or now not in STEERED:
            raise
        log.info("a person steered meanwhile", job=job.id, state=now.value)


def unsaved_ground(context: Context, job: Job) -> str | None:
    """Return the fluorescence that a job would destroy unsaved, wherever it lands; None if there is none."""
    frame = context.stage_frame
    return unsaved(context.store, job.section, job.rect_m, frame.reach_m + frame.wider_m(job.size_m))
