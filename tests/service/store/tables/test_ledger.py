import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from service import wording
from service.errors import IllegalTransitionError, UnknownIdError
from service.model.jobs import ExposureState, HoldCause, JobState, ScanEnd
from service.model.phases import Phase, SessionEvent, Status
from service.store.store import Store
from tests.examples import examples
from tests.service.store.stores import UM, HandClock, new_store, queue_jobs, rect


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def store(tmp_path: Path, clock: HandClock) -> Iterator[Store]:
    made = new_store(tmp_path, clock)
    queue_jobs(made)
    yield made
    made.close()


def test_intent_is_on_the_disk_before_arm_returns(store: Store, tmp_path: Path, clock: HandClock) -> None:
    clock.time_s = 7.0
    exposure = store.ledger.arm("J000001", rect(3, 4), 0.5 * UM)
    other = sqlite3.connect(tmp_path / "session.sqlite")
    assert other.execute("SELECT job, state, opened_s FROM exposure").fetchall() == [("J000001", "open", 7.0)]
    assert other.execute("SELECT state FROM job WHERE id = 'J000001'").fetchone() == ("armed",)
    other.close()
    assert exposure == store.ledger.exposures()[0]
    assert (exposure.rect_m, exposure.halo_m, exposure.closed_s) == (rect(3, 4), 0.5 * UM, None)


def test_one_beam_one_open_exposure(store: Store) -> None:
    first = store.ledger.arm("J000001", rect(0, 0), 0.0)
    with pytest.raises(IllegalTransitionError, match="exposure 1 of J000001 is open"):
        store.ledger.arm("J000002", rect(0, 0), 0.0)
    store.ledger.done(first.id)
    store.ledger.arm("J000002", rect(0, 0), 0.0)


def test_only_a_queued_job_is_armed(store: Store) -> None:
    store.queue.set_state("J000001", JobState.HELD, hold_cause=HoldCause.PERSON)
    with pytest.raises(IllegalTransitionError, match="'held' to 'armed'"):
        store.ledger.arm("J000001", rect(0, 0), 0.0)
    with pytest.raises(UnknownIdError, match="J000099"):
        store.ledger.arm("J000099", rect(0, 0), 0.0)
    assert store.ledger.exposures() == []


def test_ends_of_an_exposure(store: Store, clock: HandClock) -> None:
    done = store.ledger.arm("J000001", rect(0, 0), 1 * UM)
    clock.time_s = 9.0
    assert store.ledger.done(done.id).closed_s == 9.0
    failed = store.ledger.arm("J000002", rect(100, 0), 2 * UM)
    assert store.ledger.failed(failed.id, "scan timed out").note == "scan timed out"
    void = store.ledger.arm("J000003", rect(200, 0), 3 * UM)
    store.ledger.void(void.id, JobState.QUEUED, "vacuum not ready")
    again = store.ledger.arm("J000003", rect(200, 0), 3 * UM)
    store.ledger.void(again.id, JobState.NEEDS_REVIEW, "size refused")
    assert [row.state for row in store.ledger.exposures()] == [
        ExposureState.CLOSED, ExposureState.UNKNOWN, ExposureState.VOID, ExposureState.VOID,
    ]  # fmt: skip
    assert [(one.state, one.reason) for one in store.queue.jobs()] == [
        (JobState.EXPOSED, None),
        (JobState.NEEDS_REVIEW, "scan timed out"),
        (JobState.NEEDS_REVIEW, "size refused"),
    ]
    assert store.ledger.exposed_rects() == [(rect(0, 0), 1 * UM), (rect(100, 0), 2 * UM)]
    assert [row.id for row in store.ledger.exposures(limit=1, after=1)] == [2]
    assert [row.id for row in store.ledger.exposures(job="J000003")] == [3, 4]
    for close in (store.ledger.done, lambda n: store.ledger.failed(n, "x")):
        with pytest.raises(IllegalTransitionError, match="not open"):
            close(done.id)
    with pytest.raises(UnknownIdError):
        store.ledger.done(99)


