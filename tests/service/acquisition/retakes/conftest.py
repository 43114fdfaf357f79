from collections.abc import Iterator
from pathlib import Path

import pytest

from service.session.context import Context
from tests.service.sessions import Session, small_config


@pytest.fixture
def context(tmp_path: Path) -> Iterator[Context]:
    """Context of a session that has not begun; its focus is automatic."""
    session = Session(tmp_path / "run", small_config(session={"autofocus": True, "retakes": 1}))
    yield session.context
    session.store.close()
