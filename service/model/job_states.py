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
        JobState.HELD: frozenset(
            {
                JobState.QUEUED,
                JobState.SKIPPED,
                JobState.WITHDRAWN,
                # A frame that is not taken again after all.
                JobState.DONE,
                JobState.NEEDS_REVIEW,
            }
        ),
        # Back to the queue only where the ledger shows that the beam stayed blanked.
        JobState.ARMED: frozenset(
            {JobState.EXPOSED, JobState.FAILED, JobState.NEEDS_REVIEW, JobState.QUEUED}
        ),
        JobState.EXPOSED: frozenset({JobState.SAVED, JobState.FAILED, JobState.NEEDS_REVIEW}),
        # Held where the frame is taken again, as its image is bad.
        JobState.SAVED: frozenset({JobState.DONE, JobState.FAILED, JobState.NEEDS_REVIEW, JobState.HELD}),
        JobState.NEEDS_REVIEW: frozenset({JobState.QUEUED, JobState.SKIPPED}),
        JobState.DONE: frozenset(),
        JobState.SKIPPED: frozenset(),
        JobState.WITHDRAWN: frozenset(),
        JobState.FAILED: frozenset(),
    }
)


def check(old: JobState, new: JobState) -> None:
    """Refuse a transition that is not in the table.

    Raises
    ------
    IllegalTransitionError
    """
    if new not in TRANSITIONS[old]:
        allowed = ", ".join(sorted(TRANSITIONS[old])) or "nothing: it is an end state"
        raise IllegalTransitionError(f"a job cannot go from '{old}' to '{new}'; possible: {allowed}")
