import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.store.store import Store
from tests.service.store.stores import new_store


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A runtime folder of the test's own, with a path short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="it") as folder:
        monkeypatch.setenv("XDG_RUNTIME_DIR", folder)
        monkeypatch.delenv("ILEMTRACK_ENDPOINT", raising=False)
        yield Path(folder) / "ilemtrack"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = new_store(tmp_path)
    yield made
    made.close()
