"""The tutorials that take longer than the first."""

from pathlib import Path

import pytest

from docs_tools.places import TUTORIALS
from tests.docs_tools.tutorials import run_tutorial

OTHERS = sorted(path for path in TUTORIALS.glob("*.md") if path.name != "first_session.md")


@pytest.mark.long
@pytest.mark.parametrize("document", OTHERS, ids=lambda path: path.stem)
def test_a_tutorial_runs_as_it_is_written(document: Path, tmp_path: Path, runtime_dir: Path) -> None:
    assert run_tutorial(document, tmp_path) > 3
