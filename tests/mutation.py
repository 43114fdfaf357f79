"""Mutation tests of the modules that hold the invariants: does a test fail if one of their lines is wrong?

``python -m tests.mutation [MODULE ...]``; `make mutation` installs mutmut first. mutmut changes one operator,
number, name or argument at a time, in a copy of the project, and runs the tests that come by the changed
function. Strings stay: sentences only display, and a wrong name of a column fails at once. So do tables
outside functions and decorated functions, which mutmut leaves alone.
"""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from typing import Any

from tests.places import ROOT

HELD: dict[str, tuple[str, ...]] = {
    "service/model/job_states.py": ("service/model/test_life_cycles.py",),
    "service/model/phases.py": ("service/model/test_phases.py",),
    "service/session/exposure_map.py": ("service/session/test_exposure_map.py",),
    "service/acquisition/holds.py": ("service/acquisition/test_holds.py",),
    "service/acquisition/vacuum.py": ("service/acquisition/test_vacuum.py",),
    "service/acquisition/exposing.py": ("service/acquisition/test_exposing.py",),
    "service/acquisition/retakes/decide.py": ("service/acquisition/retakes/test_decide.py",),
    "service/safety/safe_state.py": ("service/safety/test_safe_state.py",),
    "detection/policy.py": ("detection/test_policy.py", "detection/test_fragments.py"),
    "planner/geometry/allowed_ground.py": ("planner/geometry/test_allowed_ground.py",),
    "planner/geometry/rects.py": ("planner/geometry/test_rects.py", "planner/geometry/test_shapes.py"),
    "service/store/tables/ledger.py": ("service/store/tables/test_ledger.py",),
    "drivers/guards/interlock.py": ("drivers/test_contract.py",),
}
"""Modules, each with the quick tests that hold it."""

_TREE = ROOT / "build" / "mutation" / "tree"
_RESULTS = ROOT / "build" / "mutation" / "results.json"
_COPIED = (
    "benchmarks",
    "config",
    "detection",
    "docs",
    "drivers",
    "planner",
    "service",
    "simulators",
    "tests",
)
_ROOMS = ("config", "detection", "drivers", "planner", "service", "simulators")
_MUTMUT = """
from mutmut.mutation import mutators
mutators.mutation_operators[:] = [
    one for one in mutators.mutation_operators if one[1] is not mutators.operator_string
]
from mutmut.__main__ import cli
cli()
"""
_BYTECODE = {"PYTHONPYCACHEPREFIX": str(_TREE.parent / "bytecode"), "PYTHONDONTWRITEBYTECODE": ""}
_KILLED, _SURVIVED, _UNTESTED = {1, 3, -24}, {0}, {5, 33}
"""Exit statuses of pytest; -24 where a mutant ran out of time, 33 of mutmut where no test comes by."""


def main(modules: list[str]) -> None:
    """Mutate modules, one after the other; print the score of each and each mutant that no test noticed."""
    unknown = [module for module in modules if module not in HELD]
    if unknown:
        sys.exit(f"not in the table of {__name__}: {', '.join(unknown)}")
    results = json.loads(_RESULTS.read_text(encoding="utf-8")) if _RESULTS.exists() else {}
    for module in modules or HELD:
        results[module] = _mutate(module, HELD[module])
        _RESULTS.write_text(json.dumps(results, indent=1), encoding="utf-8")
        print(_line(module, results[module]), flush=True)
        for name, change in results[module]["left"].items():
            print(f"\n{name}\n{change}", flush=True)


def _mutate(module: str, tests: tuple[str, ...]) -> dict[str, Any]:
    shutil.rmtree(_TREE, ignore_errors=True)
    for folder in _COPIED:
        shutil.copytree(ROOT / folder, _TREE / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy2(ROOT / "README.md", _TREE)
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (_TREE / "pyproject.toml").write_text(f"{project}\n{_settings(module, tests)}", encoding="utf-8")
    _mutmut("run", "--max-children", "1")
    statuses = json.loads((_TREE / "mutants" / f"{module}.meta").read_text(encoding="utf-8"))[
        "exit_code_by_key"
    ]
    counts = Counter(_kind(status) for status in statuses.values())
    left = {name: _mutmut("show", name) for name, status in statuses.items() if _kind(status) != "killed"}
    return {"tests": tests, "counts": counts, "left": left}


def _settings(module: str, tests: tuple[str, ...]) -> str:
    """Return mutmut's part of a pyproject.toml."""
    selection = [f"tests/{test}" for test in tests]
    return "\n".join(
        [
            "[tool.mutmut]",
            f"source_paths = {json.dumps(_ROOMS)}",
            f"only_mutate = {json.dumps([module])}",
            'also_copy = ["benchmarks", "docs", "README.md"]',
            # Sentences of the log only display.
            r"do_not_mutate_patterns = ['\blog\.(debug|info|warning|error|critical|exception)\(']",
            'pytest_add_cli_args = ["-p", "no:cacheprovider", "--timeout=100"]',
            f"pytest_add_cli_args_test_selection = {json.dumps(selection)}",
            # Seconds that fixtures take are not counted as the test's.
            "timeout_constant = 10.0",
            "timeout_multiplier = 5.0",
            'process_isolation = "forkserver"',
            "use_git_change_detection = false",
            "use_setproctitle = false",
        ]
    )


def _mutmut(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", _MUTMUT, *arguments],
        cwd=_TREE,
        env=os.environ | _BYTECODE,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        sys.exit(f"mutmut {' '.join(arguments)}:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
    return done.stdout


def _kind(status: int | None) -> str:
    if status in _KILLED:
        return "killed"
    if status in _SURVIVED:
        return "survived"
    return "untested" if status in _UNTESTED else f"status {status}"


def _line(module: str, result: dict[str, Any]) -> str:
    counts = result["counts"]
    total = sum(counts.values())
    return f"{module}: {counts.get('killed', 0)} of {total} killed ({dict(counts)})"


if __name__ == "__main__":
    main(sys.argv[1:])
