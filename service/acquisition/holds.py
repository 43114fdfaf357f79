"""Jobs held until the fluorescence around them is saved (invariant 1)."""

from collections.abc import Iterator
from contextlib import contextmanager

from service.errors import (
    IllegalTransitionError,
)
from service.logs import get_logger
from service.model.jobs import Job, JobState
from service.session.context import Context
from service.session.exposure_map import unsaved
from service.store.tables.steering import MOVABLE

log = get_logger(__name__)


WAITS = "waits for the fluorescence of "
"""How the reason of a job begins that is held because of invariant 1, fluorescence first."""


def release_waiting(context: Context) -> None:
    """Queue what was held for fluorescence that has been saved since."""
    for job in context.store.queue.jobs(state=JobState.HELD):
        if (job.reason or "").startswith(WAITS) and unsaved_ground(context, job) is None:
            with unless_steered(context, job):
                context.store.queue.set_state(
                    job.id, JobState.QUEUED, reason="the fluorescence around it is saved"
                )


def give_up_waiting(context: Context) -> None:
    """Skip what still waits for fluorescence when no more will be taken."""
    for job in context.store.queue.jobs(state=JobState.HELD):
        if (job.reason or "").startswith(WAITS):
            reason = f"{job.reason}, which was never saved"
            with unless_steered(context, job):
                context.store.queue.set_state(job.id, JobState.SKIPPED, reason=reason)


@contextmanager
def unless_steered(context: Context, job: Job) -> Iterator[None]:
    """Leave a job alone that a person has taken from the queue, or put back, since it was looked up."""
    try:
        yield
    except IllegalTransitionError:
        now = context.store.queue.job(job.id).state
        if now is job.state or now not in MOVABLE:
            raise
        log.info("a person steered meanwhile", job=job.id, state=now.value)


def unsaved_ground(context: Context, job: Job) -> str | None:
    """Say what fluorescence the job would destroy unsaved, wherever it lands; None if there is none."""
    return unsaved(context.store, job.section, job.rect_m, context.stage_frame.reach_m)
