"""The session's phases: a read-only table and a pure `step`.

Three rules are built into the table and `Status`, and tested as properties:

- ``electron`` is entered from ``to_high_vacuum`` by ``high_vacuum_reached`` and in no other way. What stops
  the session leaves in ``resume_to`` where work is taken up again, and that is never ``electron`` or
  ``fluorescence`` but the step that proves the vacuum for it.
- ``fault`` is left by ``acknowledge`` or ``abort`` only; both are a person's.
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
    """What the session is doing."""

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
    """The program came up after a crash or a stop and puts the ledger and the hardware in order."""
    ABORTED = "aborted"


class SessionEvent(StrEnum):
    """What moves the session from phase to phase."""

    START = "start"
    PREFLIGHT_PASSED = "preflight_passed"
    PARTIAL_VACUUM_REACHED = "partial_vacuum_reached"
    FLUORESCENCE_COMPLETE = "fluorescence_complete"
    REVIEW_NEEDED = "review_needed"
    """Fluorescence is complete and the configuration wants a person to look at it."""
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
"""Phases in which no work is done and `Status.resume_to` says where it would go on."""

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
"""Where a phase that was interrupted is taken up again: the vacuum is proved anew before light or beam."""

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
"""Where each event leads. Only ``resume`` has a choice, and `Status.resume_to` makes it."""


@dataclass(frozen=True, slots=True)
class Status:
    """Phase of the session.

    Attributes
    ----------
    phase : Phase
    resume_to : Phase or None
        Where work is taken up again: one of `RESUME_PHASES` while paused, in fault or recovering, else None.
    reason : str or None
        Why it is paused, in fault, recovering or aborted; else None.

    Raises
    ------
    ValueError
        `resume_to` does not fit the phase.
    """

    phase: Phase
    resume_to: Phase | None = None
    reason: str | None = None

    def __post_init__(self) -> None:
        if self.phase in HALTED:
            if self.resume_to not in RESUME_PHASES:
                choices = ", ".join(sorted(RESUME_PHASES))
                raise ValueError(f"{self.phase} resumes to one of {choices}, not to {self.resume_to}")
        elif self.resume_to is not None:
            raise ValueError(f"{self.phase} has nothing to resume to, got {self.resume_to}")


def step(status: Status, event: SessionEvent, reason: str | None = None) -> Status:
    """Status after an event.

    Parameters
    ----------
    status : Status
    event : SessionEvent
    reason : str, optional
        One sentence for people; kept where the new phase is a halt or the abort. Without one, a halt that
        follows a halt keeps the reason of the first, and a second fault never covers up the first.

    Returns
    -------
    Status

    Raises
    ------
    IllegalTransitionError
        The event does not belong to the phase; nothing changed.
    """
    choices = TRANSITIONS.get((status.phase, event))
    if choices is None:
        first = (
            "; when its cause is mended, `ilemtrack ack` comes first" if status.phase is Phase.FAULT else ""
        )
        raise IllegalTransitionError(
            f"'{event}' is not possible while the session is in '{status.phase}'{first}"
        )
    if event is SessionEvent.RESUME:
        assert status.resume_to in choices
        return Status(status.resume_to)
    (phase,) = choices
    if phase in HALTED:
        resume_to = status.resume_to if status.phase in HALTED else TAKEN_UP_AT[status.phase]
        keeps = status.phase is phase is Phase.FAULT
        return Status(phase, resume_to, status.reason if keeps else reason or status.reason)
    return Status(phase, None, (reason or status.reason) if phase is Phase.ABORTED else None)
