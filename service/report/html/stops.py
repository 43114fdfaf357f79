"""Faults and pauses of a session, and how each ended."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from service.model.event import Event
from service.model.phases import HALTED, Phase, SessionEvent
from service.words.events import event_words
from service.words.states import PHASES

_BEGIN = (SessionEvent.FAULT, SessionEvent.PAUSE, SessionEvent.RESTART)
_BESIDE = ("stalled", "unsafe", "watchdog", "notify_failed")
"""Kinds of events that a person should know of, and that stop nothing."""
_ENDS = {
    SessionEvent.RESUME: "continued",
    SessionEvent.ABORT: "aborted",
    SessionEvent.RESTART: "the program was started again",
    SessionEvent.FAULT: "a fault followed",
    SessionEvent.PAUSE: "another pause followed",
}


@dataclass(frozen=True, slots=True)
class Stop:
    """A fault, a pause or a restart.

    Attributes
    ----------
    at : str
        Wall clock, ISO 8601, UTC.
    fault : bool
    says, reason : str
    ended : str
        In words; empty while it lasts, and for an event that stops nothing.
    lasted_s : float or None
        On the microscope's clock.
    """

    at: str
    fault: bool
    says: str
    reason: str
    ended: str = ""
    lasted_s: float | None = None


def stops(events: Sequence[Event]) -> tuple[Stop, ...]:
    """Return the stops of a session in their order.

    Parameters
    ----------
    events : sequence of Event
        All of the session.
    """
    found: list[Stop] = []
    since_s: float | None = None
    for event in events:
        if event.kind in _BESIDE:
            what = event.kind.replace("_", " ").capitalize()
            beside = Stop(event.at, fault=True, says=what, reason=event_words(_as_read(event)))
            # Before a stop that still lasts, so that this one stays the last.
            found.insert(len(found) - (since_s is not None), beside)
            continue
        if event.kind != "session" or "phase" not in event.data:
            continue
        phase, moved = Phase(event.data["phase"]), SessionEvent(event.data["event"])
        begins = phase in HALTED and moved in _BEGIN
        if since_s is not None and (begins or phase not in HALTED):
            ended = _ENDS.get(moved, PHASES[phase])
            found[-1] = replace(found[-1], ended=ended, lasted_s=event.time_s - since_s)
            since_s = None
        if begins:
            fault = phase is Phase.FAULT
            found.append(Stop(event.at, fault, PHASES[phase], str(event.data.get("reason") or "")))
            since_s = event.time_s
    return tuple(found)


def _as_read(event: Event) -> dict[str, object]:
    return {"kind": event.kind, "subject": event.subject, "data": event.data}
