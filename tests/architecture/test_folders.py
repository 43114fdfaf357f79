"""Folders and imports: what import-linter's contracts in pyproject.toml do not hold."""

import ast
from collections import Counter
from pathlib import PurePosixPath

from tests.architecture.picture import ROOMS
from tests.places import ROOT

MOST_MODULES = 12
"""A longer list is no longer taken in at a glance."""


def _modules() -> list[PurePosixPath]:
    places = [*ROOMS, "tests", "benchmarks", "docs_tools", "release"]
    return [PurePosixPath(f.relative_to(ROOT)) for place in places for f in (ROOT / place).rglob("*.py")]


def test_no_folder_has_more_modules_than_one_takes_in() -> None:
    counts = Counter(str(module.parent) for module in _modules() if module.name != "__init__.py")
    assert counts["service/daemon"] > 1
    assert counts["benchmarks/frames"] > 1
    assert {folder: n for folder, n in counts.items() if n > MOST_MODULES} == {}


def test_no_two_benchmarks_have_one_name() -> None:
    names = Counter(module.stem for module in (ROOT / "benchmarks").glob("*/[a-z]*.py"))
    assert names["cost"] == 1
    assert [name for name, count in names.items() if count > 1] == []


def test_folders_are_packages_that_hold_a_docstring_only() -> None:
    rooms = [module for module in _modules() if module.parts[0] in ROOMS]
    for folder in {module.parent for module in rooms} - {
        PurePosixPath("simulators/odemis_backend/site/odemis")  # stands for the package of that name
    }:
        body = ast.parse((ROOT / folder / "__init__.py").read_text(encoding="utf-8")).body
        assert len(body) == 1, folder
        assert isinstance(body[0], ast.Expr), folder


def test_nothing_hides_imports_behind_type_checking() -> None:
    sources = {str(module): (ROOT / module).read_text(encoding="utf-8") for module in _modules()}
    hiding = {
        module
        for module, source in sources.items()
        if "TYPE_CHECKING" in source
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
    }
    assert hiding == set()
