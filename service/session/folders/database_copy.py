"""Copy of the database of a run, made without a change to the folder of the run."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from service.errors import StoreError
from service.session.folders.run_folder import RunFolder
from service.store.open_file import trouble_of
from service.store.store import Store

_TRIES = 3
"""Copies of the files, before a database that a session keeps changing is read through SQLite."""
_LOG_HEADER_BYTES = 32
"""Header of the log beside the database; changes when the log begins anew (sqlite.org/fileformat2.html)."""


@contextmanager
def opened_copy(folder: RunFolder) -> Iterator[Store]:
    """Open a copy of the database of a run, as of now; of an older version the copy is migrated.

    Raises
    ------
    StoreError
        As `copy_database`.
    """
    with (
        TemporaryDirectory(prefix="ilemtrack-") as scratch,
        closing(Store.open(copy_database(folder, Path(scratch)))) as store,
    ):
        yield store


def copy_database(folder: RunFolder, into: Path) -> Path:
    """Copy the database of a run into another folder, and return the copy.

    A database that is opened is changed, if only in the files beside it. So its files are copied as they are;
    only that of a session under way, which changes while it is copied, is read through SQLite.

    Raises
    ------
    StoreError
        It cannot be read or written, or is damaged.
    """
    copy = into / folder.store.name
    try:
        for _ in range(_TRIES):
            before = _stamp(folder.store)
            for source, target in zip(_files(folder.store), _files(copy), strict=True):
                target.unlink(missing_ok=True)
                if source.exists():
                    shutil.copyfile(source, target)
            if _stamp(folder.store) == before and _is_sound(copy):
                return copy
        for target in _files(copy):
            target.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"{folder.store}: cannot be copied ({error.strerror})") from error
    try:
        uri = f"{folder.store.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True)) as run, closing(sqlite3.connect(copy)) as copied:
            run.backup(copied)
    except sqlite3.Error as error:
        raise StoreError(f"{folder.store}: cannot be copied ({error})", trouble_of(error)) from error
    return copy


def _files(store: Path) -> tuple[Path, Path]:
    """Return a database and the log of changes beside it."""
    return store, store.with_name(f"{store.name}-wal")


def _stamp(store: Path) -> list[object]:
    """Return values that differ after a change of the files."""
    found: list[object] = []
    for path in _files(store):
        if path.exists():
            stat = path.stat()
            with path.open("rb") as file:
                found += [stat.st_mtime_ns, stat.st_size, file.read(_LOG_HEADER_BYTES)]
    return found


def _is_sound(copy: Path) -> bool:
    try:
        with closing(sqlite3.connect(copy)) as connection:
            return bool(connection.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok")
    except sqlite3.Error:
        return False
