"""Life cycle of a job (one SEM frame): a table of allowed transitions."""

from collections.abc import Mapping
from types import MappingProxyType

from service.errors import IllegalTransitionError
from service.model.jobs import JobState

TRANSITIONS: Mapping[JobState, frozenset[JobState]] = MappingProxyType(
    {
        JobState.QUEUED: frozenset(
            {
                JobState.ARMED,
                JobState.HELD,
                JobState.SKIPPED,
                JobState.WITHDRAWN,
                JobState.NEEDS_REVIEW,
                JobState.FAILED,
            }
        ),
        JobState.HELD: frozenset({JobState.QUEUED, JobState.SKIPPED, JobState.WITHDRAWN}),
        # Back to the queue only where the ledger shows that the beam stayed blanked.
        JobState.ARMED: frozenset(
            {JobState.EXPOSED, JobState.FAILED, JobState.NEEDS_REVIEW, JobState.QUEUED}
        ),
        JobState.EXPOSED: frozenset({JobState.SAVED, JobState.FAILED, JobState.NEEDS_REVIEW}),
        JobState.SAVED: frozenset({JobState.DONE, JobState.FAILED, JobState.NEEDS_REVIEW}),
        JobState.NEEDS_REVIEW: frozenset({JobState.QUEUED, JobState.SKIPPED}),
        JobState.DONE: frozenset(),
        JobState.SKIPPED: frozenset(),
        JobState.WITHDRAWN: frozenset(),
        JobState.FAILED: frozenset(),
    }
)

RETAKE_TRANSITIONS: Mapping[JobState, frozenset[JobState]] = MappingProxyType(
    {
        JobState.SAVED: frozenset({JobState.HELD}),
        # Taken again, or not after all: its image is there.
        JobState.HELD: frozenset({JobState.QUEUED, JobState.DONE, JobState.NEEDS_REVIEW, JobState.SKIPPED}),
    }
)
"""The same of a frame that was saved and waits to be taken again, as its image is bad."""


def check(old: JobState, new: JobState, for_retake: bool = False) -> None:
    """Refuse a transition that is not in the table.

    Raises
    ------
    IllegalTransitionError
    """
    following = RETAKE_TRANSITIONS.get(old, frozenset()) if for_retake else TRANSITIONS[old]
    if new not in following:
        allowed = ", ".join(sorted(following)) or "nothing: it is an end state"
        raise IllegalTransitionError(f"a job cannot go from '{old}' to '{new}'; possible: {allowed}")
