"""Alarms raised by session events."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from config.alarms import AlarmKind
from service import wording
from service.model.event import MISSING, SEAM, Event
from service.model.images.trends import TREND, Trend
from service.model.jobs import JobKind, JobState
from service.model.phases import PauseCause, Phase, SessionEvent
from service.model.specimen import FieldState
from service.store.outcome import end_state
from service.store.store import Store
from service.words.trends import trend_says, trend_to_do

SAFE = "The beam is blanked and the light is off."
NOT_SAFE = "THE MICROSCOPE MAY NOT BE SAFE; the program keeps trying to make it safe."
_BY_HAND = "Go to the microscope: blank the beam and switch the light off by hand."
_LOOK = "`ilemtrack status` and `ilemtrack events` say more."

_MEND_DISK: Mapping[object, str] = {
    PauseCause.DISK: "Make room on the disk, then `ilemtrack continue`.",
    PauseCause.IMAGE_NOT_SAVED: "See that the disk can be written and has room, then `ilemtrack continue`.",
}
"""Causes of a pause that lie in the disk, and what a person does."""

_SETTLED = (JobState.DONE, JobState.SKIPPED, JobState.WITHDRAWN)
"""States of jobs that leave nothing undone."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm for people.

    Attributes
    ----------
    kind : AlarmKind or None
        People choose by it which notifications they get; None goes to the incident log only.
    what, done, to_do : str
        Sentences: what happened, what the program did, what a person should do.
    """

    kind: AlarmKind | None
    what: str
    done: str
    to_do: str


def alarm_of(event: Event, store: Store) -> Alarm | None:
    """Return the alarm that an event raises, None for most events."""
    make = _MAKERS.get(event.kind)
    return None if make is None else make(event.subject, event.data, store)


def _session(_: str, data: Mapping[str, Any], store: Store) -> Alarm | None:
    reason = str(data.get("reason") or "")
    match data.get("event"), data.get("phase"):
        case SessionEvent.FAULT, _:
            done = SAFE if data.get("safe") else NOT_SAFE
            way_on = "Look at the microscope and mend the fault, then `ilemtrack ack`, `ilemtrack continue`."
            return Alarm("fault", reason, done, way_on)
        case SessionEvent.RECOVERED, _:
            done = f"{SAFE} The session waits, paused."
            return Alarm("restarted", wording.started_again(), done, f"`ilemtrack continue` goes on. {_LOOK}")
        case SessionEvent.PAUSE, _ if data.get("cause") == PauseCause.CHAMBER_BY_HAND:
            to_do = "Do that at the microscope, then `ilemtrack continue`."
            return Alarm("paused", reason, f"{SAFE} The session waits, paused.", to_do)
        case SessionEvent.PAUSE, _ if data.get("cause") != PauseCause.PERSON:
            disk = data.get("cause") in _MEND_DISK
            to_do = _MEND_DISK.get(data.get("cause"), "`ilemtrack continue` goes on.")
            return Alarm("disk" if disk else "paused", reason, f"{SAFE} The session waits, paused.", to_do)
        case SessionEvent.REVIEW_NEEDED, _:
            what = "Fluorescence is complete; the beam waits for a person."
            return Alarm("review", what, SAFE, "Look at it, then `ilemtrack continue`.")
        case _, Phase.DONE | Phase.ABORTED:
            return _finished(store, reason)
    return None


def _finished(store: Store, reason: str) -> Alarm:
    counts, fields = store.queue.counts_in_use(), store.specimen.field_counts()
    jobs = ", ".join(f"{n} {state}" for state, n in counts.items()) or "no jobs"
    ended = end_state(store).replace("_", " ")
    what = f"The session has ended: {ended}{f' ({reason})' if reason else ''}; {jobs}."
    # The program ends with the session: a person reads the run folder, not the program.
    # After an abort the queue is still there.
    failed = fields.get(FieldState.FAILED, 0) + fields.get(FieldState.PENDING, 0)
    undone = sum(n for state, n in counts.items() if state not in _SETTLED)
    missing = store.events.last_of(MISSING)
    lost = 0 if missing is None else int(missing.data["number"])
    not_done = [f"{n} {what}{'s' * (n > 1)}" for n, what in ((failed, "field"), (undone, "job")) if n]
    left = [f"Not done: {', '.join(not_done)}"] if not_done else []
    left += [f"No longer there: {lost} image{'s' * (lost > 1)}"] if lost else []
    to_do = f"{'. '.join(left)}; incidents.md of the run says why." if left else "Nothing."
    return Alarm("finished", what, SAFE, to_do)


def _job(job: str, data: Mapping[str, Any], store: Store) -> Alarm | None:
    if data.get("to") == JobState.FAILED:
        what = f"{job} failed: {data.get('reason')}"
        return Alarm(
            None, what, "It is not tried again; the rest goes on.", "Mend the cause, or others fail, too."
        )
    if data.get("to") != JobState.NEEDS_REVIEW:
        return None
    if store.queue.job(job).kind is not JobKind.FRAME:
        # Nobody need decide: `service.acquisition.retakes.helping` gives it up.
        what = f"{job}, which only helps frames, was not good: {data.get('reason')}"
        return Alarm(None, what, "Its exposure is not repeated; the rest goes on.", "Nothing.")
    done = "It is not taken again; the rest goes on."
    what = f"{job} needs review: {data.get('reason')}"
    return Alarm("needs_review", what, done, f"`ilemtrack queue show {job}`, and decide.")


def _field(field: str, data: Mapping[str, Any], _: Store) -> Alarm | None:
    if data.get("to") != FieldState.FAILED:
        return None
    what = f"{field} failed: {data.get('reason')}"
    return Alarm(
        None, what, "Its ground is not exposed; the rest goes on.", "Mend the cause, or others fail, too."
    )


def _seam(job: str, data: Mapping[str, Any], _: Store) -> Alarm:
    what = (
        f"{job} meets frames that were scanned before the stage came back to its position, and could not be"
        f" widened on {data.get('sides')} sides: a cell stitched there may have a gap."
    )
    to_do = f"Look at the cells of {job} (`ilemtrack queue show {job}`); `queue.add` of the API images a gap."
    return Alarm(None, what, "It is scanned as planned; the rest goes on.", to_do)


def _trend(quantity: str, data: Mapping[str, Any], _: Store) -> Alarm:
    trend = Trend.of(quantity, data)
    says = trend_says(trend)
    return Alarm(
        "trend", f"{says[0].upper()}{says[1:]}.", "It was recorded; the session goes on.", trend_to_do(trend)
    )


def _missing(_: str, data: Mapping[str, Any], __: Store) -> Alarm:
    names, number = data["images"], data["number"]
    if not number:
        return Alarm(None, "All images are in the folder of the run again.", "It was recorded.", "Nothing.")
    are = "images are" if number > 1 else "image is"
    what = f"{number} saved {are} no longer in the folder of the run: {wording.some(names)}."
    done = "Their frames count as done: no ground is exposed again by itself."
    to_do = "Put them back, or links to them; `ilemtrack trace` says if they are those that were saved."
    return Alarm("needs_review", what, done, to_do)


def _stalled(_: str, data: Mapping[str, Any], __: Store) -> Alarm:
    elapsed, allowed = data.get("running_s"), data.get("allowed_s")
    what = f"No progress: {data.get('step')} has taken {elapsed:.0f} s, {allowed:.0f} s are allowed."
    done = "Nothing was stopped; a device call that overruns its deadline ends in a fault."
    return Alarm("stalled", what, done, f"Check that it still works. {_LOOK}")


def _unsafe(_: str, data: Mapping[str, Any], __: Store) -> Alarm:
    return Alarm("fault", f"The microscope is not safe: {data.get('problems')}", NOT_SAFE, _BY_HAND)


def _safe(_: str, __: Mapping[str, Any], ___: Store) -> Alarm:
    return Alarm("fault", "The microscope has reached the safe state after all.", SAFE, _LOOK)


def watchdog_alarm(what: str, done: str, safe: bool) -> Alarm:
    """Return the alarm of a watchdog that acted; `safe` if the microscope is safe."""
    to_do = "`ilemtrack resume` takes up the run, paused, and says what it found."
    if not safe:
        to_do = f"{_BY_HAND} Mend what is in the way; then {to_do}"
    return Alarm("watchdog", what, done, to_do)


def _watchdog(_: str, data: Mapping[str, Any], __: Store) -> Alarm:
    return watchdog_alarm(str(data.get("what")), str(data.get("done")), bool(data.get("safe")))


def _watchdog_lost(_: str, __: Mapping[str, Any], ___: Store) -> Alarm:
    return Alarm(
        "watchdog", "The watchdog process had ended or was stopped.", "It was started again.", "Nothing."
    )


def _runtime_folder(_: str, data: Mapping[str, Any], __: Store) -> Alarm:
    what = "The runtime folder of the program was removed, with its sockets, as systemd does at a logout."
    done = f"They were made again in {data.get('folder')}; the session goes on."
    return Alarm(None, what, done, "`loginctl enable-linger` keeps the folder of this user.")


def _notify_failed(channel: str, data: Mapping[str, Any], _: Store) -> Alarm:
    what = f"{channel} was not delivered: {data.get('why')}"
    return Alarm(None, what, "It was tried several times.", "Check the URL and the network.")


def _clock_jump(_: str, data: Mapping[str, Any], __: Store) -> Alarm:
    what = f"The clock of the computer jumped by {data.get('by_s'):.0f} s."
    return Alarm(None, what, "Nothing: a session has a clock of its own.", "Check NTP.")


def _preflight(_: str, data: Mapping[str, Any], __: Store) -> Alarm | None:
    said = [check["says"] for check in data.get("checks", ()) if check["level"] != "ok"]
    return Alarm(None, f"Preflight: {'; '.join(said)}", "It was recorded.", "Mend it.") if said else None


_MAKERS: Mapping[str, Callable[[str, Mapping[str, Any], Store], Alarm | None]] = {
    "session": _session,
    "job": _job,
    "field": _field,
    SEAM: _seam,
    MISSING: _missing,
    TREND: _trend,
    "stalled": _stalled,
    "unsafe": _unsafe,
    "safe": _safe,
    "watchdog": _watchdog,
    "watchdog_lost": _watchdog_lost,
    "runtime_folder": _runtime_folder,
    "notify_failed": _notify_failed,
    "clock_jump": _clock_jump,
    "preflight": _preflight,
}
