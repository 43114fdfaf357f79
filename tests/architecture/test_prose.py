"""Summaries of docstrings are imperatives or noun phrases, as a colleague would say them aloud."""

import ast
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from tests.places import ROOT

_ROOMS = (
    "service",
    "drivers",
    "detection",
    "planner",
    "simulators",
    "config",
    "benchmarks",
    "docs_tools",
    "release",
    "tests",
)
_QUESTION = re.compile(r"(What|Whether|Where|How|Who|Why|When|Which)\b")
"""First word of a summary that asks instead of saying."""


_SUSPECT = re.compile(rf"[\"']\s*{_QUESTION.pattern}")
"""Beginning of a string that may be such a summary: only files that have one are parsed."""


def summaries(source: str) -> Iterator[str]:
    """Yield the first line of every docstring, those below assignments included."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield from (ast.get_docstring(node) or "").splitlines()[:1]
        body = getattr(node, "body", None)
        for before, after in pairwise(body if isinstance(body, list) else []):
            if not isinstance(before, ast.Assign | ast.AnnAssign) or not isinstance(after, ast.Expr):
                continue
            if isinstance(after.value, ast.Constant) and isinstance(after.value.value, str):
                yield after.value.value.splitlines()[0]


def asking(path: Path) -> list[str]:
    source = path.read_text(encoding="utf-8")
    if not _SUSPECT.search(source):
        return []
    return [line for line in summaries(source) if _QUESTION.match(line)]


def test_the_summary_of_a_function_a_class_or_a_constant_is_seen() -> None:
    inside = '    """Whether."""\n    B: int = 1\n    """Where."""\n'
    source = f'"""How."""\nA = 1\n"""What."""\ndef f():\n{inside}'
    assert sorted(summaries(source)) == ["How.", "What.", "Where.", "Whether."]


def test_a_file_that_asks_is_found(tmp_path: Path) -> None:
    path = tmp_path / "asking.py"
    path.write_text('A = 1\n"""Whether it is.\n\nMore.\n"""\n', encoding="utf-8")
    assert asking(path) == ["Whether it is."]
    path.write_text('"""The one.\n\nWhat it is.\n"""\n', encoding="utf-8")
    assert asking(path) == []


def test_no_summary_asks_a_question() -> None:
    files = [path for room in _ROOMS for path in (ROOT / room).rglob("*.py")]
    assert len(files) > 500
    found = {path.relative_to(ROOT): lines for path in files if (lines := asking(path))}
    assert found == {}
