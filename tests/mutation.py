"""Mutation tests of the modules that hold the invariants: does a test fail if one of their lines is wrong?

``python -m tests.mutation [MODULE ...]``; `make mutation` installs mutmut first. mutmut changes one operator,
number, name or argument at a time; `tests.mutants` runs the tests that come by the changed line. Strings
stay: sentences only display, and a wrong name of a column fails at once. So do tables outside functions and
decorated functions, which mutmut leaves alone.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from typing import Any

from tests.places import ROOT

HELD: dict[str, tuple[str, ...]] = {
    # What a run may do, and what becomes of it after a kill.
    "service/model/job_states.py": ("service/model/test_life_cycles.py",),
    "service/model/phases.py": ("service/model/test_phases.py",),
    "service/store/store.py": (
        "service/store/test_store.py",
        "service/store/tables/test_retry_failed.py",
        "service/store/test_open_file.py",
    ),
    "service/store/retry_failed.py": ("service/store/tables/test_retry_failed.py",),
    "service/store/outcome.py": ("service/store/test_outcome.py",),
    "service/store/ground.py": ("service/store/test_ground.py",),
    "service/store/durable.py": ("service/store/test_durable.py",),
    "service/store/tables/queue.py": (
        "service/store/tables/test_queue.py",
        "service/store/tables/test_retry_failed.py",
    ),
    "service/store/tables/ledger.py": ("service/store/tables/test_ledger.py",),
    "service/session/exposure_map.py": ("service/session/test_exposure_map.py",),
    "service/session/missing_images.py": ("service/session/test_missing_images.py",),
    # What touches the microscope.
    "service/acquisition/holds.py": ("service/acquisition/test_holds.py",),
    "service/acquisition/vacuum.py": ("service/acquisition/test_vacuum.py",),
    "service/acquisition/disk_space.py": ("service/acquisition/exposures/test_disk_space.py",),
    "service/acquisition/stage_moves.py": ("service/acquisition/test_stage_moves.py",),
    "service/acquisition/exposing.py": ("service/acquisition/exposures/test_one_exposure.py",),
    "service/acquisition/retakes/waiting.py": ("service/acquisition/retakes/test_waiting.py",),
    "service/acquisition/retakes/decide.py": ("service/acquisition/retakes/test_decide.py",),
    "service/safety/safe_state.py": ("service/safety/test_safe_state.py",),
    "drivers/guards/interlock.py": ("drivers/test_contract.py",),
    "drivers/guards/stopping.py": ("drivers/guards", "drivers/test_contract.py"),
    "drivers/guards/limits.py": ("drivers/guards/test_limits.py",),
    "drivers/guards/scan_guard.py": ("drivers/guards/test_scan_guard.py",),
    "drivers/guards/conditions.py": ("drivers/guards/test_conditions.py",),
    "drivers/guards/freshness.py": ("drivers/guards/test_freshness.py",),
    # From hits to frames.
    "detection/policy.py": ("detection/test_policy.py", "detection/test_fragments.py"),
    "service/planning/review/margins.py": ("service/planning/review/test_margins.py",),
    "planner/position_error.py": ("planner/test_position_error.py",),
    "planner/geometry/rects.py": ("planner/geometry/test_rects.py", "planner/geometry/test_shapes.py"),
    "planner/geometry/allowed_ground.py": ("planner/geometry/test_ground.py",),
    "planner/cover/required.py": ("planner/cover/test_required.py",),
    "planner/cover/tiles.py": ("planner/cover/test_tiles.py",),
    "planner/cover/framing.py": ("planner/cover/test_framing.py",),
    "planner/cover/seams.py": ("planner/cover/test_seams.py",),
    "planner/cover/per_box.py": ("planner/cover/test_per_box.py",),
    "planner/cover/greedy.py": ("planner/cover/test_per_box.py",),
    "planner/cover/exact.py": ("planner/cover/test_exact.py",),
    "planner/cover/search/lines.py": ("planner/cover/search/test_lines.py",),
    "planner/cover/search/pricing.py": ("planner/cover/search/test_prices.py",),
    "planner/cover/search/programme.py": ("planner/cover/search/test_programme.py",),
    "planner/cover/search/central_path.py": ("planner/cover/search/test_programme.py",),
    "planner/cover/search/column_generation.py": ("planner/cover/search/test_column_generation.py",),
}
"""Modules, each with the quick tests that hold it."""

_RESULTS = ROOT / "build" / "mutation"


def main(modules: list[str]) -> None:
    """Mutate modules, one after the other; print the score of each and each mutant that no test noticed."""
    unknown = [module for module in modules if module not in HELD]
    if unknown:
        sys.exit(f"not in the table of {__name__}: {', '.join(unknown)}")
    _RESULTS.mkdir(parents=True, exist_ok=True)
    for module in modules or HELD:
        found = _mutate(module, HELD[module])
        kinds = Counter(one["kind"] for one in found["left"])
        total = found["killed"] + len(found["left"])
        print(f"{module}: {found['killed']} of {total} killed {dict(kinds)}", flush=True)
        for one in found["left"]:
            print(f"\n{one['kind']} {one['function']}\n{one['change']}", flush=True)


def _mutate(module: str, tests: tuple[str, ...]) -> dict[str, Any]:
    results = _RESULTS / f"{module.removesuffix('.py').replace('/', '.')}.json"
    done = subprocess.run(
        [sys.executable, "-m", "tests.mutants", module, results, *tests],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1", "OPENCV_FOR_THREADS_NUM": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    if done.returncode:
        sys.exit(f"the tests of {module} fail without a change:\n{done.stdout[-4000:]}")
    found: dict[str, Any] = json.loads(results.read_text(encoding="utf-8"))
    return found


if __name__ == "__main__":
    main(sys.argv[1:])
