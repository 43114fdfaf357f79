"""Everything that a session must not forget, in one SQLite file.

Every method that changes something is one transaction with its event, and on the disk when it returns; when
it raises, nothing changed. Methods may be called from any thread. `StoreError` may come from each.

Each table has a store of its own, an attribute of `Store`: ``store.queue``, ``store.ledger`` ...
"""

import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self

from service.model.phases import FINAL, Phase, SessionEvent, Status, step
from service.store.database import Clock, Database, create_file, utc_now
from service.store.tables.durations import Durations
from service.store.tables.events import EventLog
from service.store.tables.focus import FocusStore
from service.store.tables.idempotency import Requests
from service.store.tables.ledger import Ledger, Recovered
from service.store.tables.queue import Queue
from service.store.tables.retry_failed import look_again
from service.store.tables.specimen import SpecimenStore
from service.store.tables.steering import Steering
from service.store.tables.tracks import TrackStore

RESTARTED = "the program was started again"
"""Reason of the pause in which recovery ends."""


@dataclass(frozen=True, slots=True)
class RecoveryReport:
    """What a restart found, and where the session stands now."""

    status: Status
    found: Recovered
    again: tuple[str, ...] = ()
    """Fields that had failed and are taken or detected again."""


class Store:
    """The store of one run; made by `create` or `open`, to be closed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.specimen = SpecimenStore(database)
        self.tracks = TrackStore(database)
        self.queue = Queue(database)
        self.steering = Steering(database)
        self.ledger = Ledger(database)
        self.focus = FocusStore(database)
        self.durations = Durations(database)
        self.requests = Requests(database)
        self.events = EventLog(database)

    @classmethod
    def create(
        cls,
        path: Path,
        run_id: str,
        config_yaml: str,
        kind: str,
        now_s: Clock | None = None,
        wall_clock: Callable[[], datetime] = utc_now,
    ) -> Self:
        """Make the store of a new run, idle, and open it; `path` must not exist.

        `run_id`, `config_yaml` and `kind` are kept as given; for `now_s` and `wall_clock` see `Database`.

        Raises
        ------
        StoreError
            It exists, or cannot be made.
        """

        def first_rows(connection: sqlite3.Connection) -> None:
            connection.execute(
                "INSERT INTO run (only, run_id, kind, config_yaml, phase, rev) VALUES (1, ?, ?, ?, ?, 0)",
                (run_id, kind, config_yaml, Phase.IDLE.value),
            )

        create_file(path, first_rows)
        return cls(Database(path, now_s, wall_clock))

    @classmethod
    def open(
        cls, path: Path, now_s: Clock | None = None, wall_clock: Callable[[], datetime] = utc_now
    ) -> Self:
        """Open the store of an earlier run.

        Raises
        ------
        StoreError
            No store, or one of another version.
        """
        return cls(Database(path, now_s, wall_clock))

    @property
    def folder(self) -> Path:
        """Where the store lies: the folder of the run."""
        return self._database.path.parent

    def close(self) -> None:
        """Close the file; harmless when it is closed."""
        self._database.close()

    def use_clock(self, now_s: Clock) -> None:
        """Take times from this clock from now on; to begin it, `last_time_s` is needed first."""
        self._database.use_clock(now_s)

    # The run

    def run_id(self) -> str:
        """Return the identifier of the run."""
        return str(self._run()["run_id"])

    def kind(self) -> str:
        """Return what kind of run it is."""
        return str(self._run()["kind"])

    def last_time_s(self) -> float:
        """Time of the last event on the microscope's clock, s; 0 where there is none."""
        return self._database.last_time_s()

    def status(self) -> Status:
        """Phase of the session."""
        row = self._run()
        resume_to = None if row["resume_to"] is None else Phase(row["resume_to"])
        return Status(Phase(row["phase"]), resume_to, row["reason"])

    def apply(self, event: SessionEvent, reason: str | None = None) -> Status:
        """Move the session on by `service.model.phases.step`.

        Raises
        ------
        IllegalTransitionError
        """
        with self._database.change() as connection:
            old = self.status()
            new = step(old, event, reason)
            connection.execute(
                "UPDATE run SET phase = ?, resume_to = ?, reason = ?", (new.phase, new.resume_to, new.reason)
            )
            self.requests.steer()
            told = {"event": event, "from": old.phase, "phase": new.phase, "resume_to": new.resume_to}
            self._database.log("session", self.run_id(), {**told, "reason": reason})
            return new

    def recover(self) -> RecoveryReport:
        """Put in order what an earlier process left, and apply ``restart`` unless the session has ended."""
        with self._database.change():
            found = self.ledger.recover()
            status = self.status()
            if status.phase in FINAL:
                return RecoveryReport(status, found)
            again = look_again(self._database)
            return RecoveryReport(self.apply(SessionEvent.RESTART, RESTARTED), found, again)

    def _run(self) -> sqlite3.Row:
        row = self._database.one("SELECT * FROM run")
        assert row is not None
        return row

    # Transactions

    def together(self) -> AbstractContextManager[object]:
        """All that this thread changes inside is one transaction."""
        return self._database.change()

    def snapshot(self) -> AbstractContextManager[None]:
        """All that this thread reads inside belongs to one moment."""
        return self._database.snapshot()

    def after_commit(self, action: Callable[[], None]) -> None:
        """Run `action` once the change of this thread is on the disk; at once if it is in none.

        A `Control` wakes the runner this way: woken earlier it would read the old state and sleep again.
        """
        self._database.after_commit(action)

    def listen(self, listener: Callable[[], None]) -> None:
        """Call `listener` after every commit, on the thread that committed; it must return at once."""
        self._database.listen(listener)