def test_a_void_exposure_never_counts_as_exposed(store: Store) -> None:
    exposure = store.ledger.arm("J000001", rect(0, 0), 1 * UM)
    with pytest.raises(IllegalTransitionError, match="refused"):
        store.ledger.void(exposure.id, JobState.EXPOSED, "x")
    assert store.ledger.exposures()[0].state is ExposureState.OPEN


def test_ground_that_reaches_ground(store: Store) -> None:
    store.ledger.done(store.ledger.arm("J000001", rect(0, 0, 10), 1 * UM).id)
    reached = [((rect(0, 0, 10), 1 * UM))]
    assert store.ledger.exposed_rects(rect(10.9, 0)) == reached
    assert store.ledger.exposed_rects(rect(-10.9, -10.9)) == reached
    assert store.ledger.exposed_rects(rect(2, 2, 1)) == reached
    assert store.ledger.exposed_rects(rect(11.1, 0)) == []
    assert store.ledger.exposed_rects(rect(0, -11.1)) == []


def test_a_restart_in_mid_scan(store: Store, tmp_path: Path) -> None:
    for event in (
        SessionEvent.START,
        SessionEvent.PREFLIGHT_PASSED,
        SessionEvent.PARTIAL_VACUUM_REACHED,
        SessionEvent.FLUORESCENCE_COMPLETE,
        SessionEvent.HIGH_VACUUM_REACHED,
    ):
        store.apply(event)
    store.ledger.done(store.ledger.arm("J000001", rect(0, 0), 0.0).id)
    store.queue.set_state("J000001", JobState.SAVED, image="em/x", sha256="ab")
    store.ledger.done(store.ledger.arm("J000002", rect(0, 0), 0.0).id)
    store.ledger.arm("J000003", rect(0, 0), 0.0)
    store.close()

    again = Store.open(tmp_path / "session.sqlite")
    report = again.recover()
    assert report.status == again.status()
    assert (report.status.phase, report.status.resume_to) == (Phase.RECOVERING, Phase.TO_HIGH_VACUUM)
    assert [row.job for row in report.found.unknown] == ["J000003"]
    assert report.found.needs_review == ("J000003", "J000002")
    assert report.found.requeued == ()
    assert report.found.to_verify == ("J000001",)
    assert [(one.state, one.reason) for one in again.queue.jobs()] == [
        (JobState.SAVED, None),
        (JobState.NEEDS_REVIEW, wording.image_lost_at_restart()),
        (JobState.NEEDS_REVIEW, wording.maybe_exposed_at_restart()),
    ]
    assert again.queue.next_job() is None
    assert len(again.ledger.exposed_rects()) == 3
    second = again.recover()
    assert second.found.unknown == ()
    assert second.found.needs_review == ()
    again.close()


def test_an_armed_job_without_a_word_of_the_beam_is_queued_again(store: Store, tmp_path: Path) -> None:
    """Our own transactions cannot leave this behind; a repaired or edited database can."""
    void = store.ledger.arm("J000001", rect(0, 0), 0.0)
    store.ledger.void(void.id, JobState.QUEUED, "refused")
    failed = store.ledger.arm("J000002", rect(0, 0), 0.0)
    store.ledger.failed(failed.id, "timed out")
    with sqlite3.connect(tmp_path / "session.sqlite") as other:
        other.execute("UPDATE job SET state = 'armed' WHERE id IN ('J000001', 'J000002')")
    other.close()
    found = store.recover().found
    assert found.requeued == ("J000001",)
    assert found.needs_review == ("J000002",)


def test_the_ledger_is_put_in_order_after_an_abort_too(store: Store) -> None:
    store.ledger.arm("J000001", rect(0, 0), 0.0)
    store.apply(SessionEvent.ABORT, "by hand")
    report = store.recover()
    assert report.status == Status(Phase.ABORTED, None, "by hand")
    assert report.found.needs_review == ("J000001",)


