"""A database where nothing may be written, as in an archive: read as it is, or else a copy of it."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from service.errors import StoreError
from service.store.schema import VERSION

_VERSION_AT = 60
"""Byte of the header at which SQLite keeps `user_version`, four bytes (sqlite.org/fileformat2.html)."""


def is_archived(path: Path) -> bool:
    """Return True for a database that exists and cannot be written, or not beside it."""
    return path.exists() and not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK))


@contextmanager
def readable(path: Path) -> Iterator[Path]:
    """Give the path at which a database can be read: its own, or that of a copy, deleted afterwards.

    SQLite reads an archived database only as it stands. One whose last changes are still in the log beside
    it, as after a power cut, and one of an earlier version are copied: the copy can be brought up to date.

    Raises
    ------
    StoreError
        It cannot be copied.
    """
    log, index = (path.with_name(path.name + end) for end in ("-wal", "-shm"))
    # A program that has the database open keeps an index of the log.
    cut = log.exists() and not index.exists()
    if not is_archived(path) or not (cut or _is_of_an_earlier_version(path)):
        yield path
        return
    with TemporaryDirectory(prefix="ilemtrack-") as scratch:
        copy = Path(scratch) / path.name
        try:
            shutil.copyfile(path, copy)
            if log.exists():
                shutil.copyfile(log, copy.with_name(log.name))
        except OSError as error:
            raise StoreError(f"{path}: cannot be copied to be read ({error.strerror})") from error
        yield copy


def _is_of_an_earlier_version(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            file.seek(_VERSION_AT)
            found = int.from_bytes(file.read(4), "big")
    except OSError:
        # SQLite says what is wrong.
        return False
    return 0 < found < VERSION
