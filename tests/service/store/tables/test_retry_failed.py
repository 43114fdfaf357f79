"""Failed detections are taken up again where nothing of their section was exposed or decided."""

from collections.abc import Callable

import pytest

from service import wording
from service.model.jobs import HoldCause, JobState
from service.model.specimen import FieldState
from service.store.store import Store
from tests.service.store.stores import job, queue_jobs, rect, save_field

FAILED = "S0001/F001"


@pytest.fixture
def planned(store: Store) -> Store:
    """A section of which one field is planned and the detection of another failed."""
    queue_jobs(store)
    save_field(store, FAILED)
    store.specimen.set_field(FAILED, FieldState.FAILED, reason="detection failed: no licence")
    return store


def test_a_section_that_was_not_exposed_is_detected_and_planned_again(planned: Store) -> None:
    assert planned.recover().again == (FAILED,)
    assert planned.specimen.field(FAILED).state is FieldState.SAVED
    assert planned.events.of("field")[-1].data["reason"] == wording.detected_again()
    assert {job.reason for job in planned.queue.jobs()} == {wording.plan_withdrawn()}
    assert planned.specimen.field("S0001/F000").state is FieldState.DETECTED
    assert planned.queue.counts_in_use() == {JobState.WITHDRAWN: 3}
    cells = planned.specimen.cells(section="S0001")
    assert [(cell.jobs, cell.skipped) for cell in cells] == [((), None)] * 3
    planned.queue.add_plan("S0001", [job(4, covers=tuple(cell.id for cell in cells))], {})
    assert planned.queue.counts_in_use() == {JobState.WITHDRAWN: 3, JobState.QUEUED: 1}


TOUCHES: dict[str, Callable[[Store], object]] = {
    "exposed": lambda s: s.ledger.done(s.ledger.arm("J000001", rect(20, 0), 1e-6).id),
    "held": lambda s: s.queue.set_state("J000001", JobState.HELD, hold_cause=HoldCause.PERSON),
    "skipped": lambda s: s.queue.set_state("J000001", JobState.SKIPPED, reason="a fold"),
}


@pytest.mark.parametrize("touch", TOUCHES)
def test_what_was_exposed_or_decided_stays(planned: Store, touch: str) -> None:
    TOUCHES[touch](planned)
    assert planned.recover().again == ()
    assert planned.specimen.field(FAILED).state is FieldState.FAILED
    assert planned.specimen.field("S0001/F000").state is FieldState.PLANNED


def test_a_field_that_could_not_be_taken_is_pending_again_and_its_section_planned_anew(store: Store) -> None:
    queue_jobs(store)
    store.specimen.set_field(FAILED, FieldState.FAILED, reason="the camera is dead")
    assert store.recover().again == (FAILED,)
    assert store.specimen.field(FAILED).state is FieldState.PENDING
    assert store.events.of("field")[-1].data["reason"] == wording.taken_again()
    assert store.specimen.field("S0001/F000").state is FieldState.DETECTED
    assert store.queue.counts_in_use() == {JobState.WITHDRAWN: 3}


def test_a_field_beside_ground_that_was_exposed_is_not_taken_any_more(store: Store) -> None:
    queue_jobs(store)
    store.specimen.set_field(FAILED, FieldState.FAILED, reason="the camera is dead")
    store.ledger.done(store.ledger.arm("J000001", rect(20, 0), 1e-6).id)
    assert store.recover().again == ()
    assert store.specimen.field(FAILED).state is FieldState.FAILED
