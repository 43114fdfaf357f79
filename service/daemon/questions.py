"""Questions at the end of a session, asked once: with its end it is too late to decide."""

from service import wording
from service.model.jobs import JobState
from service.model.phases import PauseCause
from service.model.specimen import FieldState
from service.session.interrupts import Interrupt, InterruptSession
from service.store.store import Store


class Questions:
    """Jobs and fields that wait for a person; each is asked about once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._asked: set[str] = set()

    def ask(self) -> None:
        """Ask about fields whose detection failed, then about jobs in review or held.

        Raises
        ------
        InterruptSession
            A pause, where something was not asked about before.
        """
        undetected = [
            field.id
            for field in self._store.specimen.fields(state=FieldState.FAILED)
            if field.undetected and not self._store.queue.jobs(section=field.section, limit=1)
        ]
        if self._new(undetected):
            raise InterruptSession(
                Interrupt.PAUSE, wording.undetected_fields(undetected), PauseCause.UNDETECTED_FIELDS
            )
        undecided = [
            job.id
            for state in (JobState.NEEDS_REVIEW, JobState.HELD)
            for job in self._store.queue.jobs(state=state)
        ]
        if self._new(undecided):
            raise InterruptSession(
                Interrupt.PAUSE, wording.undecided_jobs(undecided), PauseCause.UNDECIDED_JOBS
            )

    def _new(self, names: list[str]) -> bool:
        new = not set(names) <= self._asked
        self._asked |= set(names)
        return new
