"""A store in a folder where nothing may be written, as in an archive."""

import os
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


def made_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}
