"""Questions at the end of a session, asked once: with its end it is too late to decide."""

from collections.abc import Callable

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
        self._open: dict[PauseCause, set[str]] = {}
        """Questions for which the session has not paused yet."""

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
        self._ask(undetected, wording.undetected_fields, PauseCause.UNDETECTED_FIELDS)
        undecided = [
            job.id
            for state in (JobState.NEEDS_REVIEW, JobState.HELD)
            for job in self._store.queue.jobs(state=state)
        ]
        self._ask(undecided, wording.undecided_jobs, PauseCause.UNDECIDED_JOBS)

    def paused_for(self, cause: PauseCause | None) -> None:
        """Note that the session has paused: only now its question has been asked."""
        if cause is not None:
            self._asked |= self._open.pop(cause, set())

    def _ask(self, names: list[str], sentence: Callable[[list[str]], str], cause: PauseCause) -> None:
        if not set(names) <= self._asked:
            self._open[cause] = set(names)
            raise InterruptSession(Interrupt.PAUSE, sentence(names), cause)
