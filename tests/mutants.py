"""Mutants of a module, put in the place of its functions one at a time, each in a fork of one run of pytest.

``python -m tests.mutants MODULE RESULTS TEST ...``, used by `tests.mutation`. The tests are collected and run
once, which also shows the tests that come by each line. A mutant then costs no more than these tests: they
run in a fork, the quickest first, until one fails. mutmut makes the mutants; it would copy the project for
each module and collect the tests again for each mutant.
"""

import ast
import difflib
import gc
import inspect
import json
import os
import re
import select
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import coverage
import libcst
import pytest
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation import mutators
from mutmut.mutation.file_mutation import MutationVisitor
from mutmut.mutation.pragma_handling import IgnoredCode

from tests.places import ROOT

_LOG = re.compile(r"\blog\.(debug|info|warning|error|critical|exception)\(")
"""Sentences of the log only display."""
_OPERATORS = [one for one in mutators.mutation_operators if one[1] is not mutators.operator_string]
_TIMES, _MORE_S = 10, 30.0
"""A fork may take so many times as long as its tests took, and so much longer: computers do more besides."""
_TEST_S = 100.0
_QUICK_S = 1.5
"""Time of the processor that a test may take to be asked again for each mutant. Chosen by hand."""


@dataclass(frozen=True)
class Mutant:
    """A module with one change.

    Attributes
    ----------
    function : str
        Qualified name of the function that is changed.
    lines : range
        Where the change is; the whole function for one of its signature, which no test comes by.
    source : str
        The whole module.
    change : str
        As a diff.
    """

    function: str
    lines: range
    source: str
    change: str


def mutants_of(path: Path) -> Iterator[Mutant]:
    """Make all mutants of a module, in the order of its lines."""
    source = path.read_text(encoding="utf-8")
    wrapper = MetadataWrapper(libcst.parse_module(source))
    displayed = {n for n, line in enumerate(source.splitlines(), 1) if _LOG.search(line)}
    ignored = IgnoredCode(no_mutate_lines=set(), ignore_node_lines=set(), ignore_pattern_lines=displayed)
    visitor = MutationVisitor(_OPERATORS, ignored)
    wrapper.visit(visitor)
    places = wrapper.resolve(PositionProvider)
    names = _names(wrapper.module)
    for one in visitor.mutations:
        function = one.contained_by_top_level_function
        if function is None or function not in names:
            continue
        changed = wrapper.module.deep_replace(one.original_node, one.mutated_node)
        assert isinstance(changed, libcst.Module)
        place = places[one.original_node]
        last = places[function if place.start.line < places[function.body].start.line else one.original_node]
        diff = difflib.unified_diff(source.splitlines(), changed.code.splitlines(), lineterm="", n=1)
        yield Mutant(
            names[function],
            range(place.start.line, last.end.line + 1),
            changed.code,
            "\n".join(list(diff)[2:]),
        )


def _names(module: libcst.Module) -> dict[libcst.CSTNode | None, str]:
    found: dict[libcst.CSTNode | None, str] = {}
    for node in module.body:
        if isinstance(node, libcst.FunctionDef):
            found[node] = node.name.value
        elif isinstance(node, libcst.ClassDef):
            methods = (one for one in node.body.body if isinstance(one, libcst.FunctionDef))
            found |= {one: f"{node.name.value}.{one.name.value}" for one in methods}
    return found


def put_in_place(mutant: Mutant, module: ModuleType) -> None:
    """Let a function of a module do what the mutant does, for all who have imported it."""
    assert module.__file__ is not None
    made: dict[str, Any] = {"__name__": module.__name__, "__file__": module.__file__}
    exec(compile(mutant.source, module.__file__, "exec"), made)
    live, new = _function(vars(module), mutant.function), _function(made, mutant.function)
    live.__code__ = new.__code__
    original = Path(module.__file__).read_text(encoding="utf-8")
    if _parameters(original, mutant.function) != _parameters(mutant.source, mutant.function):
        live.__defaults__, live.__kwdefaults__ = new.__defaults__, new.__kwdefaults__


