"""SQLite file of a session: connections, transactions, and an event with every change.

One connection writes, under a lock; each thread that reads has its own. A change is one transaction (``BEGIN
IMMEDIATE``, WAL, ``synchronous=FULL``): when it returns, its rows and events are on the disk; when it raises,
none of them are.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from service.errors import StoreError, StoreTrouble
from service.store.archived import readable
from service.store.connection import connect, verify
from service.store.migrations.migrate import migrate
from service.store.open_file import OpenFile, trouble_of
from service.store.rows import to_json

Clock = Callable[[], float]
"""Seconds on the microscope's clock."""

Locked = tuple[sqlite3.Connection, threading.RLock]
"""A connection and the lock to hold while it is used or closed."""


def utc_now() -> datetime:
    """Return the time of the wall clock, UTC."""
    return datetime.now(UTC)


class Database:
    """An open session file; safe to use from several threads.

    Parameters
    ----------
    path : Path
        An existing store; `service.store.connection.create_file` makes one.
    now_s : callable, optional
        Clock of the microscope, for the times of events and exposures. Without one, time stands still at the
        last event, which suits readers.
    wall_clock : callable
        Returns the time of day, UTC.

    Raises
    ------
    StoreError
        The file is no store, or a store of an unknown version.
    """

    def __init__(
        self, path: Path, now_s: Clock | None = None, wall_clock: Callable[[], datetime] = utc_now
    ) -> None:
        self.path = path
        self._wall_clock = wall_clock
        self._lock = threading.RLock()
        self._depth = 0
        self._owner: int | None = None
        self._after_commit: list[Callable[[], None]] = []
        self._listeners: list[Callable[[], None]] = []
        self._local = threading.local()
        self._readers: list[Locked] = []
        # A lock of its own: a reader never waits for a change.
        self._readers_lock = threading.Lock()
        self._closed = False
        with ExitStack() as opened:
            self._opened = opened.enter_context(readable(path))
            self._write = opened.enter_context(closing(connect(self._opened)))
            verify(path, self._write)
            migrate(self._opened, self._write)
            self._file = OpenFile(self._opened)
            self._files = opened.pop_all()
        self._now_s = now_s if now_s is not None else self.last_time_s

    def close(self) -> None:
        """Close the file; does nothing if it is closed."""
        with self._lock, self._readers_lock:
            self._closed = True
            for connection, reading in (*self._readers, (self._write, self._lock)):
                # Python crashes if a connection is closed while another thread runs a query on it.
                with reading:
                    connection.close()
            self._readers.clear()
            self._files.close()

    def now_s(self) -> float:
        """Return the time on the microscope's clock, s."""
        return self._now_s()

    def wall_time(self) -> str:
        """Return the time of the wall clock, ISO 8601, UTC."""
        return self._wall_clock().isoformat(timespec="milliseconds")

    def use_clock(self, now_s: Clock) -> None:
        """Take times from this clock from now on."""
        self._now_s = now_s

    def last_time_s(self) -> float:
        """Return the time of the last event, s; 0 where there is none."""
        row = self.one("SELECT time_s FROM event ORDER BY seq DESC LIMIT 1")
        return 0.0 if row is None else float(row[0])

    @contextmanager
    def change(self) -> Iterator[sqlite3.Connection]:
        """Open a transaction; a change inside a change is part of it, and is undone alone if it alone fails.

        Raises
        ------
        StoreError
            SQLite refused; nothing changed.
        """
        with self._lock:
            self._require_open()
            outer = self._depth == 0
            if not outer and not self._write.in_transaction:
                raise StoreError(f"{self.path}: the enclosing change was undone")
            mark = f"level{self._depth}"
            waiting = len(self._after_commit)
            if outer:
                self._file.check()
            try:
                self._write.execute("BEGIN IMMEDIATE" if outer else f"SAVEPOINT {mark}")
                self._depth += 1
                self._owner = threading.get_ident()
                try:
                    yield self._write
                finally:
                    self._depth -= 1
                    self._owner = None if outer else self._owner
                self._write.execute("COMMIT" if outer else f"RELEASE {mark}")
            except BaseException as error:
                del self._after_commit[waiting:]
                self._undo(None if outer else mark)
                if isinstance(error, sqlite3.Error):
                    raise self._refused(error) from error
                raise
            if not outer:
                return
            # Deleted in between, it is not on the disk: whoever asked must not act on it.
            self._file.check()
            actions, self._after_commit = self._after_commit, []
        for action in (*actions, *self._listeners):
            action()

    def after_commit(self, action: Callable[[], None]) -> None:
        """Run `action` once the change of this thread is on the disk, never if it is undone.

        Outside a change it runs at once.
        """
        if self.in_change():
            self._after_commit.append(action)
        else:
            action()

    def listen(self, listener: Callable[[], None]) -> None:
        """Call `listener` after every commit, on the thread that committed; it must return at once."""
        self._listeners.append(listener)

    def in_change(self) -> bool:
        """Return True if this thread is inside a change."""
        return self._owner == threading.get_ident()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Make all reads of this thread inside see one moment."""
        connection, reading = self._reader()
        try:
            with reading:
                inside = connection.in_transaction
                if not inside:
                    connection.execute("BEGIN")
        except sqlite3.Error as error:
            raise self._refused(error) from error
        try:
            yield
        finally:
            # Nothing was written: an error here (the store was closed) loses nothing.
            with suppress(sqlite3.Error), reading:
                if not inside:
                    connection.execute("COMMIT")

    def all(self, sql: str, values: tuple[object, ...] = ()) -> list[sqlite3.Row]:
        """Return all rows of a query."""
        connection, reading = self._reader()
        try:
            with reading:
                return connection.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise self._refused(error) from error

    def one(self, sql: str, values: tuple[object, ...] = ()) -> sqlite3.Row | None:
        """Return the first row of a query, None if there is none."""
        rows = self.all(sql, values)
        return rows[0] if rows else None

    def log(self, kind: str, subject: str, data: Mapping[str, Any]) -> None:
        """Append an event, in the change of this thread.

        Parameters
        ----------
        kind, subject : str
        data : mapping
            JSON values; NaN and infinity become null.
        """
        at = self.wall_time()
        # seq has no gaps: rows are never deleted, and SQLite takes the largest plus one under the write lock.
        self._write.execute(
            "INSERT INTO event (time_s, at, kind, subject, data) VALUES (?, ?, ?, ?, ?)",
            (self._now_s(), at, kind, subject, to_json(data)),
        )

    def _reader(self) -> Locked:
        """Return the connection of this thread: the writing one inside a change, so that it sees itself."""
        if self.in_change():
            return self._write, self._lock
        reader: Locked | None = getattr(self._local, "reader", None)
        if reader is None:
            with self._readers_lock:
                self._require_open()
                # Another file of that name must not be read for this one.
                self._file.check()
                connection = connect(self._opened)
                connection.execute("PRAGMA query_only = ON")
                reader = connection, threading.RLock()
                self._readers.append(reader)
            self._local.reader = reader
        return reader

    def check_file(self) -> None:
        """Refuse to go on with a file that was deleted, moved, replaced or cut.

        Raises
        ------
        StoreError
        """
        self._file.check()

    def save_copy(self, path: Path) -> None:
        """Write all that was committed to a new database, also if the file itself has no name any more.

        Raises
        ------
        StoreError
            The copy cannot be written, or what is open is damaged.
        """
        try:
            with self._lock, closing(sqlite3.connect(path)) as copy:
                self._write.backup(copy)
                if copy.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
                    raise StoreError(f"{path}: what was copied is damaged", StoreTrouble.DAMAGED)
        except sqlite3.Error as error:
            raise StoreError(f"{path}: cannot be written ({error})", trouble_of(error)) from error

    def _refused(self, error: sqlite3.Error) -> StoreError:
        """Return the error for one of SQLite; a file that is not the named one explains it better."""
        try:
            self._file.check()
        except StoreError as found:
            return found
        return StoreError(f"{self.path}: {error}", trouble_of(error))

    def _undo(self, mark: str | None) -> None:
        # After some errors, such as a full disk, SQLite has already undone the whole transaction.
        if not self._write.in_transaction:
            return
        if mark is not None:
            with suppress(sqlite3.Error):
                self._write.execute(f"ROLLBACK TO {mark}")
                self._write.execute(f"RELEASE {mark}")
                return
        # If even this fails, the next change finds the transaction open and is refused.
        with suppress(sqlite3.Error):
            self._write.execute("ROLLBACK")

    def _require_open(self) -> None:
        if self._closed:
            raise StoreError(f"{self.path}: the store is closed")
