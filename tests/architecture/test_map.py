"""The map of the code, docs/architecture.md, and every file that the documents name."""

import re
from pathlib import Path

import pytest

from tests.architecture.picture import ROOMS, floors, put_into
from tests.places import ROOT

MAP = ROOT / "docs" / "architecture.md"
DOCUMENTS = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
_PLACES = "|".join([*ROOMS, "benchmarks", "docs", "docs_tools", "release", "tests"])
_PATH = re.compile(rf"`((?:{_PLACES})/[\w./@-]*\w|pyproject\.toml)`")
_MODULE = re.compile(rf"python -m ((?:{_PLACES})[\w.]*)")


def named_paths(document: Path) -> list[str]:
    return _PATH.findall(document.read_text(encoding="utf-8"))


def test_the_picture_shows_the_imports_and_the_contracts() -> None:
    text = MAP.read_text(encoding="utf-8")
    assert floors("service")[0] == ["cli/"]
    assert put_into(text) == text


def test_the_map_names_many_files_and_every_folder_of_service() -> None:
    named = set(named_paths(MAP))
    assert len(named) > 100
    folders = {f.parent.name for f in (ROOT / "service").glob("*/__init__.py")}
    assert {folder for folder in folders if f"service/{folder}" not in named} == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_that_a_document_names_exists(document: Path) -> None:
    assert [name for name in named_paths(document) if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_that_a_document_runs_exists(document: Path) -> None:
    for name in _MODULE.findall(document.read_text(encoding="utf-8")):
        place = ROOT.joinpath(*name.split("."))
        assert place.with_suffix(".py").is_file() or (place / "__main__.py").is_file(), name
