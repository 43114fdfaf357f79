"""A database that is deleted, moved, replaced or cut while it is open: no intent goes into it unnoticed."""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from service.errors import StoreError, StoreTrouble
from service.model.jobs import JobState
from service.store.store import Store
from tests.service.store.stores import add_specimen, new_store, queue_jobs, rect

DELETED, MOVED, REPLACED, DAMAGED = (
    StoreTrouble.DELETED,
    StoreTrouble.MOVED,
    StoreTrouble.REPLACED,
    StoreTrouble.DAMAGED,
)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[tuple[Store, Path]]:
    folder = tmp_path / "run"
    folder.mkdir()
    store = new_store(folder)
    yield store, folder / "session.sqlite"
    store.close()


def replaced(path: Path) -> None:
    """As when a backup is copied back."""
    shutil.copy(path, path.with_name("backup"))
    path.with_name("backup").replace(path)


def overwritten(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA wal_checkpoint")
    with path.open("r+b") as file:
        file.write(b"x" * path.stat().st_size)


def log(path: Path) -> Path:
    return path.with_name("session.sqlite-wal")


def emptied(path: Path) -> None:
    os.truncate(path, 0)


HARMS: dict[str, tuple[Callable[[Path], object], StoreTrouble, str]] = {
    "deleted": (Path.unlink, DELETED, "session.sqlite: was deleted"),
    "moved": (lambda p: p.rename(p.with_name("old")), MOVED, "run/old while"),
    "folder deleted": (lambda p: shutil.rmtree(p.parent), DELETED, "session.sqlite: was deleted"),
    "folder moved": (lambda p: p.parent.rename(p.parent.with_name("other")), MOVED, "other/session.sqlite"),
    "replaced": (replaced, REPLACED, "another file"),
    "log deleted": (lambda p: log(p).unlink(), DELETED, "session.sqlite-wal: was deleted"),
    "cut": (emptied, DAMAGED, "was cut from"),
    "log cut": (lambda p: emptied(log(p)), DAMAGED, "session.sqlite-wal: was cut from"),
    "overwritten": (overwritten, DAMAGED, "not a database|malformed"),
}


@pytest.mark.parametrize("harm", HARMS)
def test_no_intent_is_recorded_in_a_database_that_is_not_the_named_one(
    run: tuple[Store, Path], harm: str
) -> None:
    store, path = run
    queue_jobs(store)
    do, trouble, says = HARMS[harm]
    do(path)
    with pytest.raises(StoreError, match=says) as failure:
        store.ledger.arm("J000001", rect(0, 0), 0.0)
    assert failure.value.trouble is trouble


def test_a_folder_that_is_moved_back_goes_on(run: tuple[Store, Path]) -> None:
    store, path = run
    queue_jobs(store)
    elsewhere = path.parent.rename(path.parent.with_name("other"))
    with pytest.raises(StoreError):
        store.ledger.arm("J000001", rect(0, 0), 0.0)
    elsewhere.rename(path.parent)
    store.ledger.arm("J000001", rect(0, 0), 0.0)
    assert store.queue.job("J000001").state is JobState.ARMED


@pytest.mark.parametrize("harm", ["deleted", "folder deleted", "replaced", "log deleted"])
def test_the_ledger_is_rescued_from_a_file_without_a_name(run: tuple[Store, Path], harm: str) -> None:
    store, path = run
    queue_jobs(store)
    intent = store.ledger.arm("J000001", rect(0, 0), 0.0)
    HARMS[harm][0](path)
    copy = store.rescue()
    assert copy is not None
    with closing(Store.open(copy)) as rescued:
        assert rescued.ledger.open_exposure() == intent


def test_a_damaged_database_gives_no_copy(run: tuple[Store, Path]) -> None:
    store, path = run
    add_specimen(store)
    overwritten(path)
    assert store.rescue() is None
    assert not list(path.parent.glob("*rescued*"))


def test_backups_and_readers_do_no_harm(run: tuple[Store, Path]) -> None:
    store, path = run
    queue_jobs(store)
    with closing(sqlite3.connect(path)) as other, closing(sqlite3.connect(path.with_name("copy"))) as copy:
        other.backup(copy)
        other.execute("PRAGMA wal_checkpoint")
    with closing(Store.open(path)) as reader:
        reader.status()
    store.ledger.arm("J000001", rect(0, 0), 0.0)


def test_a_database_that_another_program_holds_is_busy(run: tuple[Store, Path]) -> None:
    store, path = run
    store._database._write.execute("PRAGMA busy_timeout = 1")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked") as failure:
            store.events.note("x", "y", {})
    assert failure.value.trouble is StoreTrouble.BUSY
