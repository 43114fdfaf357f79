"""A store in a folder where nothing may be written, as in an archive."""

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from service.errors import StoreError
from service.store.connection import read_origin
from service.store.store import Store
from tests.service.store.stores import add_specimen, new_store


def test_a_store_where_nothing_may_be_written_is_read_as_it_is_and_never_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = new_store(tmp_path)
    add_specimen(made)
    made.close()
    before = made_of(tmp_path)
    # As an archive is to a user; for root nothing is.
    monkeypatch.setattr(os, "access", lambda *_, **__: False)
    assert read_origin(tmp_path / "session.sqlite").run_id == "run-1"
    with closing(Store.open(tmp_path / "session.sqlite")) as store:
        assert len(store.specimen.sections()) == 2
        # SQLite would have made a log and its index to read.
        assert made_of(tmp_path) == before
        with pytest.raises(StoreError, match="readonly"):
            store.events.note("note", "S0001", {})
    assert made_of(tmp_path) == before


def test_a_store_that_a_program_has_open_is_never_read_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(new_store(tmp_path)) as made:
        monkeypatch.setattr(os, "access", lambda *_, **__: False)
        add_specimen(made)
        # What is in the log alone is seen.
        with closing(Store.open(tmp_path / "session.sqlite")) as store:
            assert len(store.specimen.sections()) == 2


def as_an_archive(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let a folder, and what is in it, look as it does to a user who may not write there."""
    real = os.access

    def access(path: str | Path, mode: int) -> bool:
        return real(path, mode) and not (mode == os.W_OK and Path(path).is_relative_to(folder))

    monkeypatch.setattr(os, "access", access)


def test_the_log_of_an_archive_is_read_in_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = tmp_path / "archive"
    kept.mkdir()
    with closing(new_store(tmp_path)) as made:
        add_specimen(made)
        for name in ("session.sqlite", "session.sqlite-wal"):
            shutil.copyfile(tmp_path / name, kept / name)
    before = made_of(kept)
    assert len(before["session.sqlite-wal"]) > 0
    as_an_archive(monkeypatch, kept)
    assert read_origin(kept / "session.sqlite").run_id == "run-1"
    with closing(Store.open(kept / "session.sqlite")) as store:
        assert len(store.specimen.sections()) == 2
        assert store.folder == kept
        scratch = store._database._opened.parent
        assert scratch != kept
        assert made_of(kept) == before
    assert not scratch.exists()
    assert made_of(kept) == before


def test_an_archive_of_an_earlier_version_is_read_in_a_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dump = Path(__file__).parent / "data" / "version2.sql"
    path = tmp_path / "session.sqlite"
    with closing(sqlite3.connect(path)) as made:
        made.executescript(dump.read_text(encoding="utf-8"))
        made.execute("PRAGMA journal_mode = WAL")
    before = made_of(tmp_path)
    as_an_archive(monkeypatch, tmp_path)
    with closing(Store.open(path)) as store:
        assert store.specimen.sections()
    assert made_of(tmp_path) == before


def made_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}
