"""Phases of a session, states of jobs and fields, in plain words."""

from collections.abc import Mapping, Sequence

from service.model.field_states import FieldState
from service.model.jobs import ExposureState, HoldCause, JobKind, JobState
from service.model.phases import NotNowError, Phase, SessionEvent

PHASES: Mapping[Phase, str] = {
    Phase.IDLE: "About to begin",
    Phase.PREFLIGHT: "Checking the microscope",
    Phase.TO_PARTIAL_VACUUM: "Bringing the chamber to the pressure for fluorescence",
    Phase.FLUORESCENCE: "Taking fluorescence",
    Phase.REVIEW: "Waiting for your review",
    Phase.TO_HIGH_VACUUM: "Pumping to high vacuum",
    Phase.ELECTRON: "Taking electron images",
    Phase.DONE: "Finished",
    Phase.PAUSED: "Paused",
    Phase.FAULT: "Stopped by a fault",
    Phase.RECOVERING: "Putting things in order after a restart",
    Phase.ABORTED: "Aborted",
}

_CHANGES: Mapping[SessionEvent, str] = {
    SessionEvent.PAUSE: "pause",
    SessionEvent.RESUME: "continue",
    SessionEvent.ABORT: "abort",
    SessionEvent.ACKNOWLEDGE: "acknowledge a fault",
    SessionEvent.REVIEW_CONFIRMED: "end the review",
}
"""Changes that people ask for by these events, as verbs."""

JOBS: Mapping[JobState, str] = {
    JobState.QUEUED: "queued",
    JobState.ARMED: "under the beam",
    JobState.EXPOSED: "exposed",
    JobState.SAVED: "saved",
    JobState.DONE: "done",
    JobState.HELD: "held",
    JobState.SKIPPED: "skipped",
    JobState.WITHDRAWN: "withdrawn",
    JobState.FAILED: "failed",
    JobState.NEEDS_REVIEW: "needs review",
}

FIELDS: Mapping[FieldState, str] = {
    FieldState.PENDING: "waiting for fluorescence",
    FieldState.SAVED: "saved",
    FieldState.DETECTED: "cells found",
    FieldState.PLANNED: "planned",
    FieldState.FAILED: "failed",
}

KINDS: Mapping[JobKind, str] = {
    JobKind.FRAME: "frame",
    JobKind.FOCUS: "focus",
    JobKind.OVERVIEW: "overview",
}

HOLDS: Mapping[HoldCause, str] = {
    HoldCause.FLUORESCENCE: "released by itself once the fluorescence around it is saved",
    HoldCause.PERSON: "released by a person only",
    HoldCause.RETAKE: "its image is bad; exposed again by itself once that can help",
}

EXPOSURES: Mapping[ExposureState, str] = {
    ExposureState.OPEN: "under way",
    ExposureState.CLOSED: "complete",
    ExposureState.UNKNOWN: "unknown: the ground may have been exposed, in part or completely",
    ExposureState.VOID: "refused before the beam was on: nothing was exposed",
}


def jobs_say(states: Sequence[str], helping: Mapping[str, int]) -> str:
    """Return the numbers of jobs by state, and of those among them that are no frames, by kind."""
    helped = ", ".join(f"{number} for a {KINDS[JobKind(kind)]}" for kind, number in helping.items())
    return (", ".join(states) or "none") + (f"; of these {helped}" if helped else "")


def said_now(phase: Phase) -> str:
    """Return the phase of a session in a few words, to begin a sentence with."""
    return f"the session is at '{PHASES[phase].lower()}'"


def not_now(error: NotNowError) -> str:
    """Return why a change of the session is refused, for the person who asked for it."""
    first = "; mend the cause, then acknowledge the fault" if error.phase is Phase.FAULT else ""
    asked = _CHANGES.get(error.event, error.event.value)
    return f"cannot {asked} now: {said_now(error.phase)}{first}"
