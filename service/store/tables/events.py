"""Events of a session, in order and without gaps."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from service.model.event import Event
from service.store import rows
from service.store.database import Database
from service.store.rows import to_json

_PAGE = 1000


class EventLog:
    """Events of one run. Every change of the store carries one; methods may be called from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._few: dict[str, tuple[int, tuple[Event, ...]]] = {}
        self._reading = threading.Lock()

    def note(self, kind: str, subject: str, data: Mapping[str, Any]) -> None:
        """Append an event that changes no state, such as a pressure read back.

        `data` are JSON values; NaN and infinity become null.
        """
        with self._database.change():
            self._database.log(kind, subject, data)

    def since(self, seq: int, limit: int | None = None) -> list[Event]:
        """Return the events after a sequence number."""
        sql = "SELECT * FROM event WHERE seq > ? ORDER BY seq LIMIT ?"
        return [rows.event(row) for row in self._database.all(sql, (seq, -1 if limit is None else limit))]

    def each(self) -> Iterator[Event]:
        """Yield all events in order; some at a time are in memory, as days of a session have 100,000."""
        seq = 0
        while page := self.since(seq, _PAGE):
            yield from page
            seq = page[-1].seq

    def of(self, kind: str) -> list[Event]:
        """Return all events of a kind, in order."""
        return [
            rows.event(row)
            for row in self._database.all("SELECT * FROM event WHERE kind = ? ORDER BY seq", (kind,))
        ]

    def few(self, kind: str) -> tuple[Event, ...]:
        """Return all events of a kind of which there are few, in order; they are kept in memory.

        Only what came since the last call is read, as days of a session have 100,000 events of other kinds.
        Not for use inside a transaction, which may be undone.
        """
        with self._reading:
            seq, known = self._few.get(kind, (0, ()))
            last = self.last_seq()
            found = self._database.all(
                "SELECT * FROM event WHERE seq > ? AND seq <= ? AND kind = ? ORDER BY seq", (seq, last, kind)
            )
            known = (*known, *map(rows.event, found))
            self._few[kind] = last, known
            return known

    def last_of(self, *kinds: str) -> Event | None:
        """Return the last event of some kinds, None if there is none."""
        marks = ", ".join("?" * len(kinds))
        row = self._database.one(
            f"SELECT * FROM event WHERE kind IN ({marks}) ORDER BY seq DESC LIMIT 1", kinds
        )
        return None if row is None else rows.event(row)

    def any_since(self, seq: int, but: Sequence[str]) -> bool:
        """Return True if there is an event after the one of a number, of another kind than those in `but`."""
        row = self._database.one(
            "SELECT EXISTS (SELECT 1 FROM event WHERE seq > ?"
            " AND kind NOT IN (SELECT value FROM json_each(?)))",
            (seq, to_json(list(but))),
        )
        return row is not None and bool(row[0])

    def last_seq(self) -> int:
        """Return the sequence number of the last event, 0 where there is none."""
        row = self._database.one("SELECT MAX(seq) FROM event")
        return 0 if row is None or row[0] is None else int(row[0])
