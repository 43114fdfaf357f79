"""Events of a session as people read them: in words, with what to do about a fault."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from service.console.alarms import BY_HAND, Level
from service.model.event import STAY
from service.model.images.trends import ELECTRON_LEVELS, LIGHT_LEVELS, TREND, Trend
from service.model.jobs import JobState
from service.model.phases import PauseCause, Phase, SessionEvent
from service.model.specimen import FieldState
from service.words.events import event_words
from service.words.quantities import duration
from service.words.states import FIELDS, JOBS, PHASES
from service.words.trends import trend_to_do

ROUTINE = frozenset(
    {"devices_busy", STAY, LIGHT_LEVELS, ELECTRON_LEVELS, "found_settings", "put_back", "queue", "vacuum"}
)
"""Kinds of events that a person rarely wants to see."""

_FAULT = "Look at the microscope and mend the fault; then acknowledge it, and continue."


@dataclass(frozen=True, slots=True)
class Happening:
    """One event: date and time here, what happened, what a person does; `level` if it matters."""

    seq: int
    date: str
    time: str
    what: str
    to_do: str
    level: Level | None
    job: str
    """The job that it is about; empty if none."""


def happening(event: Mapping[str, Any]) -> Happening:
    """Return an event of the API in words."""
    at = datetime.fromisoformat(event["at"]).astimezone()
    level, to_do = _matters(event["kind"], event["subject"], event["data"])
    return Happening(
        seq=event["seq"],
        date=f"{at:%A %d %B %Y}",
        time=f"{at:%H:%M:%S}",
        what=_sentence(event),
        to_do=to_do,
        level=level,
        job=event["subject"] if event["kind"] == "job" else "",
    )


def is_routine(event: Mapping[str, Any]) -> bool:
    """Return True for an event that only matters to whoever looks for a cause."""
    kind, data = event["kind"], event["data"]
    jobs = (JobState.ARMED, JobState.EXPOSED, JobState.SAVED, JobState.WITHDRAWN)
    on_the_way = (*jobs, FieldState.DETECTED, FieldState.PLANNED)
    return kind in ROUTINE or (kind in ("job", "field") and data.get("to") in on_the_way)


def _sentence(event: Mapping[str, Any]) -> str:
    kind, subject, data = event["kind"], event["subject"], event["data"]
    why = f": {data['reason']}" if data.get("reason") else ""
    if kind == "job" and data.get("to") in JOBS:
        return f"{subject} {JOBS[JobState(data['to'])]}{why}"
    if kind == "field" and data.get("to") in FIELDS:
        return f"{subject} {FIELDS[FieldState(data['to'])]}{why}"
    if kind == "plan":
        return f"{subject} planned: {data.get('frames')} frames, {duration(data.get('beam_s'))} of beam"
    if kind == "session" and data.get("phase") in PHASES:
        return f"{PHASES[Phase(data['phase'])]}{why}"
    if kind == TREND:
        says = event_words(event)
        return f"{says[0].upper()}{says[1:]}"
    return f"{kind.replace('_', ' ').capitalize()} ({subject}): {event_words(event)}"


def _matters(kind: str, subject: str, data: Mapping[str, Any]) -> tuple[Level | None, str]:
    match kind, data.get("event"), data.get("to"):
        case "session", SessionEvent.FAULT, _:
            return (Level.FAULT, _FAULT) if data.get("safe") else (Level.DANGER, f"{BY_HAND} {_FAULT}")
        case "session", SessionEvent.PAUSE, _ if data.get("cause") != PauseCause.PERSON:
            return Level.ATTENTION, "Do what the reason names; then continue."
        case "session", SessionEvent.RECOVERED, _:
            return Level.ATTENTION, "Look at what happened before; then continue."
        case ("unsafe", _, _):
            return Level.DANGER, BY_HAND
        case ("stalled", _, _):
            return Level.FAULT, "Check at the microscope that it still works."
        case ("watchdog", _, _):
            return Level.DANGER if not data.get("safe") else Level.FAULT, "Resume the run; it waits, paused."
        case "job", _, JobState.NEEDS_REVIEW:
            return Level.ATTENTION, "Look at the frame, and decide."
        case ("job", _, JobState.FAILED) | ("field", _, FieldState.FAILED):
            return Level.NOTICE, "Mend the cause, or others fail, too."
        case ("images_missing", _, _) if data.get("number"):
            return Level.ATTENTION, "Put the images back into the folder of the run."
        case ("trend", _, _):
            return Level.NOTICE, trend_to_do(Trend.of(subject, data))
        case ("notify_failed", _, _):
            return Level.ATTENTION, "Check the address and the network."
    return None, ""
