"""End states are distinct: what is done well, done with failures, aborted, or a fault that waits."""

from collections.abc import Collection
from types import SimpleNamespace
from typing import Any

import pytest

from service.model.jobs import JobState
from service.model.phases import Phase, SessionEvent
from service.model.specimen import FieldState
from service.store.outcome import LastFault, end_state, last_fault
from service.store.store import Store
from tests.service.store.stores import queue_jobs

WELL = {JobState.DONE, JobState.SKIPPED, JobState.WITHDRAWN}


def ended(phase: Phase, jobs: Collection[JobState], fields: Collection[FieldState]) -> str:
    """End state of a run of which only these states occur."""
    store: Any = SimpleNamespace(
        status=lambda: SimpleNamespace(phase=phase),
        queue=SimpleNamespace(counts_in_use=lambda: dict.fromkeys(jobs, 1)),
        specimen=SimpleNamespace(field_counts=lambda: dict.fromkeys(fields, 1)),
    )
    return end_state(store)


@pytest.mark.parametrize("state", JobState)
def test_a_run_is_done_well_if_each_job_is_done_or_was_given_up_on_purpose(state: JobState) -> None:
    expected = "done" if state in WELL else "done_with_failures"
    assert ended(Phase.DONE, [state], [FieldState.PLANNED]) == expected
    assert ended(Phase.DONE, [*WELL, state], [FieldState.PLANNED]) == expected


@pytest.mark.parametrize("state", FieldState)
def test_a_run_is_done_well_if_each_field_was_planned(state: FieldState) -> None:
    expected = "done" if state is FieldState.PLANNED else "done_with_failures"
    assert ended(Phase.DONE, [JobState.DONE], [FieldState.PLANNED, state]) == expected
    assert ended(Phase.DONE, [], [state]) == expected


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.DONE])
def test_a_run_that_is_not_done_is_where_it_is(phase: Phase) -> None:
    assert ended(phase, [JobState.DONE], [FieldState.PLANNED]) == phase.value
    assert ended(phase, [JobState.FAILED], [FieldState.FAILED]) == phase.value


def test_the_last_fault_says_if_the_microscope_was_safe(store: Store) -> None:
    queue_jobs(store)
    assert end_state(store) == "idle"
    assert last_fault(store) is None
    store.apply(SessionEvent.START)
    assert last_fault(store) is None
    store.apply(SessionEvent.FAULT, "the gun")
    first = store.events.of("session")[-1]
    assert last_fault(store) == LastFault(first.seq, True, None)
    assert end_state(store) == "fault"
    store.apply(SessionEvent.ACKNOWLEDGE)
    store.apply(SessionEvent.RESUME)
    store.apply(SessionEvent.FAULT, "the gun; not safe", notes={"safe": False, "once_safe": "the gun"})
    second = store.events.of("session")[-1]
    store.apply(SessionEvent.ACKNOWLEDGE)
    assert last_fault(store) == LastFault(second.seq, False, "the gun")
    store.apply(SessionEvent.RESUME)
    store.apply(SessionEvent.FAULT, "the pump", notes={"safe": True})
    assert last_fault(store) == LastFault(store.events.of("session")[-1].seq, True, None)
