"""The database of a run as of one moment, read from a copy, so that the run itself stays untouched."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from service.errors import StoreError
from service.session.folders.run_folder import RunFolder
from service.store.open_file import trouble_of
from service.store.store import Store


@contextmanager
def snapshot(folder: RunFolder) -> Iterator[Store]:
    """Open a copy of the database of a run; a session may be writing the original meanwhile.

    A copy of an older version is migrated, the original is not.

    Raises
    ------
    StoreError
        The database cannot be read.
    """
    with TemporaryDirectory(prefix="ilemtrack-export-") as scratch:
        copy = Path(scratch) / folder.store.name
        try:
            with closing(_read_only(folder.store)) as source, closing(sqlite3.connect(copy)) as target:
                source.backup(target)
        except sqlite3.Error as error:
            raise StoreError(f"{folder.store}: cannot be read ({error})", trouble_of(error)) from error
        with closing(Store.open(copy)) as store:
            yield store


def _read_only(path: Path) -> sqlite3.Connection:
    """Connect without a right to write.

    Without a log beside it no program has the file open. As immutable, it is then read without the files that
    SQLite would leave in the folder, also where nothing can be written there.
    """
    log = path.with_name(f"{path.name}-wal")
    alone = "" if log.exists() else "&immutable=1"
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro{alone}", uri=True, timeout=10)
