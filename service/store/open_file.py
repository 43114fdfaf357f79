"""Check that the files of an open database are still those of their names.

SQLite goes on writing to a file that was deleted, moved or replaced, and says nothing: what it writes is gone
with the program. So the files are compared with their names, by device and inode.
"""

import os
import sqlite3
import threading
from contextlib import suppress
from pathlib import Path

from service.errors import StoreError, StoreTrouble

_BESIDE = ("-wal", "-shm")
"""Files beside the database that SQLite keeps open: the log of changes, and its index."""

_Identity = tuple[int, int]

_TROUBLES = {
    sqlite3.SQLITE_BUSY: StoreTrouble.BUSY,
    sqlite3.SQLITE_LOCKED: StoreTrouble.BUSY,
    sqlite3.SQLITE_FULL: StoreTrouble.DISK,
    sqlite3.SQLITE_READONLY: StoreTrouble.DISK,
    sqlite3.SQLITE_IOERR: StoreTrouble.DISK,
    sqlite3.SQLITE_CORRUPT: StoreTrouble.DAMAGED,
    sqlite3.SQLITE_NOTADB: StoreTrouble.DAMAGED,
}


def trouble_of(error: sqlite3.Error) -> StoreTrouble:
    """Return what is wrong with a database, by the error code of SQLite."""
    code = getattr(error, "sqlite_errorcode", None)
    # The lower byte is the code; the others say more about it.
    return StoreTrouble.OTHER if code is None else _TROUBLES.get(code & 0xFF, StoreTrouble.OTHER)


class OpenFile:
    """The files of a database that this program has open.

    Parameters
    ----------
    path : Path
        The database; open already.
    """

    def __init__(self, path: Path) -> None:
        # As text: they are looked at before every query, and paths take long to join and to compare.
        self._path = str(path)
        self._paths = (self._path, *(self._path + end for end in _BESIDE))
        self._known: dict[str, _Identity] = {}
        self._sizes: dict[str, int] = {}
        # A size read before a change must not be compared with one kept after it.
        self._lock = threading.Lock()
        self.check()

    def check(self) -> None:
        """Refuse to go on with files that are no longer those of their names.

        Raises
        ------
        StoreError
            Its `trouble` says what happened.
        """
        with self._lock:
            for path in self._paths:
                self._check(path)

    def _check(self, path: str) -> None:
        known = self._known.get(path)
        try:
            found = os.stat(path)  # noqa: PTH116 - a path would have to be made first
        except FileNotFoundError:
            if known is not None or path == self._path:
                raise _gone(path, known) from None
            return
        except OSError as error:
            why = f"{path}: cannot be looked at ({error.strerror})"
            raise StoreError(why, StoreTrouble.DISK) from error
        identity = found.st_dev, found.st_ino
        if known is not None and identity != known:
            raise StoreError(
                f"{path}: another file has taken the place of the one that this program has open",
                StoreTrouble.REPLACED,
            )
        # Nothing that this program does makes one of them shorter. They must not be opened to find out more:
        # that drops the locks of SQLite, and SQLite deletes the log beside a database of no bytes.
        if found.st_size < self._sizes.get(path, 0):
            raise StoreError(
                f"{path}: was cut from {self._sizes[path]} to {found.st_size} bytes by another program",
                StoreTrouble.DAMAGED,
            )
        self._known[path], self._sizes[path] = identity, found.st_size


def _gone(path: str, known: _Identity | None) -> StoreError:
    now = None if known is None else _whereabouts(known)
    if now is None:
        return StoreError(f"{path}: was deleted while this program had it open", StoreTrouble.DELETED)
    return StoreError(f"{path}: was moved to {now} while this program had it open", StoreTrouble.MOVED)


def _whereabouts(identity: _Identity) -> Path | None:
    """Return the present name of a file that this process has open; None if it has none any more."""
    for link in Path("/proc/self/fd").iterdir():
        # A descriptor may be closed meanwhile. Opening the file here would drop the locks of SQLite.
        with suppress(OSError):
            found = link.stat()
            if (found.st_dev, found.st_ino) == identity:
                now = link.readlink()
                return now if os.path.lexists(now) else None
    return None
