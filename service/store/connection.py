"""Connections to the SQLite file of a session, and its creation."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from service.errors import StoreError
from service.store.archived import is_archived, readable
from service.store.durable import sync_folder
from service.store.open_file import trouble_of
from service.store.schema import APPLICATION_ID, STATEMENTS, VERSION

_BUSY_S = 10.0
"""Longest wait for another process (a report, a backup) that has the file."""

_CACHE_KIB = 32 * 1024
"""Page cache of one connection."""


def create_file(path: Path, first_rows: Callable[[sqlite3.Connection], None]) -> None:
    """Create a new store, whole or not at all.

    Parameters
    ----------
    path : Path
        Must not exist; its folder must.
    first_rows : callable
        Fills the tables, in the same transaction.

    Raises
    ------
    StoreError
        It exists, or cannot be made.
    """
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o644))
    except FileExistsError:
        raise StoreError(f"{path}: exists already; a store is created only once") from None
    except OSError as error:
        raise StoreError(f"{path}: cannot be made ({error.strerror})") from error
    connection = connect(path)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("BEGIN IMMEDIATE")
        for statement in STATEMENTS:
            connection.execute(statement)
        first_rows(connection)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        raise StoreError(f"{path}: cannot be made ({error})") from error
    finally:
        connection.close()
    # The name of the file must be as durable as its content.
    sync_folder(path.parent)


def connect(path: Path) -> sqlite3.Connection:
    """Open a connection that writes durably and checks foreign keys; one that only reads in an archive.

    Raises
    ------
    StoreError
    """
    try:
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?{_mode(path)}",
            uri=True,
            timeout=_BUSY_S,
            isolation_level=None,
            check_same_thread=False,
        )
    except sqlite3.Error as error:
        raise StoreError(f"{path}: cannot be opened ({error})", trouble_of(error)) from error
    connection.row_factory = sqlite3.Row
    try:
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        # The default of 2 MB would write half of a large change to the log twice.
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    except sqlite3.Error as error:
        connection.close()
        raise StoreError(f"{path}: cannot be opened ({error})", trouble_of(error)) from error
    return connection


def _mode(path: Path) -> str:
    """Return how SQLite opens a file.

    It writes beside a database even to read it. Where nothing may be written, as in an archive, and no log
    says that a program has the file open, it is read as it is; a change is then refused.
    """
    if is_archived(path) and not path.with_name(f"{path.name}-wal").exists():
        return "mode=ro&immutable=1"
    return "mode=rw"


@dataclass(frozen=True, slots=True)
class Origin:
    """Identity and settings with which a run began."""

    run_id: str
    kind: str
    config_yaml: str


def read_origin(path: Path) -> Origin:
    """Return what the run of a store began with; changes nothing, whatever its version.

    Raises
    ------
    StoreError
    """
    try:
        with readable(path) as found, closing(connect(found)) as connection:
            verify(path, connection)
            row = connection.execute("SELECT run_id, kind, config_yaml FROM run").fetchone()
    except sqlite3.Error as error:
        raise StoreError(f"{path}: {error}", trouble_of(error)) from error
    if row is None:
        raise StoreError(f"{path}: holds no run")
    return Origin(*row)


def verify(path: Path, connection: sqlite3.Connection) -> None:
    """Refuse a file that is no store of this program.

    Raises
    ------
    StoreError
    """
    try:
        application = connection.execute("PRAGMA application_id").fetchone()[0]
    except sqlite3.DatabaseError as error:
        raise StoreError(f"{path}: not a store of ilemtrack ({error})", trouble_of(error)) from error
    if application != APPLICATION_ID:
        raise StoreError(f"{path}: not a store of ilemtrack")
