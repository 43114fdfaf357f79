"""From the event of a session to what a person reads."""

import json
import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from drivers.errors import DeviceTimeoutError
from service.errors import StoreError
from service.model.event import Event
from service.model.jobs import JobKind, JobState
from service.model.phases import PauseCause, SessionEvent
from service.model.specimen import FieldState
from service.store.store import Store
from service.watch import incidents
from service.watch.alarms import NOT_SAFE, SAFE, Alarm, alarm_of
from service.watch.announcer import Announcer
from service.watch.notifier import Notifier
from tests.service.conftest import Start
from tests.service.faults import faulty, raising
from tests.service.store.stores import add_specimen, job

E = SessionEvent
P = PauseCause
AT = datetime(2026, 11, 23, 3, 14, tzinfo=UTC)


def of(store: Store, kind: str, data: Mapping[str, Any]) -> Alarm | None:
    # As events come back from the database: plain JSON.
    return alarm_of(Event(1, 0.0, "", kind, "J000007", json.loads(json.dumps(data))), store)


@pytest.mark.parametrize(
    ("kind", "data", "alarm", "words"),
    [
        ("session", {"event": E.FAULT, "phase": "fault", "reason": "the beam tripped"}, "fault", "tripped"),
        ("session", {"event": E.PAUSE, "phase": "paused", "reason": "3 MB", "cause": P.DISK}, "disk", "3 MB"),
        ("session", {"event": E.PAUSE, "reason": "lost", "cause": P.IMAGE_NOT_SAVED}, "disk", "lost"),
        ("session", {"event": E.PAUSE, "reason": "a disk", "cause": P.UNDECIDED_JOBS}, "paused", "a disk"),
        ("session", {"event": E.RECOVERED, "phase": "paused"}, "restarted", "started again"),
        ("session", {"event": E.REVIEW_NEEDED, "phase": "review"}, "review", "waits for a person"),
        ("session", {"event": E.ABORT, "phase": "aborted", "reason": "by hand"}, "finished", "by hand"),
        ("job", {"to": "failed", "reason": "clipped"}, None, "J000007 failed: clipped"),
        ("field", {"to": "failed", "reason": "no light"}, None, "J000007 failed: no light"),
        ("seam", {"sides": 2}, None, "J000007 meets frames that were scanned before"),
        ("stalled", {"step": "a scan", "running_s": 90.0, "allowed_s": 70.0}, "stalled", "has taken 90 s"),
        ("unsafe", {"problems": "the beam is on"}, "fault", "the beam is on"),
        ("safe", {}, "fault", "after all"),
        ("watchdog", {"what": "The daemon has died.", "done": SAFE, "safe": True}, "watchdog", "died"),
        ("watchdog_lost", {}, "watchdog", "had ended"),
        ("notify_failed", {"why": "no answer"}, None, "no answer"),
        ("clock_jump", {"by_s": -3600.0}, None, "-3600 s"),
        ("preflight", {"checks": [{"level": "warn", "says": "old"}]}, None, "old"),
    ],
)  # fmt: skip
def test_what_a_person_has_to_know(
    store: Store, kind: str, data: dict[str, Any], alarm: str | None, words: str
) -> None:
    found = of(store, kind, data)
    assert found is not None
    assert found.kind == alarm
    assert words in found.what
    assert found.done
    assert found.to_do


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("session", {"event": E.PAUSE, "phase": "paused", "reason": "low disk", "cause": P.PERSON}),
        ("session", {"event": E.RESUME, "phase": "electron"}),
        ("job", {"to": "done"}),
        ("field", {"to": "saved"}),
        ("preflight", {"checks": [{"level": "ok", "says": "fine"}]}),
        ("devices_busy", {"busy_s": 3}),
    ],
)
def test_what_goes_as_it_should_wakes_nobody(store: Store, kind: str, data: dict[str, Any]) -> None:
    assert of(store, kind, data) is None


def test_only_a_frame_in_review_waits_for_a_person(store: Store) -> None:
    add_specimen(store)
    queued = [replace(job(number, "S0002"), kind=kind) for number, kind in enumerate(JobKind)]
    store.queue.add_plan("S0002", queued, {})
    found = {}
    for one in queued:
        event = Event(1, 0.0, "", "job", one.id, {"to": "needs_review", "reason": "dark"})
        alarm = alarm_of(event, store)
        assert alarm is not None
        assert "dark" in alarm.what
        found[one.kind] = alarm.kind
    assert found == {JobKind.FRAME: "needs_review", JobKind.FOCUS: None, JobKind.OVERVIEW: None}


