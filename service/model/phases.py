"""Phases of a session: a read-only table and a pure `step`.

Three rules are built into the table and `Status`, and tested as properties:

- ``electron`` is entered from ``to_high_vacuum`` by ``high_vacuum_reached`` and in no other way. A halt keeps
  in ``resume_to`` where work is taken up again: never ``electron`` or ``fluorescence``, but the step that
  proves the vacuum for it.
- ``fault`` is left by ``acknowledge`` or ``abort`` only, both by a person.
- ``done`` and ``aborted`` are final.

.. code-block:: mermaid

    stateDiagram-v2
        [*] --> idle
        state live {
            state working {
                preflight --> to_partial_vacuum : preflight_passed
                to_partial_vacuum --> fluorescence : partial_vacuum_reached
                fluorescence --> to_high_vacuum : fluorescence_complete
                fluorescence --> review : review_needed
                review --> to_high_vacuum : review_confirmed
                to_high_vacuum --> electron : high_vacuum_reached
                electron --> to_partial_vacuum : section_complete
            }
            idle --> preflight : start
            idle --> recovering : restart
            working --> paused : pause
            working --> recovering : restart
            paused --> preflight : resume
            paused --> to_partial_vacuum : resume
            paused --> review : resume
            paused --> to_high_vacuum : resume
            paused --> recovering : restart
            recovering --> recovering : restart
            recovering --> paused : recovered
            fault --> fault : restart
            fault --> paused : acknowledge
        }
        electron --> done : electron_complete
        live --> fault : fault
        live --> aborted : abort
        done --> [*]
        aborted --> [*]
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from service.errors import IllegalTransitionError


class Phase(StrEnum):
    """Phase of a session."""

    IDLE = "idle"
    PREFLIGHT = "preflight"
    TO_PARTIAL_VACUUM = "to_partial_vacuum"
    FLUORESCENCE = "fluorescence"
    REVIEW = "review"
    """Fluorescence is complete; a person looks at it before the beam destroys it."""
    TO_HIGH_VACUUM = "to_high_vacuum"
    ELECTRON = "electron"
    DONE = "done"
    PAUSED = "paused"
    FAULT = "fault"
    RECOVERING = "recovering"
    """The program was started again and puts ledger and hardware in order."""
    ABORTED = "aborted"


class PauseCause(StrEnum):
    """Cause of a pause; alarms and unattended sessions go by it."""

    PERSON = "person"
    """A person asked for it."""
    RESTART = "restart"
    """The program was started again on a run that an earlier process left."""
    DISK = "disk"
    """There is no room for the next image."""
    IMAGE_NOT_SAVED = "image_not_saved"
    """The disk refused an image."""
    UNDECIDED_JOBS = "undecided_jobs"
    """All else is done; jobs in review or held wait for a decision."""
    UNDETECTED_FIELDS = "undetected_fields"
    """All else is done; detection failed in some fields."""
    CHAMBER_BY_HAND = "chamber_by_hand"
    """A person must bring the chamber to a pressure, and confirms it by continuing."""
    FAULT_ACKNOWLEDGED = "fault_acknowledged"
    """A person acknowledged a fault."""


class SessionEvent(StrEnum):
    """Events that move a session from phase to phase."""

    START = "start"
    PREFLIGHT_PASSED = "preflight_passed"
    PARTIAL_VACUUM_REACHED = "partial_vacuum_reached"
    FLUORESCENCE_COMPLETE = "fluorescence_complete"
    REVIEW_NEEDED = "review_needed"
    """Fluorescence is complete, and the configuration asks for a review."""
    REVIEW_CONFIRMED = "review_confirmed"
    HIGH_VACUUM_REACHED = "high_vacuum_reached"
    SECTION_COMPLETE = "section_complete"
    """In ``order: section``: this section has its electron images, another one wants fluorescence."""
    ELECTRON_COMPLETE = "electron_complete"
    PAUSE = "pause"
    RESUME = "resume"
    FAULT = "fault"
    ACKNOWLEDGE = "acknowledge"
    ABORT = "abort"
    RESTART = "restart"
    """The program starts on a run that an earlier process left."""
    RECOVERED = "recovered"


FINAL = frozenset({Phase.DONE, Phase.ABORTED})

HALTED = frozenset({Phase.PAUSED, Phase.FAULT, Phase.RECOVERING})
"""Phases without work; `Status.resume_to` says where it goes on."""

TAKEN_UP_AT: Mapping[Phase, Phase] = MappingProxyType(
    {
        Phase.IDLE: Phase.PREFLIGHT,
        Phase.PREFLIGHT: Phase.PREFLIGHT,
        Phase.TO_PARTIAL_VACUUM: Phase.TO_PARTIAL_VACUUM,
        Phase.FLUORESCENCE: Phase.TO_PARTIAL_VACUUM,
        Phase.REVIEW: Phase.REVIEW,
        Phase.TO_HIGH_VACUUM: Phase.TO_HIGH_VACUUM,
        Phase.ELECTRON: Phase.TO_HIGH_VACUUM,
    }
)
"""Phase in which an interrupted phase is taken up again: the vacuum is proved again before light or beam."""

RESUME_PHASES = frozenset(TAKEN_UP_AT.values())

_WORKING = frozenset(TAKEN_UP_AT) - {Phase.IDLE}
_LIVE = frozenset(Phase) - FINAL

TRANSITIONS: Mapping[tuple[Phase, SessionEvent], frozenset[Phase]] = MappingProxyType(
    {
        (Phase.IDLE, SessionEvent.START): frozenset({Phase.PREFLIGHT}),
        (Phase.PREFLIGHT, SessionEvent.PREFLIGHT_PASSED): frozenset({Phase.TO_PARTIAL_VACUUM}),
        (Phase.TO_PARTIAL_VACUUM, SessionEvent.PARTIAL_VACUUM_REACHED): frozenset({Phase.FLUORESCENCE}),
        (Phase.FLUORESCENCE, SessionEvent.FLUORESCENCE_COMPLETE): frozenset({Phase.TO_HIGH_VACUUM}),
        (Phase.FLUORESCENCE, SessionEvent.REVIEW_NEEDED): frozenset({Phase.REVIEW}),
        (Phase.REVIEW, SessionEvent.REVIEW_CONFIRMED): frozenset({Phase.TO_HIGH_VACUUM}),
        (Phase.TO_HIGH_VACUUM, SessionEvent.HIGH_VACUUM_REACHED): frozenset({Phase.ELECTRON}),
        (Phase.ELECTRON, SessionEvent.SECTION_COMPLETE): frozenset({Phase.TO_PARTIAL_VACUUM}),
        (Phase.ELECTRON, SessionEvent.ELECTRON_COMPLETE): frozenset({Phase.DONE}),
        **{(phase, SessionEvent.PAUSE): frozenset({Phase.PAUSED}) for phase in _WORKING},
        (Phase.PAUSED, SessionEvent.RESUME): RESUME_PHASES,
        **{(phase, SessionEvent.FAULT): frozenset({Phase.FAULT}) for phase in _LIVE},
        (Phase.FAULT, SessionEvent.ACKNOWLEDGE): frozenset({Phase.PAUSED}),
        **{(phase, SessionEvent.ABORT): frozenset({Phase.ABORTED}) for phase in _LIVE},
        **{(phase, SessionEvent.RESTART): frozenset({Phase.RECOVERING}) for phase in _LIVE},
        (Phase.FAULT, SessionEvent.RESTART): frozenset({Phase.FAULT}),
        (Phase.RECOVERING, SessionEvent.RECOVERED): frozenset({Phase.PAUSED}),
    }
)
"""Phases to which each event leads. Only ``resume`` has a choice, made by `Status.resume_to`."""


@dataclass(frozen=True, slots=True)
class Status:
    """Phase of the session.

    Attributes
    ----------
    phase : Phase
    resume_to : Phase or None
        Where work is taken up again: one of `RESUME_PHASES` while paused, in fault or recovering, else None.
    reason : str or None
        Why it is paused, in fault, recovering or aborted, for people; else None.
    cause : PauseCause or None
        Why it is paused, to decide by; None unless it is paused.

    Raises
    ------
    ValueError
        `resume_to` or `cause` does not fit the phase.
    """

    phase: Phase
    resume_to: Phase | None = None
    reason: str | None = None
    cause: PauseCause | None = None

    def __post_init__(self) -> None:
        if self.phase in HALTED:
            if self.resume_to not in RESUME_PHASES:
                choices = ", ".join(sorted(RESUME_PHASES))
                raise ValueError(f"{self.phase} resumes to one of {choices}, not to {self.resume_to}")
        elif self.resume_to is not None:
            raise ValueError(f"{self.phase} has nothing to resume to, got {self.resume_to}")
        if (self.phase is Phase.PAUSED) != (self.cause is not None):
            raise ValueError(
                f"{self.phase} with cause {self.cause}: a pause has a cause, and nothing else has"
            )


_CAUSE_OF: Mapping[SessionEvent, PauseCause] = MappingProxyType(
    {SessionEvent.RECOVERED: PauseCause.RESTART, SessionEvent.ACKNOWLEDGE: PauseCause.FAULT_ACKNOWLEDGED}
)
"""Cause of a pause that is entered by another event than ``pause``."""


def possible(status: Status, event: SessionEvent) -> bool:
    """Return True if an event belongs to the phase of a status."""
    return (status.phase, event) in TRANSITIONS


class NotNowError(IllegalTransitionError):
    """Raised when an event does not belong to the phase; nothing changed.

    Attributes
    ----------
    event : SessionEvent
    phase : Phase
    """

    def __init__(self, event: SessionEvent, phase: Phase) -> None:
        first = "; mend its cause, then `ilemtrack ack`" if phase is Phase.FAULT else ""
        super().__init__(f"'{event}' is not possible while the session is in '{phase}'{first}")
        self.event, self.phase = event, phase


def step(
    status: Status, event: SessionEvent, reason: str | None = None, cause: PauseCause | None = None
) -> Status:
    """Return the status after an event.

    Parameters
    ----------
    status : Status
    event : SessionEvent
    reason : str, optional
        One sentence for people; kept where the new phase is a halt or the abort. Without one, a halt that
        follows a halt keeps the reason of the first, and a second fault never covers up the first.
    cause : PauseCause, optional
        Of a ``pause``, which needs one; other events have none.

    Returns
    -------
    Status

    Raises
    ------
    NotNowError
        The event does not belong to the phase; nothing changed.
    ValueError
        A ``pause`` without a cause, or another event with one.
    """
    if (event is SessionEvent.PAUSE) != (cause is not None):
        raise ValueError(f"'{event}' with cause {cause}: a pause has a cause, and no other event has")
    choices = TRANSITIONS.get((status.phase, event))
    if choices is None:
        raise NotNowError(event, status.phase)
    if event is SessionEvent.RESUME:
        assert status.resume_to in choices
        return Status(status.resume_to)
    (phase,) = choices
    if phase in HALTED:
        resume_to = status.resume_to if status.phase in HALTED else TAKEN_UP_AT[status.phase]
        keeps = status.phase is phase is Phase.FAULT
        said = status.reason if keeps else reason or status.reason
        return Status(phase, resume_to, said, _CAUSE_OF.get(event, cause))
    return Status(phase, None, (reason or status.reason) if phase is Phase.ABORTED else None)
