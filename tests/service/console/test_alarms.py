from typing import Any

import pytest

from service.console.alarms import Alarm, Level, standing
from service.console.happenings import happening, is_routine
from service.console.run_state import Link, State
from service.model.phases import PauseCause, Phase

SAFE = {"beam_blanked": True, "light_on": False}


def status(phase: Phase, **changes: Any) -> dict[str, Any]:
    return {
        "phase": phase,
        "reason": None,
        "cause": None,
        "devices": SAFE,
        "health": {},
        "fields": {},
        "jobs": {},
    } | changes


def alarms(phase: Phase, link: Link = Link.UP, **changes: Any) -> list[Alarm]:
    return standing(State(link=link, status=status(phase, **changes)))


@pytest.mark.parametrize("phase", [p for p in Phase if p not in (Phase.PAUSED, Phase.FAULT, Phase.REVIEW)])
def test_nothing_stands_while_all_is_well(phase: Phase) -> None:
    assert alarms(phase) == []


def test_a_beam_that_may_be_on_comes_first() -> None:
    found = alarms(Phase.FAULT, reason="the stage hangs", devices={"beam_blanked": False, "light_on": True})
    assert [one.level for one in found] == [Level.DANGER, Level.FAULT]
    assert found[0].what == "The beam and the light may still be on."
    assert "by hand" in found[0].to_do
    assert found[1].what == "the stage hangs"


def test_the_beam_of_a_scan_is_no_alarm() -> None:
    assert alarms(Phase.ELECTRON, devices={"beam_blanked": False, "light_on": False}) == []


def test_a_daemon_that_is_silent_is_an_alarm_and_old_readings_are_none() -> None:
    (one,) = alarms(Phase.DONE, Link.LOST, devices={"beam_blanked": False})
    assert one.level is Level.DANGER
    assert "does not answer" in one.what


def test_a_console_that_cannot_read_the_run_is_an_alarm_before_and_after_a_status() -> None:
    for known, since in ((None, ""), (status(Phase.ELECTRON), "; what you see is from before")):
        (one,) = standing(State(Link.FAILED, "KeyError: 'run'", status=known))
        assert one.level is Level.DANGER
        assert one.what == f"This console cannot read the run{since}. (KeyError: 'run')"


@pytest.mark.parametrize("cause", list(PauseCause))
def test_each_pause_says_what_to_do(cause: PauseCause) -> None:
    (one,) = alarms(Phase.PAUSED, reason="why", cause=cause)
    assert one.what == "Paused: why"
    assert one.to_do.endswith(".")


def test_what_waits_for_a_person() -> None:
    found = alarms(
        Phase.REVIEW,
        jobs={"needs_review": 2},
        fields={"failed": 1},
        health={"not_notified": 3, "last_not_notified": "mail"},
    )
    assert [one.level for one in found] == [Level.ATTENTION] * 3 + [Level.NOTICE]
    assert found[1].path == "/queue?state=needs_review"


def test_a_stall_and_a_block() -> None:
    stalled = {"stalled": True, "step": "the scan", "running_s": 500.0, "allowed_s": 60.0}
    (one,) = alarms(Phase.ELECTRON, health=stalled)
    assert one.what == "No progress: the scan has taken 8 min 20 s, 1 min are allowed."
    (one,) = alarms(Phase.ELECTRON, health={"blocked": "the disk is full. Make room."})
    assert one.level is Level.DANGER


def event(kind: str, subject: str = "session", **data: Any) -> dict[str, Any]:
    return {"seq": 1, "at": "2026-11-30T03:00:00+00:00", "kind": kind, "subject": subject, "data": data}


def test_events_in_words() -> None:
    fault = happening(event("session", event="fault", phase="fault", reason="no stage", safe=False))
    assert (fault.level, fault.what) == (Level.DANGER, "Stopped by a fault: no stage")
    assert fault.to_do.startswith("Go to the microscope")
    done = happening(event("job", "J000001", **{"from": "saved", "to": "done"}))
    assert (done.what, done.level, done.job) == ("J000001 done", None, "J000001")
    plan = happening(event("plan", "S0001", frames=2, beam_s=61.0))
    assert plan.what == "S0001 planned: 2 frames, 1 min 1 s of beam"
    assert happening(event("anything_new", "x", pressure_pa=2.0)).what == "Anything new (x): pressure 2 Pa"
    assert is_routine(event("devices_busy", busy_s=1.0))
    assert is_routine(event("job", to="withdrawn", reason="cells chosen anew"))
    assert not is_routine(event("job", to="skipped", reason="a fold"))
    assert not is_routine(event("session", event="pause", phase="paused"))


def test_a_session_that_was_left_in_the_middle_is_an_alarm() -> None:
    for was_live, level in ((True, Level.DANGER), (False, Level.ATTENTION)):
        left = State(link=Link.UP, status=status(Phase.ELECTRON), live=False, was_live=was_live)
        assert [one.level for one in standing(left)] == [level]
    assert standing(State(link=Link.UP, status=status(Phase.DONE), live=False, was_live=True)) == []
