import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from service import wording
from service.errors import IllegalTransitionError, StoreError, UnknownIdError
from service.model.jobs import HoldCause, JobState
from service.model.phases import PauseCause, Phase, SessionEvent, Status
from service.model.specimen import FieldState
from service.store.store import Store
from tests.places import ROOT
from tests.service.store.stores import (
    WALL,
    HandClock,
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
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def store(tmp_path: Path, clock: HandClock) -> Iterator[Store]:
    made = new_store(tmp_path, clock)
    yield made
    made.close()


def rows(path: Path) -> list[tuple[object, ...]]:
    """Every row of every table, read past the store."""
    with sqlite3.connect(path) as connection:
        tables = [
            name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        found = [(t, *row) for t in tables for row in connection.execute(f"SELECT * FROM {t}")]
    connection.close()
    return found


def test_a_new_store_is_idle_and_keeps_what_it_was_given(store: Store) -> None:
    assert store.status() == Status(Phase.IDLE)
    assert (store.run_id(), store.kind()) == ("run-1", "dry-run")
    assert (store.requests.rev(), store.events.last_seq(), store.last_time_s()) == (0, 0, 0.0)
    assert (
        store.specimen.sections(),
        store.specimen.fields(),
        store.specimen.cells(),
        store.queue.jobs(),
    ) == ([], [], [], [])
    assert store.queue.next_job() is None
    tables = [one for name, one in vars(store).items() if name != "_database"]
    assert len(tables) >= 13
    assert all(table._database is store._database for table in tables)


def test_the_file_is_as_durable_as_promised(store: Store, tmp_path: Path) -> None:
    with store._database.change() as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        assert connection.execute("PRAGMA synchronous").fetchone()[0] == 2
        assert connection.execute("PRAGMA foreign_keys").fetchone()[0] == 1


def test_it_is_never_made_twice(store: Store, tmp_path: Path) -> None:
    before = rows(tmp_path / "session.sqlite")
    with pytest.raises(StoreError, match="exists already"):
        new_store(tmp_path)
    assert rows(tmp_path / "session.sqlite") == before


def test_it_is_not_made_where_there_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be made"):
        new_store(tmp_path / "nowhere")


@pytest.mark.parametrize("content", [b"", b"no database at all" * 100])
def test_no_other_file_is_opened(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other"
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"not a store|not a database"):
        Store.open(path)
    with pytest.raises(StoreError, match="cannot be opened"):
        Store.open(tmp_path / "absent")
    assert not (tmp_path / "absent").exists()


READS_WHILE_CLOSED = """
import sys, threading, time
from contextlib import suppress
from pathlib import Path
from service.errors import StoreError
from service.store.database import Database

ROWS = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 500) SELECT n FROM c"

def read(database, begun):
    with suppress(StoreError):
        while True:
            begun.set()
            database.all(ROWS)

for n in range(100):
    database, begun = Database(Path(sys.argv[1])), threading.Event()
    thread = threading.Thread(target=read, args=(database, begun))
    thread.start()
    begun.wait()
    time.sleep(n % 7 * 3e-4)
    database.close()
    thread.join()
"""


def test_a_store_may_be_closed_under_the_queries_of_other_threads(tmp_path: Path) -> None:
    """In a process of its own: Python crashes when a connection is closed under a query."""
    new_store(tmp_path).close()
    path = tmp_path / "session.sqlite"
    done = subprocess.run([sys.executable, "-c", READS_WHILE_CLOSED, path], cwd=ROOT, timeout=200)
    assert done.returncode == 0


def test_a_closed_store_says_so(store: Store) -> None:
    store.close()
    store.close()
    with pytest.raises(StoreError):
        store.status()
    with pytest.raises(StoreError, match="closed"):
        store.events.note("x", "y", {})


def test_all_comes_back_after_reopening(store: Store, tmp_path: Path, clock: HandClock) -> None:
    queue_jobs(store)
    clock.time_s = 12.5
    store.apply(SessionEvent.START)

    def everything(one: Store) -> tuple[object, ...]:
        return (
            one.status(),
            one.requests.rev(),
            one.specimen.sections(),
            one.specimen.fields(),
            one.specimen.cells(),
            one.queue.jobs(),
            one.events.since(0),
        )

    before = everything(store)
    store.close()
    again = Store.open(tmp_path / "session.sqlite")
    assert everything(again) == before
    assert again.last_time_s() == 12.5
    again.events.note("x", "y", {})
    assert again.events.since(0)[-1].time_s == 12.5
    again.use_clock(lambda: 99.0)
    again.events.note("x", "y", {})
    assert again.last_time_s() == 99.0
    again.close()


def test_session_and_event_go_together(store: Store, clock: HandClock) -> None:
    clock.time_s = 3.0
    assert store.apply(SessionEvent.START) == store.status() == Status(Phase.PREFLIGHT)
    store.apply(SessionEvent.FAULT, "no stage")
    assert store.status() == Status(Phase.FAULT, Phase.PREFLIGHT, "no stage")
    first, second = store.events.since(0)
    assert (first.seq, first.time_s, first.kind) == (1, 3.0, "session")
    assert first.at == WALL.isoformat(timespec="milliseconds")
    assert second.data == {
        "event": "fault",
        "from": "preflight",
        "phase": "fault",
        "resume_to": "preflight",
        "reason": "no stage",
    }
    assert store.requests.rev() == 2
    with pytest.raises(IllegalTransitionError):
        store.apply(SessionEvent.RESUME)
    assert (store.requests.rev(), store.events.last_seq()) == (2, 2)


def test_progress_is_not_steering(store: Store) -> None:
    queue_jobs(store)
    store.events.note("vacuum", "chamber", {"pressure_pa": 1e-3})
    assert store.requests.rev() == 0


def test_what_a_gauge_does_not_know_is_null(store: Store) -> None:
    store.events.note("vacuum", "chamber", {"pressure_pa": float("nan"), "at": (1.0, float("inf"))})
    assert store.events.since(0)[0].data == {"pressure_pa": None, "at": [1.0, None]}
    with pytest.raises(ValueError, match="serialize"):
        store.events.note("vacuum", "chamber", {"pressure_pa": object()})
    assert store.events.last_seq() == 1


CHANGES: dict[str, Callable[[Store], object]] = {
    "apply": lambda s: s.apply(SessionEvent.START),
    "note": lambda s: s.events.note("x", "y", {}),
    "add_sections": lambda s: add_specimen_again(s),
    "set_field": lambda s: save_field(s, "S0002/F000"),
    "record_detection": lambda s: record_cells(s, "S0001/F001", [cell("S0001/F001", 1)], 1.0, ("w",)),
    "add_plan": lambda s: s.queue.add_plan("S0002", [job(9, "S0002")], {}),
    "set_job": lambda s: s.queue.set_state("J000002", JobState.HELD, hold_cause=HoldCause.PERSON),
    "arm": lambda s: s.ledger.arm("J000002", rect(0, 0), 1e-6),
    "recover": lambda s: s.recover(),
    "request": lambda s: s.requests.change_once(
        "id", "run.start", {}, None, lambda: {"phase": s.apply(SessionEvent.START).phase}
    ),
}


def add_specimen_again(store: Store) -> None:
    sections, fields = store.specimen.sections(), store.specimen.fields()
    more = [type(s)(f"{s.id}b", s.index + 10, s.center_m) for s in sections]
    store.specimen.add_sections(
        more, [type(f)(f"{f.id}b", f"{f.section}b", f.index, f.center_m, f.rect_m) for f in fields]
    )


@pytest.mark.parametrize("name", CHANGES)
def test_no_change_without_its_event(store: Store, tmp_path: Path, name: str) -> None:
    """If the event cannot be written, nothing is: the failure is SQLite's own."""
    path = tmp_path / "session.sqlite"
    queue_jobs(store)
    save_field(store, "S0001/F001")
    with sqlite3.connect(path) as other:
        other.execute("CREATE TRIGGER boom BEFORE INSERT ON event BEGIN SELECT RAISE(ABORT, 'boom'); END")
    before = rows(path)
    with pytest.raises(StoreError, match="boom"):
        CHANGES[name](store)
    assert rows(path) == before
    other.execute("DROP TRIGGER boom")
    other.close()
    CHANGES[name](store)
    assert rows(path) != before
    seqs = [event.seq for event in store.events.since(0)]
    assert seqs == list(range(1, len(seqs) + 1))


def test_history_is_never_rewritten(store: Store, tmp_path: Path) -> None:
    queue_jobs(store)
    store.ledger.done(store.ledger.arm("J000001", rect(0, 0), 1e-6).id)
    with sqlite3.connect(tmp_path / "session.sqlite") as other:
        for sql in (
            "DELETE FROM event",
            "UPDATE event SET kind = 'x'",
            "DELETE FROM exposure",
            "UPDATE exposure SET state = 'void'",
        ):
            with pytest.raises(sqlite3.IntegrityError, match="never"):
                other.execute(sql)
    other.close()


def fail_inside(store: Store, kind: str, ran: list[str]) -> None:
    with store._database.change():
        store.events.note(kind, "", {})
        store.after_commit(lambda: ran.append(kind))
        raise ZeroDivisionError


def test_a_change_inside_a_change_is_undone_alone_or_with_it(store: Store) -> None:
    ran: list[str] = []
    with store._database.change():
        store.events.note("outer", "", {})
        store.after_commit(lambda: ran.append("outer"))
        with pytest.raises(ZeroDivisionError):
            fail_inside(store, "inner", ran)
        assert ran == []
        assert [event.kind for event in store.events.since(0)] == ["outer"]
    assert ran == ["outer"]
    with pytest.raises(ZeroDivisionError):
        fail_inside(store, "lost", ran)
    assert ran == ["outer"]
    assert [event.kind for event in store.events.since(0)] == ["outer"]
    store.after_commit(lambda: ran.append("at once"))
    assert ran == ["outer", "at once"]


def test_after_a_rollback_by_sqlite_itself_nothing_is_written_outside_a_transaction(store: Store) -> None:
    def lose_the_transaction() -> None:
        with store._database.change() as connection:
            connection.execute("ROLLBACK")  # what SQLite does on a full disk
            store.events.note("x", "y", {})

    with pytest.raises(StoreError, match="was undone"):
        lose_the_transaction()
    assert store.events.last_seq() == 0
    store.events.note("x", "y", {})
    assert store.events.last_seq() == 1


def test_listeners_hear_of_what_is_on_the_disk(store: Store, tmp_path: Path) -> None:
    heard: list[int] = []

    def listener() -> None:
        heard.append(len([row for row in rows(tmp_path / "session.sqlite") if row[0] == "event"]))

    store.listen(listener)
    store.events.note("x", "y", {})
    with pytest.raises(IllegalTransitionError):
        store.apply(SessionEvent.RESUME)
    store.apply(SessionEvent.START)
    assert heard == [1, 2]


def test_other_threads_see_only_what_is_committed(store: Store) -> None:
    seen: list[int] = []
    with store._database.change():
        store.events.note("x", "y", {})
        assert store.events.last_seq() == 1
        reader = threading.Thread(target=lambda: seen.append(store.events.last_seq()))
        reader.start()
        reader.join()
    assert seen == [0]


def test_a_snapshot_is_one_moment(store: Store) -> None:
    with store.snapshot():
        assert store.events.last_seq() == 0
        writer = threading.Thread(target=lambda: store.events.note("x", "y", {}))
        writer.start()
        writer.join()
        assert store.events.last_seq() == 0
    assert store.events.last_seq() == 1


def test_seq_has_no_gaps_with_many_writers_of_whom_some_fail(store: Store) -> None:
    def work(name: str) -> None:
        for n in range(25):
            store.events.note("n", name, {"n": n})
            with pytest.raises(ZeroDivisionError):
                fail_inside(store, "lost", [])

    threads = [threading.Thread(target=work, args=(str(n),)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    events = store.events.since(0)
    assert [event.seq for event in events] == list(range(1, 101))
    for name in "0123":
        assert [event.data["n"] for event in events if event.subject == name] == list(range(25))


def test_events_by_pages(store: Store) -> None:
    for n in range(5):
        store.events.note("n", str(n), {})
    assert [event.seq for event in store.events.since(0, 2)] == [1, 2]
    assert [event.seq for event in store.events.since(2, 2)] == [3, 4]
    assert [event.seq for event in store.events.since(4, 2)] == [5]
    assert store.events.since(5, 2) == []


def test_sections_and_fields_by_pages(store: Store) -> None:
    add_specimen(store, sections=3, fields=3)
    ids = [field.id for field in store.specimen.fields()]
    assert ids == [f"S{s:04d}/F{f:03d}" for s in (1, 2, 3) for f in (0, 1, 2)]
    paged: list[str] = []
    while page := store.specimen.fields(limit=2, after=paged[-1] if paged else None):
        paged += [field.id for field in page]
    assert paged == ids
    assert [s.id for s in store.specimen.sections(limit=2)] == ["S0001", "S0002"]
    assert [s.id for s in store.specimen.sections(limit=2, after="S0002")] == ["S0003"]
    assert [f.id for f in store.specimen.fields(section="S0002", after="S0002/F000")] == [
        "S0002/F001",
        "S0002/F002",
    ]
    with pytest.raises(UnknownIdError, match="S0009"):
        store.specimen.sections(after="S0009")
    with pytest.raises(UnknownIdError, match="S0001/F009"):
        store.specimen.fields(after="S0001/F009")


def test_a_section_is_not_added_twice_nor_by_half(store: Store) -> None:
    add_specimen(store)
    before = store.specimen.sections(), store.specimen.fields(), store.events.last_seq()
    with pytest.raises(StoreError, match="UNIQUE"):
        add_specimen(store, sections=3)
    assert (store.specimen.sections(), store.specimen.fields(), store.events.last_seq()) == before


def test_life_of_a_field(store: Store) -> None:
    add_specimen(store)
    saved = store.specimen.set_field(
        "S0001/F000",
        FieldState.SAVED,
        center_m=(1.5, 2.5),
        rect_m=(1.0, 2.0, 3.0, 4.0),
        image="fm/S0001/F000.ome.tiff",
        sha256="ab",
    )
    assert saved == store.specimen.field("S0001/F000")
    assert (saved.center_m, saved.rect_m, saved.sha256) == ((1.5, 2.5), (1.0, 2.0, 3.0, 4.0), "ab")
    found = [cell("S0001/F000", 1), cell("S0001/F000", 2)]
    record_cells(store, "S0001/F000", found, 12.5, ("dim",))
    detected = store.specimen.field("S0001/F000")
    assert (detected.state, detected.elapsed_ms, detected.warnings) == (FieldState.DETECTED, 12.5, ("dim",))
    assert (detected.image, detected.rect_m) == (saved.image, saved.rect_m)
    assert (
        store.specimen.cells()
        == store.specimen.cells(field="S0001/F000")
        == store.specimen.cells(section="S0001")
        == found
    )
    assert store.specimen.cells(field="S0001/F001") == store.specimen.cells(section="S0002") == []
    failed = store.specimen.set_field("S0001/F001", FieldState.FAILED, reason="no light")
    assert failed.reason == "no light"
    assert store.specimen.field_counts() == {
        FieldState.PENDING: 2,
        FieldState.DETECTED: 1,
        FieldState.FAILED: 1,
    }
    assert [event.data["to"] for event in store.events.since(1)] == ["saved", "detected", "failed"]
    with pytest.raises(IllegalTransitionError):
        store.specimen.set_field("S0001/F001", FieldState.DETECTED)
    with pytest.raises(UnknownIdError):
        store.specimen.field("S0009/F000")


def test_a_field_is_not_saved_without_an_image_nor_failed_without_a_reason(store: Store) -> None:
    add_specimen(store)
    with pytest.raises(StoreError, match="a_saved_field_has_an_image"):
        store.specimen.set_field("S0001/F000", FieldState.SAVED, image="x")
    with pytest.raises(StoreError, match="a_failed_field_has_a_reason"):
        store.specimen.set_field("S0001/F000", FieldState.FAILED)
    with pytest.raises(StoreError, match="rect_m_has_x0_below_x1"):
        store.specimen.set_field(
            "S0001/F000", FieldState.SAVED, image="x", sha256="y", rect_m=(1.0, 0.0, 0.0, 1.0)
        )
    assert store.specimen.field("S0001/F000").state is FieldState.PENDING


def test_cells_of_another_field_are_refused(store: Store) -> None:
    add_specimen(store)
    save_field(store, "S0001/F000")
    with pytest.raises(StoreError, match="does not belong"):
        record_cells(store, "S0001/F000", [cell("S0001/F000", 1), cell("S0001/F001", 2)], 1.0, ())
    assert store.specimen.cells() == []
    assert store.specimen.field("S0001/F000").state is FieldState.SAVED


def test_a_halt_keeps_its_cause_in_the_status_and_in_the_events(store: Store, tmp_path: Path) -> None:
    store.apply(SessionEvent.START)
    paused = store.apply(SessionEvent.PAUSE, "the oil", PauseCause.DISK, notes={"free_gb": 1})
    assert paused == store.status() == Status(Phase.PAUSED, Phase.PREFLIGHT, "the oil", PauseCause.DISK)
    told = store.events.of("session")[-1].data
    assert (told["cause"], told["reason"], told["free_gb"]) == ("disk", "the oil", 1)
    assert "cause" not in store.events.of("session")[0].data
    rev = store.requests.rev()
    store.restate("the oil, and the gun")
    assert store.status() == replace(paused, reason="the oil, and the gun")
    assert store.requests.rev() == rev + 1


def test_a_store_that_is_opened_again_goes_by_the_clocks_it_is_given(store: Store, tmp_path: Path) -> None:
    store.close()
    again = Store.open(tmp_path / "session.sqlite", HandClock(5.0).now_s, lambda: WALL)
    again.apply(SessionEvent.START)
    event = again.events.of("session")[-1]
    again.close()
    assert (event.time_s, event.at) == (5.0, WALL.isoformat(timespec="milliseconds"))


def test_a_restart_says_what_it_found_and_why_the_session_waits(store: Store) -> None:
    queue_jobs(store)
    store.apply(SessionEvent.START)
    row = store.ledger.arm("J000001", rect(20, 0), 0.0)
    report = store.recover()
    assert [one.id for one in report.found.unknown] == [row.id]
    assert report.status == store.status()
    assert (report.status.phase, report.status.reason) == (Phase.RECOVERING, wording.started_again())
    assert report.again == ()


def test_a_session_that_has_ended_stays_so_and_its_ledger_is_put_in_order(store: Store) -> None:
    queue_jobs(store)
    store.ledger.arm("J000001", rect(20, 0), 0.0)
    ended = store.apply(SessionEvent.ABORT, "by hand")
    report = store.recover()
    assert report.status == store.status() == ended
    assert (report.found.needs_review, report.found.to_verify) == (("J000001",), ())
