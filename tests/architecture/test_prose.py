"""Summaries of docstrings are imperatives or noun phrases, as a colleague would say them aloud."""

import ast
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from tests.places import ROOT

_ROOMS = ("service", "drivers", "detection", "planner", "simulators", "config", "benchmarks", "tests")
_QUESTION = re.compile(r"(What|Whether|Where|How|Who|Why|When|Which)\b")
"""First word of a summary that asks instead of saying."""


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
    return [line for line in summaries(path.read_text(encoding="utf-8")) if _QUESTION.match(line)]


def test_the_summary_of_a_function_a_class_or_a_constant_is_seen() -> None:
    inside = '    """Whether."""\n    B: int = 1\n    """Where."""\n'
    source = f'"""How."""\nA = 1\n"""What."""\ndef f():\n{inside}'
    assert sorted(summaries(source)) == ["How.", "What.", "Where.", "Whether."]


def test_no_summary_asks_a_question() -> None:
    files = [path for room in _ROOMS for path in (ROOT / room).rglob("*.py")]
    assert len(files) > 500
    found = {path.relative_to(ROOT): lines for path in files if (lines := asking(path))}
    assert found == {}
