"""End state of a session."""

from dataclasses import dataclass

from service.model.jobs import JobState
from service.model.phases import Phase, SessionEvent
from service.model.specimen import FieldState
from service.store.store import Store


def end_state(store: Store) -> str:
    """Return the end state: done, done_with_failures, aborted or fault; else the present phase."""
    phase = store.status().phase
    if phase is not Phase.DONE:
        return phase.value
    jobs, fields = set(store.queue.counts_in_use()), set(store.specimen.field_counts())
    well = jobs <= {JobState.DONE, JobState.SKIPPED, JobState.WITHDRAWN} and fields <= {FieldState.PLANNED}
    return "done" if well else "done_with_failures"


@dataclass(frozen=True, slots=True)
class LastFault:
    """The last fault of a run.

    Attributes
    ----------
    seq : int
        Of its event.
    safe : bool
        False if the microscope was not known to be safe.
    once_safe : str or None
        Its reason without the trouble with the safe state; None in runs of an earlier version.
    """

    seq: int
    safe: bool
    once_safe: str | None


def last_fault(store: Store) -> LastFault | None:
    """Return the last fault, None if there was none."""
    faults = [e for e in store.events.of("session") if e.data.get("event") == SessionEvent.FAULT]
    if not faults:
        return None
    data = faults[-1].data
    return LastFault(faults[-1].seq, data.get("safe") is not False, data.get("once_safe"))