def test_a_fault_says_whether_the_microscope_is_safe(store: Store) -> None:
    fault = {"event": E.FAULT, "phase": "fault"}
    safe = of(store, "session", fault | {"reason": "NOT SAFE", "safe": True})
    unsafe = of(store, "session", fault | {"reason": "no vacuum", "safe": False})
    assert safe is not None
    assert unsafe is not None
    assert (safe.done, unsafe.done) == (SAFE, NOT_SAFE)


def test_the_incident_log_is_for_people(tmp_path: Path) -> None:
    path = tmp_path / "incidents.md"
    incidents.write(path, AT, Alarm("fault", "the beam\ntripped", "It was blanked.", "Look."))
    incidents.write(path, AT, Alarm(None, "a note", "Nothing.", "Nothing."))
    text = path.read_text(encoding="utf-8")
    assert text.count("# Incidents") == 1
    assert "## 2026-11-23 03:14:00 fault\n\n- What happened: the beam tripped\n" in text
    # A disk that does not take it disturbs nobody.
    incidents.write(tmp_path / "no folder" / "incidents.md", AT, Alarm(None, "a", "b", "c"))


def test_the_announcer_tells_what_happens_once(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "incidents.md"
    store.events.note("stalled", "session", {"step": "before", "running_s": 1, "allowed_s": 1})
    announcer = Announcer(store, path, Notifier([], [], "run"))
    announcer.start()
    announcer.note("stalled", "session", {"step": "the scan", "running_s": 2, "allowed_s": 1})
    announcer.stop(30)
    text = path.read_text(encoding="utf-8")
    assert text.count("What happened") == 1
    assert "the scan" in text


def test_people_are_told_though_the_database_is_full(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise StoreError("disk is full")

    monkeypatch.setattr(store.events, "note", refuse)
    announcer = Announcer(store, tmp_path / "incidents.md", Notifier([], [], "run"))
    announcer.note("unsafe", "microscope", {"problems": "the beam is on"})
    assert "the beam is on" in (tmp_path / "incidents.md").read_text(encoding="utf-8")


def test_the_end_of_a_session_says_how_it_ended(start: Start) -> None:
    session = start()
    last = [e for e in session.store.events.since(0) if e.kind == "session"][-1]
    alarm = alarm_of(last, session.store)
    assert alarm is not None
    assert alarm.kind == "finished"
    done = session.store.queue.counts_in_use()[JobState.DONE]
    assert done
    assert f"has ended: done; {done} done" in alarm.what
    assert {field.state for field in session.store.specimen.fields()} == {FieldState.PLANNED}
    assert alarm.to_do == "Nothing."


def test_the_end_of_a_session_names_what_was_not_done(start: Start) -> None:
    session = start(faulty("camera", "expose", raising(DeviceTimeoutError("no frame")), times=9))
    last = [e for e in session.store.events.since(0) if e.kind == "session"][-1]
    alarm = alarm_of(last, session.store)
    assert alarm is not None
    assert alarm.to_do == "Not done: 1 field; incidents.md of the run says why."


def test_an_event_that_is_not_understood_keeps_no_other_from_people(store: Store, tmp_path: Path) -> None:
    announcer = Announcer(store, tmp_path / "incidents.md", Notifier([], [], "run"))
    announcer.start()
    store.events.note("stalled", "session", {"step": "without numbers"})
    store.events.note("unsafe", "microscope", {"problems": "the beam is on"})
    announcer.stop(30)
    assert "the beam is on" in (tmp_path / "incidents.md").read_text(encoding="utf-8")


def test_people_are_told_though_the_database_hangs(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()
    monkeypatch.setattr(store.events, "note", lambda *_: release.wait(60))
    monkeypatch.setattr("service.watch.announcer._NOTE_S", 0.1)
    announcer = Announcer(store, tmp_path / "incidents.md", Notifier([], [], "run"))
    announcer.note("stalled", "session", {"step": "the scan", "running_s": 2, "allowed_s": 1})
    release.set()
    assert "No progress: the scan" in (tmp_path / "incidents.md").read_text(encoding="utf-8")
