"""End state of a session."""

from service.model.jobs import JobState
from service.model.phases import Phase
from service.model.specimen import FieldState
from service.store.store import Store


def end_state(store: Store) -> str:
    """Return the end state: done, done_with_failures, aborted or fault; else the present phase."""
    phase = store.status().phase
    if phase is not Phase.DONE:
        return phase.value
    jobs, fields = set(store.queue.counts_in_use()), set(store.specimen.field_counts())
    well = jobs <= {JobState.DONE, JobState.SKIPPED} and fields <= {FieldState.PLANNED}
    return "done" if well else "done_with_failures"
