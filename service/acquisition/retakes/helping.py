"""Focuses and overviews of which nothing good has come: they wait for no person, as they only help frames.

A frame needs a decision, since its cells are lost without it. A focus or an overview is not worth a second
exposure of its ground, and its frames do without it. So it ends, with its ground in the ledger as it is. If
frames are still to be taken, another focus of the section follows on another spot, once; an overview, which
exposes all of its position, is not followed by another.
"""

from service import wording
from service.acquisition.holds import unless_steered
from service.autofocus.beam import focus_elsewhere
from service.logs import get_logger
from service.model.jobs import Job, JobKind, JobState
from service.session.context import Context

log = get_logger(__name__)

_TO_COME = (JobState.QUEUED, JobState.HELD)


def give_up_helping(context: Context) -> None:
    """Give up the focuses and overviews that are in review, and queue a focus in place of one."""
    for job in context.store.queue.jobs(state=JobState.NEEDS_REVIEW):
        if job.kind is JobKind.FRAME:
            continue
        with unless_steered(context, job), context.store.transaction():
            again = job.kind is JobKind.FOCUS and _focused_again(context, job)
            reason = wording.not_repeated(job.reason, elsewhere=again)
            context.store.queue.set_state(job.id, JobState.SKIPPED, reason=reason)
            log.warning("given up, not repeated", job=job.id, job_kind=job.kind.value, elsewhere=again)


def _focused_again(context: Context, job: Job) -> bool:
    """Queue another focus before the next frame of the section, if that helps any, and once."""
    section = context.store.queue.jobs(section=job.section)
    frames = [one for one in section if one.kind is JobKind.FRAME and one.state in _TO_COME]
    focuses = [one for one in section if one.kind is JobKind.FOCUS and one.state is not JobState.DONE]
    return bool(frames) and focuses == [job] and focus_elsewhere(context, frames[0])
