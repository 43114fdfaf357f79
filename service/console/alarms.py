"""Alarms that stand now, with what a person does about each; made from the status."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from service.console.run_state import Link, State
from service.model.images.trends import Trend
from service.model.jobs import JobState
from service.model.phases import FINAL, HALTED, PauseCause, Phase
from service.model.specimen import FieldState
from service.words.quantities import duration
from service.words.trends import trend_says, trend_to_do


class Level(StrEnum):
    """Urgency of an alarm; its value is the word that is shown."""

    DANGER = "Danger"
    FAULT = "Fault"
    ATTENTION = "Attention"
    NOTICE = "Notice"


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm: what is the matter, what a person does, and the page that helps, if one does."""

    level: Level
    what: str
    to_do: str
    path: str = ""
    link: str = ""


BY_HAND = "Go to the microscope: blank the beam and switch the light off by hand."

_LEFT = Alarm(
    Level.DANGER,
    "The program that drives this session has stopped, before the end of the session.",
    "If nobody has stopped it: its watchdog makes the microscope safe; see that beam and light are off."
    " Then resume the run.",
)
_NOT_ENDED = Alarm(
    Level.ATTENTION,
    "This session has not ended, and no program drives it.",
    "`ilemtrack resume` with its folder takes it up again.",
)

_PAUSES: Mapping[str, str] = {
    PauseCause.PERSON: "Continue when you are ready.",
    PauseCause.RESTART: "Look at the history; then continue.",
    PauseCause.DISK: "Make room on the disk; then continue.",
    PauseCause.IMAGE_NOT_SAVED: "See that the disk can be written and has room; then continue. Do not stop"
    " the program before: the image is in its memory.",
    PauseCause.UNDECIDED_JOBS: "Decide what happens to the frames that wait; then continue, which ends the"
    " session.",
    PauseCause.UNDETECTED_FIELDS: "Mend the cause, stop the program and resume the run. Continuing ends the"
    " session without these cells.",
    PauseCause.CHAMBER_BY_HAND: "Do that at the microscope; then continue, which records that you have"
    " confirmed it.",
    PauseCause.FAULT_ACKNOWLEDGED: "Continue when the microscope is ready.",
}

_AT_REST = HALTED | {Phase.DONE, Phase.ABORTED, Phase.REVIEW}
"""Phases in which no beam and no light is expected."""


def standing(state: State) -> list[Alarm]:
    """Return the alarms of a state, the most urgent first."""
    order = list(Level)
    return sorted(_all(state), key=lambda alarm: order.index(alarm.level))


def _all(state: State) -> Iterator[Alarm]:
    if state.link is Link.LOST:
        yield Alarm(
            Level.DANGER,
            "The daemon does not answer; what you see is from before.",
            "See if the program still runs on the microscope's computer. Its watchdog blanks the beam if it"
            " has died. This page connects again by itself.",
        )
    status = state.status
    if state.link is Link.FAILED:
        before = "; what you see is from before" if status is not None else ""
        yield Alarm(
            Level.DANGER,
            f"This console cannot read the run{before}. ({state.problem})",
            "`ilemtrack status` shows the session. The console tries again by itself; its terminal has the"
            " whole error.",
        )
    if status is None:
        if state.link is Link.NONE:
            what = "No session of this user runs on the microscope."
            yield Alarm(Level.NOTICE, what, f"Open a run, or start one. ({state.problem})", "/runs", "Runs")
        return
    phase, health = Phase(status["phase"]), status["health"]
    if state.live and state.link is Link.UP:
        yield from _unsafe(phase, status["devices"])
    if not state.live and phase not in FINAL:
        yield _LEFT if state.was_live else _NOT_ENDED
    if health.get("blocked"):
        yield Alarm(Level.DANGER, "Nothing can be recorded, so nothing is exposed.", str(health["blocked"]))
    if phase is Phase.FAULT:
        yield Alarm(
            Level.FAULT,
            status["reason"] or "The session has stopped.",
            "Look at the microscope and mend the fault; then acknowledge it, and continue.",
        )
    if health.get("stalled"):
        yield Alarm(
            Level.FAULT,
            f"No progress: {health['step']} has taken {duration(health['running_s'])},"
            f" {duration(health['allowed_s'])} are allowed.",
            "Check at the microscope that it still works, or abort the session.",
        )
    if state.live:
        yield from _waiting(phase, status)
    if health.get("not_notified"):
        yield Alarm(
            Level.ATTENTION,
            f"{health['not_notified']} notifications were not delivered: {health['last_not_notified']}",
            "Check the network and the addresses in the configuration.",
        )
    for one in status.get("trends", ()):
        trend = Trend(**one)
        says = trend_says(trend)
        yield Alarm(Level.NOTICE, f"{says[0].upper()}{says[1:]}.", trend_to_do(trend))
    failed = status["fields"].get(FieldState.FAILED, 0)
    if failed:
        yield Alarm(
            Level.NOTICE,
            f"{failed} {'field has' if failed == 1 else 'fields have'} failed.",
            "The history has the reasons.",
            "/history",
            "History",
        )


def _unsafe(phase: Phase, devices: Mapping[str, Any]) -> Iterator[Alarm]:
    if "error" in devices:
        yield Alarm(Level.DANGER, f"The microscope cannot be read: {devices['error']}", BY_HAND)
        return
    on = [name for name, is_on in (("beam", devices.get("beam_blanked") is False),
                                   ("light", devices.get("light_on") is True)) if is_on]  # fmt: skip
    if on and phase in _AT_REST:
        yield Alarm(Level.DANGER, f"The {' and the '.join(on)} may still be on.", BY_HAND)


def _waiting(phase: Phase, status: Mapping[str, Any]) -> Iterator[Alarm]:
    """Alarms of a session that waits for a person."""
    if phase is Phase.PAUSED:
        to_do = _PAUSES.get(status["cause"] or "", "Continue when you are ready.")
        yield Alarm(Level.ATTENTION, f"Paused: {status['reason']}", to_do)
    if phase is Phase.REVIEW:
        what = "Fluorescence is complete; the beam waits for you."
        yield Alarm(
            Level.ATTENTION, what, "Look at the cells; then continue. The beam destroys fluorescence."
        )
    waiting = status["jobs"].get(JobState.NEEDS_REVIEW, 0)
    if waiting:
        yield Alarm(
            Level.ATTENTION,
            f"{waiting} {'frame needs' if waiting == 1 else 'frames need'} your decision.",
            "No exposure is repeated unless you say so.",
            f"/queue?state={JobState.NEEDS_REVIEW}",
            "Decide",
        )
