from service.model.event import Event
from service.model.phases import Phase, SessionEvent
from service.report.html.stops import stops


def moved(seq: int, event: SessionEvent, phase: Phase, reason: str = "") -> Event:
    data = {"event": event.value, "phase": phase.value, "reason": reason}
    return Event(seq, 10.0 * seq, f"2026-11-30T10:00:{seq:02d}Z", "session", "run", data)


def test_a_fault_lasts_until_a_person_continues() -> None:
    (stop,) = stops(
        [
            moved(1, SessionEvent.START, Phase.PREFLIGHT),
            moved(2, SessionEvent.FAULT, Phase.FAULT, "the stage hangs"),
            moved(3, SessionEvent.ACKNOWLEDGE, Phase.PAUSED),
            moved(5, SessionEvent.RESUME, Phase.PREFLIGHT),
        ]
    )
    assert (stop.fault, stop.reason, stop.ended, stop.lasted_s) == (True, "the stage hangs", "continued", 30)


def test_a_restart_ends_a_pause_and_begins_another_stop() -> None:
    first, second = stops(
        [
            moved(1, SessionEvent.PAUSE, Phase.PAUSED, "low disk"),
            moved(4, SessionEvent.RESTART, Phase.RECOVERING),
            moved(5, SessionEvent.RECOVERED, Phase.PAUSED),
        ]
    )
    assert (first.fault, first.lasted_s) == (False, 30)
    assert (second.ended, second.lasted_s) == ("", None)


def test_an_alarm_in_a_pause_does_not_end_it() -> None:
    alarm = Event(2, 20.0, "2026-11-30T10:00:02Z", "notify_failed", "session", {"error": "no route"})
    beside, pause = stops(
        [
            moved(1, SessionEvent.PAUSE, Phase.PAUSED),
            alarm,
            moved(3, SessionEvent.ABORT, Phase.ABORTED),
        ]
    )
    assert "no route" in beside.reason
    assert (pause.ended, pause.lasted_s) == ("aborted", 20)


def test_the_watchdog_says_what_it_found_and_did() -> None:
    data = {"what": "The daemon has died.", "done": "The beam is blanked.", "safe": True}
    (one,) = stops([Event(1, 10.0, "2026-11-30T10:00:01Z", "watchdog", "watchdog", data)])
    assert one.reason == "The daemon has died. The beam is blanked."


def test_a_session_without_stops_has_none() -> None:
    assert stops([moved(1, SessionEvent.START, Phase.PREFLIGHT)]) == ()
