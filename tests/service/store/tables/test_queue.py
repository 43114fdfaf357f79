from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from service.errors import IllegalTransitionError, StoreError, UnknownIdError
from service.model.jobs import HoldCause, Job, JobKind, JobState
from service.model.specimen import FieldState
from service.store.store import Store
from tests.service.store.stores import (
    add_specimen,
    cell,
    job,
    new_store,
    queue_jobs,
    record_cells,
    rect,
    save_field,
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = new_store(tmp_path)
    yield made
    made.close()


@pytest.fixture
def seen(store: Store) -> tuple[str, str, str]:
    """Three cells of two detected fields of S0001; the third field's are not yet looked for."""
    add_specimen(store, fields=3)
    save_field(store, "S0001/F000")
    save_field(store, "S0001/F001")
    a, b, c = cell("S0001/F000", 1), cell("S0001/F000", 2, "kept: doubtful"), cell("S0001/F001", 1)
    record_cells(store, "S0001/F000", [a, b], 1.0, ())
    record_cells(store, "S0001/F001", [c], 1.0, ())
    return a.id, b.id, c.id


def test_a_plan_accounts_for_every_cell(store: Store, seen: tuple[str, str, str]) -> None:
    a, b, c = seen
    store.queue.add_plan(
        "S0001", [job(1, covers=(b, a)), job(2, covers=(a,))], {c: "outside the saved fluorescence"}
    )
    assert [(one.jobs, one.skipped) for one in store.specimen.cells()] == [
        (("J000001", "J000002"), None),
        (("J000001",), None),
        ((), "outside the saved fluorescence"),
    ]
    assert [one.covers for one in store.queue.jobs()] == [(b, a), (a,)]
    assert [field.state for field in store.specimen.fields(section="S0001")] == [
        FieldState.PLANNED,
        FieldState.PLANNED,
        FieldState.PENDING,
    ]
    assert store.queue.kept_because(store.queue.jobs()) == {a: "kept: confident", b: "kept: doubtful"}
    assert store.queue.next_number() == 3


@pytest.mark.parametrize(
    "case", ["forgotten", "both", "unknown", "unknown skip", "other section", "not queued", "position"]
)
def test_a_plan_that_is_wrong_changes_nothing(store: Store, seen: tuple[str, str, str], case: str) -> None:
    a, b, c = seen
    jobs: dict[str, list[Job]] = {
        "forgotten": [job(1, covers=(a, b))],
        "both": [job(1, covers=seen)],
        "unknown": [job(1, covers=(*seen, "S0001/F000/c0099"))],
        "unknown skip": [job(1, covers=seen)],
        "other section": [job(1, "S0002", covers=seen)],
        "not queued": [replace(job(1, covers=seen), state=JobState.DONE)],
        "position": [job(1, covers=seen), replace(job(2), position=1)],
    }
    skipped = {"both": {c: "why"}, "unknown skip": {"S0002/F000/c0001": "why"}}
    message = {
        "forgotten": f"{c} has neither",
        "both": f"{c} has both",
        "unknown": "no cell S0001/F000/c0099",
        "unknown skip": "no cell S0002/F000/c0001",
        "other section": "J000001 is not",
        "not queued": "J000001 is not",
        "position": "position",
    }
    before = store.specimen.fields(), store.specimen.cells(), store.events.last_seq()
    with pytest.raises(StoreError, match=message[case]):
        store.queue.add_plan("S0001", jobs[case], skipped.get(case, {}))
    assert (store.specimen.fields(), store.specimen.cells(), store.events.last_seq()) == before
    assert store.queue.jobs() == []


def test_a_section_can_be_planned_again_when_more_was_seen(store: Store, seen: tuple[str, str, str]) -> None:
    store.queue.add_plan("S0001", [job(1, covers=seen)], {})
    save_field(store, "S0001/F002")
    record_cells(store, "S0001/F002", [cell("S0001/F002", 1)], 1.0, ())
    store.queue.add_plan("S0001", [job(2, covers=("S0001/F002/c0001",))], {})
    assert {field.state for field in store.specimen.fields(section="S0001")} == {FieldState.PLANNED}
    assert len(store.queue.jobs()) == 2


def test_the_queue_goes_by_position(store: Store) -> None:
    queue_jobs(store, 0)
    store.queue.add_plan("S0002", [replace(job(n, "S0002"), position=100 - n) for n in (1, 2, 3)], {})
    assert [one.id for one in store.queue.jobs()] == ["J000003", "J000002", "J000001"]
    assert [one.id for one in store.queue.jobs(limit=2)] == ["J000003", "J000002"]
    assert [one.id for one in store.queue.jobs(limit=2, after=98)] == ["J000001"]
    first = store.queue.next_job()
    assert first is not None
    assert first.id == "J000003"
    assert store.queue.next_job("S0001") is None
    assert store.queue.next_job("S0002") == first
    store.queue.set_state("J000003", JobState.HELD, hold_cause=HoldCause.PERSON)
    assert [one.id for one in store.queue.jobs(JobState.HELD, "S0002")] == ["J000003"]
    following = store.queue.next_job()
    assert following is not None
    assert following.id == "J000002"


def test_life_of_a_job(store: Store) -> None:
    queue_jobs(store, 2)
    assert store.queue.current_job() is None
    exposure = store.ledger.arm("J000001", rect(0, 0), 1e-6)
    assert store.queue.current_job() == store.queue.job("J000001")
    store.ledger.done(exposure.id)
    store.queue.set_state("J000001", JobState.SAVED, image="em/S0001/J000001.ome.tiff", sha256="ab")
    done = store.queue.set_state("J000001", JobState.DONE)
    assert (done.state, done.image, done.sha256) == (JobState.DONE, "em/S0001/J000001.ome.tiff", "ab")
    assert store.queue.current_job() is None
    assert store.queue.counts_in_use() == {JobState.QUEUED: 1, JobState.DONE: 1}
    assert store.queue.counts()[JobState.FAILED] == 0
    told = [event.data["to"] for event in store.events.since(0) if event.subject == "J000001"]
    assert told == ["armed", "exposed", "saved", "done"]


def test_a_job_is_not_finished_without_image_and_checksum(store: Store) -> None:
    queue_jobs(store)
    store.ledger.done(store.ledger.arm("J000001", rect(0, 0), 1e-6).id)
    with pytest.raises(StoreError, match="a_finished_job_has_an_image_and_its_checksum"):
        store.queue.set_state("J000001", JobState.SAVED, image="x")
    with pytest.raises(StoreError, match="a_job_that_is_not_done_has_a_reason"):
        store.queue.set_state("J000001", JobState.FAILED)
    assert store.queue.job("J000001").state is JobState.EXPOSED


def test_only_the_ledger_leads_into_and_out_of_armed(store: Store) -> None:
    queue_jobs(store)
    with pytest.raises(IllegalTransitionError, match="only the ledger"):
        store.queue.set_state("J000001", JobState.ARMED)
    store.ledger.arm("J000001", rect(0, 0), 1e-6)
    for state in JobState:
        with pytest.raises(IllegalTransitionError):
            store.queue.set_state("J000001", state, reason="why", image="x", sha256="y")
    with pytest.raises(UnknownIdError):
        store.queue.set_state("J000099", JobState.HELD, hold_cause=HoldCause.PERSON)


def test_the_reason_belongs_to_the_state(store: Store) -> None:
    queue_jobs(store)
    assert (
        store.queue.set_state("J000001", JobState.HELD, reason="waits", hold_cause=HoldCause.PERSON).reason
        == "waits"
    )
    assert store.queue.set_state("J000001", JobState.QUEUED).reason is None


def test_a_queued_job_may_be_resized_and_is_counted_as_it_is(store: Store) -> None:
    queue_jobs(store)
    old = store.queue.job("J000002")
    wider = replace(
        old,
        rect_m=(old.rect_m[0], old.rect_m[1], old.rect_m[2] + 20 * old.pixel_size_m, old.rect_m[3]),
        center_m=(old.center_m[0] + 10 * old.pixel_size_m, old.center_m[1]),
        size_px=(old.size_px[0] + 20, old.size_px[1]),
    )
    before = store.durations.left()
    store.queue.resize(wider)
    assert store.queue.job(old.id) == wider
    more_px = 20 * old.size_px[1]
    assert store.durations.left().pixels - before.pixels == more_px
    assert store.durations.left().beam_s - before.beam_s == pytest.approx(more_px * old.dwell_s)
    assert store.events.of("job")[-1].data["resized_px"] == [list(old.size_px), list(wider.size_px)]
    store.ledger.arm(old.id, wider.rect_m, 0.0)
    with pytest.raises(IllegalTransitionError, match="only a queued one is resized"):
        store.queue.resize(old)


def test_an_event_of_a_job_says_who_why_and_which_exposure(store: Store) -> None:
    queue_jobs(store)
    store.queue.transition(
        "J000001", JobState.HELD, reason="a fold", hold_cause=HoldCause.PERSON, by="ida", exposure=7
    )
    store.queue.transition("J000001", JobState.QUEUED)
    told = [event.data for event in store.queue.history("J000001")]
    assert told == [
        {
            "from": "queued",
            "to": "held",
            "reason": "a fold",
            "hold_cause": "person",
            "by": "ida",
            "exposure": 7,
        },
        {"from": "held", "to": "queued", "reason": None},
    ]
    assert store.queue.history("J000002") == []


def test_image_and_cause_of_a_transition_are_kept(store: Store) -> None:
    queue_jobs(store)
    held = store.queue.transition("J000002", JobState.HELD, hold_cause=HoldCause.PERSON)
    assert held.hold_cause is store.queue.job("J000002").hold_cause is HoldCause.PERSON
    store.ledger.done(store.ledger.arm("J000001", rect(0, 0), 1e-6).id)
    store.queue.transition("J000001", JobState.SAVED, image="em/x", sha256="ab")
    assert (store.queue.job("J000001").image, store.queue.job("J000001").sha256) == ("em/x", "ab")


@pytest.mark.parametrize("skipped", [False, True])
def test_a_frame_waits_to_be_taken_again_until_its_beam(store: Store, skipped: bool) -> None:
    queue_jobs(store)
    exposure = store.ledger.done(store.ledger.arm("J000001", rect(0, 0), 1e-6).id)
    store.queue.set_state("J000001", JobState.SAVED, image="em/x", sha256="ab")
    assert store.images.hold_for_retake("J000001", exposure.id, "blurred").retake_of == exposure.id
    if skipped:
        assert store.queue.set_state("J000001", JobState.SKIPPED, reason="no").retake_of is None
        return
    # A frame that waits for its second scan may not be taken for one that is queued for its first.
    with pytest.raises(IllegalTransitionError):
        store.queue.set_state("J000001", JobState.WITHDRAWN, reason="why")
    queued = store.queue.set_state("J000001", JobState.QUEUED)
    assert queued.retake_of == exposure.id
    held = store.queue.set_state("J000001", JobState.HELD, hold_cause=HoldCause.PERSON)
    assert held.retake_of == store.queue.job("J000001").retake_of == exposure.id
    store.queue.set_state("J000001", JobState.QUEUED)
    again = store.ledger.arm("J000001", rect(0, 0), 1e-6)
    assert (again.retake_of, store.queue.job("J000001").retake_of) == (exposure.id, exposure.id)
    store.ledger.done(again.id)
    assert store.queue.job("J000001").retake_of is None


def test_jobs_are_counted_by_section_and_by_kind(store: Store) -> None:
    assert store.queue.next_number() == 1
    queue_jobs(store)
    focus = replace(job(4, "S0002"), kind=JobKind.FOCUS)
    store.queue.add_plan(
        "S0002", [focus, replace(job(5, "S0002"), kind=JobKind.OVERVIEW), job(6, "S0002")], {}
    )
    store.queue.set_state("J000002", JobState.SKIPPED, reason="a fold")
    first = {JobState.QUEUED: 2, JobState.SKIPPED: 1}
    assert store.queue.counts_by_section() == {"S0001": first, "S0002": {JobState.QUEUED: 3}}
    assert store.queue.counts_by_section(["S0001", "S0003"]) == {"S0001": first}
    assert store.queue.counts_by_section([]) == {}
    assert store.queue.helping_counts() == {JobKind.FOCUS: 1, JobKind.OVERVIEW: 1}


def test_jobs_on_some_ground_go_by_position_and_without_those_that_never_had_the_beam(store: Store) -> None:
    queue_jobs(store, 4)
    every = rect(0, 0, 200)
    store.queue.set_state("J000001", JobState.SKIPPED, reason="a fold")
    done = store.ledger.arm("J000002", rect(40, 0), 1e-6)
    store.ledger.failed(done.id, "broke off")
    store.queue.set_state("J000002", JobState.SKIPPED, reason="enough")

    def on(*values: float, limit: int = 9, after: int | None = None) -> list[int]:
        return [int(one.id[1:]) for one in store.queue.jobs_touching(rect(*values), limit, after)]

    assert on(0, 0, 200) == [2, 3, 4]
    assert on(0, 0, 200, limit=2) == [2, 3]
    assert on(0, 0, 200, after=2) == [3, 4]
    # Jobs are 10 um wide, every 20 um; edges do not count.
    assert on(50, 0, 10) == []
    assert on(50, 0, 11) == [3]
    assert store.queue.jobs_touching(every, 9)[0].covers == store.queue.job("J000002").covers != ()


def test_a_plan_leaves_the_fields_of_other_sections_and_says_what_it_is(store: Store) -> None:
    queue_jobs(store, 0)
    save_field(store, "S0002/F000")
    record_cells(store, "S0002/F000", [cell("S0002/F000", 1)])
    save_field(store, "S0001/F001")
    record_cells(store, "S0001/F001", [cell("S0001/F001", 1)])
    store.queue.add_plan("S0001", [], {"S0001/F001/c0001": "a fold"})
    assert store.specimen.field("S0002/F000").state is FieldState.DETECTED
    assert store.events.of("queue")[-1].data == {"jobs": 0, "skipped_cells": 1}
    with pytest.raises(UnknownIdError, match="there is no job J000077"):
        store.queue.job("J000077")
