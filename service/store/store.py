"""Store of a session, in one SQLite file.

Every method that changes something is one transaction with its event, and on the disk when it returns; if it
raises, nothing changed. Methods may be called from any thread, and each may raise `StoreError`.

Each table has a store of its own, an attribute of `Store`: ``store.queue``, ``store.ledger`` ...
"""

import secrets
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from service import wording
from service.errors import StoreError
from service.model.phases import FINAL, PauseCause, Phase, SessionEvent, Status, step
from service.store.connection import create_file
from service.store.database import Clock, Database, utc_now
from service.store.images import ImageStore
from service.store.retry_failed import retry_failed
from service.store.tables.durations import Durations
from service.store.tables.events import EventLog
from service.store.tables.focus import FocusStore
from service.store.tables.idempotency import Requests
from service.store.tables.ledger import Ledger, Recovered
from service.store.tables.overviews import OverviewStore
from service.store.tables.queue import Queue
from service.store.tables.review import ReviewStore
from service.store.tables.specimen import SpecimenStore
from service.store.tables.steering import Steering
from service.store.tables.targets import TargetStore
from service.store.tables.tracks import TrackStore


@dataclass(frozen=True, slots=True)
class RecoveryReport:
    """Findings of a restart, and the status after it."""

    status: Status
    found: Recovered
    again: tuple[str, ...] = ()
    """Fields that failed before and are taken or detected again."""


class Store:
    """Store of one run; made by `create` or `open`, to be closed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.specimen = SpecimenStore(database)
        self.tracks = TrackStore(database)
        self.targets = TargetStore(database)
        self.review = ReviewStore(database)
        self.queue = Queue(database)
        self.steering = Steering(database)
        self.ledger = Ledger(database)
        self.images = ImageStore(database)
        self.focus = FocusStore(database)
        self.overviews = OverviewStore(database)
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
        """Create and open the store of a new, idle run; `path` must not exist.

        `run_id`, `config_yaml` and `kind` are kept as given; for `now_s` and `wall_clock` see `Database`.

        Raises
        ------
        StoreError
            It exists or cannot be made.
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
        """Folder of the run."""
        return self._database.path.parent

    def close(self) -> None:
        """Close the file; does nothing if it is closed."""
        self._database.close()

    def check_file(self) -> None:
        """Refuse to go on with a database that was deleted, moved, replaced or cut.

        Raises
        ------
        StoreError
            Its `trouble` says which.
        """
        self._database.check_file()

    def rescue(self) -> Path | None:
        """Copy a database whose file has lost its name; return the copy, None if there is no way."""
        path = self._database.path
        name = f"{path.parent.name}.rescued-{secrets.token_hex(2)}.sqlite"
        # The folder of the run may be gone as well.
        for copy in (path.parent / name, path.parent.parent / name):
            try:
                self._database.save_copy(copy)
            except StoreError:
                copy.unlink(missing_ok=True)
            else:
                return copy
        return None

    def use_clock(self, now_s: Clock) -> None:
        """Take times from this clock from now on; it begins at `last_time_s`."""
        self._database.use_clock(now_s)

    # The run

    def run_id(self) -> str:
        """Return the identifier of the run."""
        return str(self._run()["run_id"])

    def kind(self) -> str:
        """Return the kind of the run."""
        return str(self._run()["kind"])

    def last_time_s(self) -> float:
        """Return the time of the last event on the microscope's clock, s; 0 where there is none."""
        return self._database.last_time_s()

    def status(self) -> Status:
        """Return the status of the session."""
        row = self._run()
        resume_to = None if row["resume_to"] is None else Phase(row["resume_to"])
        cause = None if row["pause_cause"] is None else PauseCause(row["pause_cause"])
        return Status(Phase(row["phase"]), resume_to, row["reason"], cause)

    def apply(
        self,
        event: SessionEvent,
        reason: str | None = None,
        cause: PauseCause | None = None,
        *,
        notes: Mapping[str, Any] | None = None,
    ) -> Status:
        """Change the status by `service.model.phases.step`; `notes` are added to the event.

        Raises
        ------
        IllegalTransitionError
        """
        with self._database.change() as connection:
            old = self.status()
            new = step(old, event, reason, cause)
            connection.execute(
                "UPDATE run SET phase = ?, resume_to = ?, reason = ?, pause_cause = ?",
                (new.phase, new.resume_to, new.reason, new.cause),
            )
            self.requests.steer()
            data = {"event": event, "from": old.phase, "phase": new.phase, "resume_to": new.resume_to}
            causes = {} if new.cause is None else {"cause": new.cause}
            self._database.log(
                "session", self.run_id(), {**data, "reason": reason, **causes, **(notes or {})}
            )
            return new

    def restate(self, reason: str) -> None:
        """Replace the reason of a halt for people; the phase and its cause stay."""
        with self._database.change() as connection:
            connection.execute("UPDATE run SET reason = ?", (reason,))
            self.requests.steer()

    def recover(self) -> RecoveryReport:
        """Put in order what an earlier process left; apply ``restart`` unless the session has ended."""
        with self._database.change():
            found = self.ledger.recover()
            status = self.status()
            if status.phase in FINAL:
                return RecoveryReport(status, found)
            again = retry_failed(self._database)
            return RecoveryReport(self.apply(SessionEvent.RESTART, wording.started_again()), found, again)

    def _run(self) -> sqlite3.Row:
        row = self._database.one("SELECT * FROM run")
        assert row is not None
        return row

    # Transactions

    def transaction(self) -> AbstractContextManager[object]:
        """Make all changes of this thread inside one transaction."""
        return self._database.change()

    def snapshot(self) -> AbstractContextManager[None]:
        """Make all reads of this thread inside see one moment."""
        return self._database.snapshot()

    def after_commit(self, action: Callable[[], None]) -> None:
        """Run `action` once the change of this thread is on the disk; at once outside a change.

        `Control` wakes the runner this way: woken earlier, it would read the old state and sleep again.
        """
        self._database.after_commit(action)

    def listen(self, listener: Callable[[], None]) -> None:
        """Call `listener` after every commit, on the thread that committed; it must return at once."""
        self._database.listen(listener)
