"""State of a section, from those of its fields and jobs."""

from collections.abc import Mapping
from enum import StrEnum

from service.model.jobs import JobState
from service.model.specimen import FieldState


class SectionState(StrEnum):
    """Stage that a section has reached."""

    WAITING = "waiting"
    """No fluorescence yet."""
    FLUORESCENCE = "fluorescence"
    """Some of its fluorescence is saved, or its cells are not planned yet."""
    PLANNED = "planned"
    """All is planned, and the beam has not been there."""
    IMAGING = "imaging"
    """Some of its frames are imaged, others will be."""
    DONE = "done"
    """Nothing is left to do."""
    REVIEW = "review"
    """A person decides: a job needs review, and nothing else is left."""
    FAILED = "failed"
    """None of its fields has cells that could be planned."""


_LEFT = (JobState.QUEUED, JobState.HELD, JobState.ARMED, JobState.EXPOSED, JobState.SAVED)
_BEAM = (JobState.ARMED, JobState.EXPOSED, JobState.SAVED, JobState.DONE, JobState.NEEDS_REVIEW)


def section_state(fields: Mapping[FieldState, int], jobs: Mapping[JobState, int]) -> SectionState:
    """Return the state of a section from the numbers of its fields and jobs in each state."""
    count = sum(fields.values())
    if fields.get(FieldState.PENDING, 0) == count and count:
        return SectionState.WAITING
    if fields.get(FieldState.FAILED, 0) == count and count:
        return SectionState.FAILED
    if any(fields.get(one, 0) for one in (FieldState.PENDING, FieldState.SAVED, FieldState.DETECTED)):
        return SectionState.FLUORESCENCE
    left, begun = (sum(jobs.get(one, 0) for one in some) for some in (_LEFT, _BEAM))
    if left:
        return SectionState.IMAGING if begun else SectionState.PLANNED
    return SectionState.REVIEW if jobs.get(JobState.NEEDS_REVIEW, 0) else SectionState.DONE