def _function(names: dict[str, Any], qualified: str) -> FunctionType:
    owner, _, name = qualified.rpartition(".")
    found = inspect.getattr_static(names[owner], name) if owner else names[name]
    found = getattr(found, "__func__", found)
    assert isinstance(found, FunctionType)
    return found


def _parameters(source: str, qualified: str) -> str:
    owner, _, name = qualified.rpartition(".")
    body: Sequence[ast.stmt] = ast.parse(source).body
    if owner:
        body = next(one.body for one in body if isinstance(one, ast.ClassDef) and one.name == owner)
    found = next(
        one for one in body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef) and one.name == name
    )
    return ast.dump(found.args)


class Mutating:
    """A plug-in of pytest that runs the tests as they are, and then in forks with the mutants."""

    def __init__(self, module: str) -> None:
        self._path = ROOT / module
        self._module = module.removesuffix(".py").replace("/", ".")
        self._failed = False
        self.left: list[dict[str, str]] = []
        self.killed = 0

    @pytest.hookimpl
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a failure."""
        self._failed |= report.failed

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run all."""
        took_s: dict[str, float] = {}
        slow: set[str] = set()
        watch = coverage.Coverage(data_file=None, include=[str(self._path)], config_file=False)
        watch.start()
        for number, item in enumerate(session.items):
            watch.switch_context(item.nodeid)
            began_s, cpu_s = time.monotonic(), time.process_time()
            # What the session shares stays.
            following = session.items[(number + 1) % len(session.items)]
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            took_s[item.nodeid] = time.monotonic() - began_s
            if time.process_time() - cpu_s > _QUICK_S:
                slow.add(item.nodeid)
        watch.switch_context("")
        watch.stop()
        if self._failed:
            return True
        if self._module not in sys.modules:
            raise pytest.UsageError(f"none of these tests imports {self._module}")
        lines = {
            line: {one for one in contexts if one} - slow
            for line, contexts in watch.get_data().contexts_by_lineno(str(self._path)).items()
        }
        module = sys.modules[self._module]
        gc.collect()
        gc.freeze()
        for mutant in mutants_of(self._path):
            names = set().union(*(lines.get(line, set()) for line in mutant.lines))
            items = sorted(
                (item for item in session.items if item.nodeid in names),
                key=lambda item: took_s[item.nodeid],
            )
            limit_s = _MORE_S + _TIMES * sum(took_s[item.nodeid] for item in items)
            if items and self._noticed(mutant, module, items, limit_s):
                self.killed += 1
            else:
                kind = "survived" if items else "untested"
                left = {"kind": kind, "function": mutant.function, "change": mutant.change}
                self.left.append(left)
                print(*left.values(), sep="\n", flush=True)
        return True

    def _noticed(self, mutant: Mutant, module: ModuleType, items: list[pytest.Item], limit_s: float) -> bool:
        pid = os.fork()
        if not pid:
            try:
                put_in_place(mutant, module)
                for number, item in enumerate(items):
                    following = items[(number + 1) % len(items)]
                    item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
                    if self._failed:
                        break
            except BaseException:  # noqa: BLE001 - of any kind, it was noticed
                self._failed = True
            os._exit(self._failed)
        handle = os.pidfd_open(pid)
        ended = select.poll()
        ended.register(handle, select.POLLIN)
        if not ended.poll(limit_s * 1e3):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        os.close(handle)
        return os.waitpid(pid, 0)[1] != 0


def main(module: str, results: Path, tests: Sequence[str]) -> int:
    """Run the tests of a module, then its mutants, and write what was found; return the status of pytest."""
    mutating = Mutating(module)
    with tempfile.TemporaryDirectory(prefix="ilem-") as folder:
        status = pytest.main(
            [
                *(str(ROOT / "tests" / test) for test in tests),
                *("--quiet", "-p", "no:cacheprovider", f"--basetemp={folder}/t", f"--timeout={_TEST_S}"),
                "--timeout-method=signal",
            ],
            plugins=[mutating],
        )
    found = {"tests": list(tests), "killed": mutating.killed, "left": mutating.left}
    results.write_text(json.dumps(found, indent=1), encoding="utf-8")
    return int(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:]))
