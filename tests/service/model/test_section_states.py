"""State of a section, from those of its fields and jobs."""

import pytest

from service.model.jobs import JobState
from service.model.section_states import SectionState, section_state
from service.model.specimen import FieldState


@pytest.mark.parametrize(
    ("fields", "jobs", "state"),
    [
        ({FieldState.PENDING: 2}, {}, SectionState.WAITING),
        ({FieldState.PENDING: 1, FieldState.SAVED: 1}, {}, SectionState.FLUORESCENCE),
        ({FieldState.DETECTED: 2}, {JobState.SKIPPED: 4}, SectionState.FLUORESCENCE),
        ({FieldState.PLANNED: 2}, {JobState.QUEUED: 4, JobState.SKIPPED: 4}, SectionState.PLANNED),
        ({FieldState.PLANNED: 2}, {JobState.QUEUED: 4, JobState.DONE: 1}, SectionState.IMAGING),
        ({FieldState.PLANNED: 2}, {JobState.ARMED: 1}, SectionState.IMAGING),
        ({FieldState.PLANNED: 2}, {JobState.DONE: 3, JobState.NEEDS_REVIEW: 1}, SectionState.REVIEW),
        ({FieldState.PLANNED: 1, FieldState.FAILED: 1}, {JobState.DONE: 3}, SectionState.DONE),
        ({FieldState.PLANNED: 1}, {}, SectionState.DONE),
        ({FieldState.FAILED: 2}, {}, SectionState.FAILED),
        ({}, {}, SectionState.DONE),
    ],
)
def test_the_state_of_a_section_is_that_of_its_work(
    fields: dict[FieldState, int], jobs: dict[JobState, int], state: SectionState
) -> None:
    assert section_state(fields, jobs) is state
