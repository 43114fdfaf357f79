"""Migration of the store of an earlier version to the present one, one version at a time."""

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from service.errors import StoreError
from service.store.migrations.statements import MIGRATIONS
from service.store.schema import VERSION


def migrate(path: Path, connection: sqlite3.Connection) -> None:
    """Bring a store to the present version; each step is one transaction.

    A copy of the old file is kept beside it, as ``session.sqlite.version-1``.

    Parameters
    ----------
    path : Path
    connection : sqlite3.Connection
        To that file, in no transaction.

    Raises
    ------
    StoreError
        The store is of an unknown version, or cannot be changed or copied; it is unchanged.
    """
    version = _version(connection)
    if version == VERSION:
        return
    if version > VERSION:
        raise StoreError(
            f"{path}: a store of version {version}, made by a newer ilemtrack; this one reads up to version"
            f" {VERSION}: use the newer program"
        )
    if version not in MIGRATIONS:
        raise StoreError(f"{path}: a store of version {version}; there is no way from it to {VERSION}")
    try:
        _keep_copy(path, connection, version)
        while (version := _version(connection)) < VERSION:
            _one_step(connection, version)
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"{path}: cannot be brought from version {version} to {VERSION}: {error}") from error


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _one_step(connection: sqlite3.Connection, version: int) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have been quicker.
        if _version(connection) == version:
            for statement in MIGRATIONS[version]:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {version + 1}")
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


def _keep_copy(path: Path, connection: sqlite3.Connection, version: int) -> None:
    """Copy the store with its write-ahead log; on the disk when this returns."""
    copy = path.with_name(f"{path.name}.version-{version}")
    part = copy.with_name(f"{copy.name}.{os.getpid()}.part")
    try:
        with closing(sqlite3.connect(part)) as target:
            connection.backup(target)
        for one in (part, path.parent):
            handle = os.open(one, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
        part.replace(copy)
    finally:
        part.unlink(missing_ok=True)
