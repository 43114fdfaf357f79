"""Duration of a session, and of the same session with its cells imaged in other ways."""

from collections.abc import Iterable
from dataclasses import dataclass

from config.model import Config
from planner.cost import total_s
from service.model.event import Event
from service.model.phases import Phase, SessionEvent
from service.planning.durations import session_pace
from service.planning.focus_cost import FocusCost
from service.planning.ways import data_bytes
from service.store.store import Store


@dataclass(frozen=True, slots=True)
class SessionDurations:
    """Durations of a session: from start to end, devices busy, and electron images."""

    session_s: float
    busy_s: float
    electron_s: float


@dataclass(frozen=True, slots=True)
class SessionWay:
    """Duration and data of the whole session if its cells were imaged in one way."""

    method: str
    chosen: bool
    frames: int
    beam_s: float
    session_s: float
    data_bytes: int


def durations_of(events: Iterable[Event]) -> SessionDurations:
    """Return the durations of a session by its events, which survive a restart."""
    begun_s: float | None = None
    last_s = busy_s = electron_s = 0.0
    electron_since_s: float | None = None
    for event in events:
        last_s = event.time_s
        if event.kind == "devices_busy":
            busy_s += float(event.data["busy_s"])
        elif event.kind == "session":
            if event.data.get("event") == SessionEvent.START:
                begun_s = event.time_s
            if electron_since_s is not None:
                electron_s += event.time_s - electron_since_s
            electron_since_s = event.time_s if event.data.get("phase") == Phase.ELECTRON else None
    return SessionDurations(last_s - (begun_s if begun_s is not None else last_s), busy_s, electron_s)


def session_ways(config: Config, store: Store, durations: SessionDurations) -> tuple[SessionWay, ...]:
    """Return the session in each planned way, the chosen one first.

    All but the electron images is as measured; these are as planned.
    """
    pace = session_pace(config, store)
    focus_cost = FocusCost.of(config, pace)
    rest_s = durations.session_s - durations.electron_s
    return tuple(
        SessionWay(
            method=way.method,
            chosen=way.chosen,
            frames=way.work.frames,
            beam_s=way.work.beam_s,
            session_s=rest_s + total_s(way.work, pace.electron),
            data_bytes=data_bytes(way.work.pixels, config.sem),
        )
        for way in map(focus_cost.added_to, store.durations.ways())
    )