class LedgerMachine(RuleBasedStateMachine):
    """Any order of scans, failures, reviews and crashes, on a real file."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name)
        self.store = new_store(self.path)
        queue_jobs(self.store)
        self.beam_on: str | None = None
        self.exposures = dict.fromkeys((one.id for one in self.store.queue.jobs()), 0)
        self.permits = dict.fromkeys(self.exposures, 1)

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    @precondition(lambda self: self.beam_on is None)
    @rule()
    def scan_next(self) -> None:
        job = self.store.queue.next_job()
        if job is not None:
            self.store.ledger.arm(job.id, job.rect_m, 1e-6)
            self.beam_on = job.id
            self.exposures[job.id] += 1

    @precondition(lambda self: self.beam_on is not None)
    @rule(end=st.sampled_from(["done", "failed", "crash"]))
    def end_scan(self, end: str) -> None:
        open_row = self.store.ledger.exposures()[-1]
        if end == "done":
            self.store.ledger.done(open_row.id)
        elif end == "failed":
            self.store.ledger.failed(open_row.id, "scan failed")
        else:
            self.crash()
        self.beam_on = None

    @precondition(lambda self: self.beam_on is None)
    @rule()
    def crash(self) -> None:
        self.store.close()
        self.store = Store.open(self.path / "session.sqlite")
        self.store.recover()
        self.beam_on = None

    @rule(n=st.integers(1, 3))
    def save(self, n: int) -> None:
        if self.store.queue.job(f"J{n:06d}").state is JobState.EXPOSED:
            self.store.queue.set_state(f"J{n:06d}", JobState.SAVED, image="em/x", sha256="ab")
            self.store.queue.set_state(f"J{n:06d}", JobState.DONE)

    @rule(n=st.integers(1, 3))
    def approve(self, n: int) -> None:
        if self.store.queue.job(f"J{n:06d}").state is JobState.NEEDS_REVIEW:
            self.store.queue.set_state(f"J{n:06d}", JobState.QUEUED)
            self.permits[f"J{n:06d}"] += 1

    @invariant()
    def no_exposure_is_repeated_without_a_person(self) -> None:
        assert all(self.exposures[job] <= self.permits[job] for job in self.exposures)

    @invariant()
    def the_ledger_knows_every_exposure(self) -> None:
        assert len(self.store.ledger.exposed_rects()) == sum(self.exposures.values())

    @invariant()
    def the_open_row_is_that_of_the_beam(self) -> None:
        still_open = [row.job for row in self.store.ledger.exposures() if row.state is ExposureState.OPEN]
        assert still_open == ([] if self.beam_on is None else [self.beam_on])

    @invariant()
    def seq_has_no_gaps(self) -> None:
        seqs = [event.seq for event in self.store.events.since(0)]
        assert seqs == list(range(1, len(seqs) + 1))


TestLedgerMachine = LedgerMachine.TestCase
TestLedgerMachine.settings = examples(
    15, stateful_step_count=20, suppress_health_check=[HealthCheck.too_slow]
)


def test_a_row_has_what_the_scan_found(store: Store) -> None:
    row = store.ledger.arm("J000001", rect(0, 0), 1 * UM)
    wider = rect(0, 0, 12.0)
    done = store.ledger.done(row.id, wider, beam_s=14.5, note="the stage crept")
    assert (done.rect_m, done.beam_s, done.note) == (wider, 14.5, "the stage crept")
    assert store.queue.job("J000001").reason == "the stage crept"
    plain = store.ledger.done(store.ledger.arm("J000002", rect(50, 0), 1 * UM).id)
    assert (plain.rect_m, plain.note) == (rect(50, 0), None)


def test_the_history_of_a_job_names_its_exposures(store: Store) -> None:
    first = store.ledger.arm("J000001", rect(0, 0), 1 * UM)
    store.ledger.void(first.id, JobState.QUEUED, "vacuum not ready")
    second = store.ledger.arm("J000001", rect(0, 0), 1 * UM)
    store.ledger.done(second.id)
    steps = [(one.data["to"], one.data.get("exposure")) for one in store.queue.history("J000001")]
    assert steps == [("armed", first.id), ("queued", first.id), ("armed", second.id), ("exposed", second.id)]


def test_the_end_of_a_scan_that_nobody_saw_has_no_time(store: Store, clock: HandClock) -> None:
    late = store.ledger.arm("J000001", rect(0, 0), 1 * UM)
    clock.time_s = 5.0
    end = ScanEnd(ExposureState.CLOSED, JobState.EXPOSED)
    assert store.ledger.finish(late.id, end, now=False).closed_s is None
    store.ledger.arm("J000002", rect(50, 0), 1 * UM)
    (unknown,) = store.ledger.recover().unknown
    assert (unknown.job, unknown.state, unknown.closed_s) == ("J000002", ExposureState.UNKNOWN, None)


def test_an_exposure_that_was_never_recorded_takes_its_job_from_the_queue(store: Store) -> None:
    done = store.ledger.arm("J000001", rect(0, 0), 1 * UM)
    store.ledger.done(done.id)
    for job in ("J000001", "J000002"):
        store.ledger.found(job, rect(7, 8), 2 * UM, "found in the other file")
    assert [(store.queue.job(f"J00000{n}").state, store.queue.job(f"J00000{n}").reason) for n in (1, 2)] == [
        (JobState.EXPOSED, None),
        (JobState.NEEDS_REVIEW, "found in the other file"),
    ]
    row = store.ledger.exposures(job="J000002")[0]
    assert (row.state, row.rect_m, row.halo_m, row.note) == (
        ExposureState.UNKNOWN, rect(7, 8), 2 * UM, "found in the other file",
    )  # fmt: skip
    with pytest.raises(UnknownIdError, match="J000099"):
        store.ledger.found("J000099", rect(7, 8), 2 * UM, "why")
    with pytest.raises(UnknownIdError, match="no exposure 99"):
        store.ledger.exposure(99)


def test_rows_of_jobs(store: Store) -> None:
    refused = store.ledger.arm("J000001", rect(0, 0), 1 * UM)
    store.ledger.void(refused.id, JobState.QUEUED, "vacuum not ready")
    for job in ("J000001", "J000002"):
        store.ledger.done(store.ledger.arm(job, rect(0, 0), 1 * UM).id)
    assert {
        job: [row.id for row in rows] for job, rows in store.ledger.of_jobs(["J000002", "J000001"]).items()
    } == {
        "J000001": [1, 2],
        "J000002": [3],
    }
    assert store.ledger.of_jobs(["J000003"]) == {}
    assert [store.ledger.taken(f"J00000{n}") for n in (1, 2, 3)] == [1, 1, 0]


def test_all_rows_are_read_some_at_a_time(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.store.tables.ledger._PAGE", 3)
    store.ledger.done(store.ledger.arm("J000003", rect(0, 0), 1 * UM).id)
    for n in range(5):
        row = store.ledger.arm("J000001", rect(n, 0), 1 * UM)
        if n < 4:
            store.ledger.void(row.id, JobState.QUEUED, "vacuum not ready")
    store.ledger.done(6)
    store.ledger.done(store.ledger.arm("J000002", rect(0, 0), 1 * UM).id)
    assert [row.id for row in store.ledger.each()] == [1, 2, 3, 4, 5, 6, 7]
    assert list(store.ledger.each()) == store.ledger.exposures()
    # The void ones had no beam.
    jobs = [store.queue.job(name) for name in ("J000003", "J000001", "J000002")]
    assert list(store.ledger.dwell_times_s()) == [job.beam_s for job in jobs]
    assert store.ledger.in_section("S0001") == store.ledger.exposures()
    assert store.ledger.in_section("S0002") == []
