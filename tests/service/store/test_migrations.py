"""A store of an earlier version is brought to the present one, and nothing in it is lost."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from service.errors import StoreError
from service.model.focus import FocusBeam, FocusState
from service.model.jobs import ExposureState, JobKind, JobState
from service.model.phases import Phase
from service.store import migrations
from service.store.schema import VERSION
from service.store.store import Store
from tests.service.store.stores import new_store

VERSION_1 = Path(__file__).parent / "data" / "version1.sql"
"""A store as the program of version 1 left it, as SQL text: a job done, one to review, two queued."""

VERSION_2 = VERSION_1.with_name("version2.sql")
"""The same of version 2: a focus that is done, and told in an event only; another one queued."""


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "session.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(VERSION_1.read_text(encoding="utf-8"))
        connection.execute("PRAGMA journal_mode = WAL")
    return path


def content(path: Path) -> dict[str, list[tuple[object, ...]]]:
    with closing(sqlite3.connect(path)) as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in names}


def schema(path: Path) -> dict[str, str]:
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
        # Words and marks only: an added column is spaced otherwise than one of the beginning.
        return {name: " ".join(re.findall(r"[\w']+|[^\w\s]", sql)) for name, sql in found}


def version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def test_every_earlier_version_has_a_way() -> None:
    assert sorted(migrations.MIGRATIONS) == list(range(1, VERSION))


def test_a_migrated_store_is_like_a_new_one_and_has_all_that_it_had(old: Path, tmp_path: Path) -> None:
    before = content(old)
    store = Store.open(old)
    try:
        assert store.status().phase is Phase.PREFLIGHT
        assert store.queue.counts_in_use() == {JobState.DONE: 1, JobState.NEEDS_REVIEW: 1, JobState.QUEUED: 2}
        assert [row.state for row in store.ledger.exposures()] == [
            ExposureState.CLOSED,
            ExposureState.UNKNOWN,
        ]
        assert store.requests.change_once("r1", "run.pause", {"if_rev": None}, None, dict) == {
            "message": "paused"
        }
        store.queue.set_state("J000003", JobState.SKIPPED, reason="by hand")
        assert store.queue.counts_in_use()[JobState.SKIPPED] == 1
    finally:
        store.close()
    assert version(old) == VERSION
    (tmp_path / "new").mkdir()
    new_store(tmp_path / "new").close()
    assert schema(old) == schema(tmp_path / "new" / "session.sqlite")
    copy = tmp_path / "session.sqlite.version-1"
    assert version(copy) == 1
    assert content(copy) == before


def test_focuses_of_version_2_are_known_and_one_that_is_queued_stays_one(tmp_path: Path) -> None:
    path = tmp_path / "session.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(VERSION_2.read_text(encoding="utf-8"))
        connection.execute("PRAGMA journal_mode = WAL")
    store = Store.open(path)
    try:
        kinds = {job.id: job.kind for job in store.queue.jobs()}
        focuses = {name for name, kind in kinds.items() if kind is JobKind.FOCUS}
        assert (len(kinds), focuses) == (5, {"J000004", "J000005"})
        assert store.queue.job("J000005").state is JobState.QUEUED
        (found,) = store.focus.all()
        assert (found.beam, found.section, found.job) == (FocusBeam.ELECTRON, "S0001", "J000004")
        assert (found.state, found.found_m, found.used_m) == (FocusState.USED, 5.812e-3, 5.812e-3)
        assert found.place_m == store.queue.job("J000004").center_m
        assert store.ledger.exposures()[0].beam_s is None
        assert store.status().phase is Phase.PREFLIGHT
    finally:
        store.close()
    (tmp_path / "new").mkdir()
    new_store(tmp_path / "new").close()
    assert schema(path) == schema(tmp_path / "new" / "session.sqlite")
    assert version(tmp_path / "session.sqlite.version-2") == 2


def test_a_migration_that_fails_changes_nothing(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = content(old)
    broken = {1: (*migrations.MIGRATIONS[1], "INSERT INTO nowhere VALUES (1)")}
    monkeypatch.setattr(migrations, "MIGRATIONS", broken)
    with pytest.raises(StoreError, match="cannot be brought from version 1 to 3: no such table: nowhere"):
        Store.open(old)
    assert version(old) == 1
    assert content(old) == before


def test_a_store_that_cannot_be_copied_is_not_changed(old: Path) -> None:
    (old.parent / "session.sqlite.version-1").mkdir()
    (old.parent / "session.sqlite.version-1" / "file").touch()
    with pytest.raises(StoreError, match="cannot be brought"):
        Store.open(old)
    assert version(old) == 1
    assert list(old.parent.glob("*.part")) == []


@pytest.mark.parametrize(
    ("stated", "message"),
    [(VERSION + 1, "made by a newer ilemtrack; this one reads up to version 3"), (0, "no way from it")],
)
def test_other_versions_are_refused(old: Path, stated: int, message: str) -> None:
    with closing(sqlite3.connect(old)) as connection:
        connection.execute(f"PRAGMA user_version = {stated}")
    with pytest.raises(StoreError, match=message):
        Store.open(old)
    assert version(old) == stated
