"""Events in words: how much each matters, and what a person does."""

from typing import Any

import pytest

from service.console.alarms import BY_HAND, Level
from service.console.happenings import happening, is_routine


def event(kind: str, subject: str = "session", **data: Any) -> dict[str, Any]:
    return {"seq": 7, "at": "2026-08-01T12:00:00+00:00", "kind": kind, "subject": subject, "data": data}


@pytest.mark.parametrize(
    ("found", "level", "to_do"),
    [
        (
            event("session", event="fault", phase="fault", safe=True),
            Level.FAULT,
            "Look at the microscope and",
        ),
        (event("session", event="fault", phase="fault", safe=False), Level.DANGER, BY_HAND),
        (
            event("session", event="pause", phase="paused", cause="disk"),
            Level.ATTENTION,
            "Do what the reason",
        ),
        (event("session", event="pause", phase="paused", cause="person"), None, ""),
        (
            event("session", event="recovered", phase="paused"),
            Level.ATTENTION,
            "Look at what happened before",
        ),
        (event("session", event="resume", phase="electron"), None, ""),
        (event("unsafe", "microscope"), Level.DANGER, BY_HAND),
        (event("stalled"), Level.FAULT, "Check at the microscope that it still works."),
        (event("watchdog", safe=True), Level.FAULT, "Resume the run; it waits, paused."),
        (event("watchdog"), Level.DANGER, "Resume the run; it waits, paused."),
        (event("job", "J000001", to="needs_review"), Level.ATTENTION, "Look at the frame, and decide."),
        (event("job", "J000001", to="failed"), Level.NOTICE, "Mend the cause, or others fail, too."),
        (event("field", "S0001/F000", to="failed"), Level.NOTICE, "Mend the cause, or others fail, too."),
        (event("notify_failed"), Level.ATTENTION, "Check the address and the network."),
        (event("job", "J000001", to="done"), None, ""),
    ],
)
def test_it_matters_as_much_as_it_should(found: dict[str, Any], level: Level | None, to_do: str) -> None:
    said = happening(found)
    assert said.level is level
    assert said.to_do.startswith(to_do)
    assert bool(said.to_do) == bool(to_do)
    assert said.seq == 7
    assert said.job == (found["subject"] if found["kind"] == "job" else "")


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (event("job", "J000001", to="skipped", reason="a fold"), "J000001 skipped: a fold"),
        (event("job", "J000001", to="needs_review"), "J000001 needs review"),
        (event("field", "S0001/F000", to="failed", reason="no light"), "S0001/F000 failed: no light"),
        (event("plan", "S0001", frames=3, beam_s=90.0), "S0001 planned: 3 frames, 1 min 30 s of beam"),
        (event("session", event="pause", phase="paused", reason="no room"), "Paused: no room"),
    ],
)
def test_it_is_said_in_words(found: dict[str, Any], words: str) -> None:
    assert happening(found).what.lower() == words.lower()


def test_an_event_of_another_kind_is_named_by_it() -> None:
    assert happening(event("put_back", "microscope")).what.startswith("Put back (microscope): ")


def test_steps_on_the_way_are_routine_and_ends_are_not() -> None:
    routine = [event("job", "J1", to=to) for to in ("armed", "exposed", "saved", "withdrawn")]
    routine += [event("field", "F1", to=to) for to in ("saved", "detected", "planned")]
    routine += [event(kind) for kind in ("vacuum", "queue", "devices_busy", "put_back")]
    assert all(map(is_routine, routine))
    told = [event("job", "J1", to=to) for to in ("done", "failed", "needs_review", "skipped", "held")]
    told += [event("field", "F1", to="failed"), event("session", event="pause"), event("stalled")]
    assert not any(map(is_routine, told))
