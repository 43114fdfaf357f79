"""Branches that the tests take, folder by folder: `make coverage`.

``python -m tests.branches REPORT`` reads the JSON of coverage.py, prints a table and the modules with most
branches left, and fails if a room takes fewer than it must.
"""

import json
import sys
from collections import Counter
from pathlib import Path, PurePosixPath
from typing import Any

MUST_TAKE = {"detection": 0.9, "planner": 0.9, "service": 0.9}
"""Share of a room's branches."""
_MODULES_SHOWN = 25


def main(report: Path) -> int:
    """Print the table; return the exit status."""
    files: dict[str, dict[str, Any]] = json.loads(report.read_text(encoding="utf-8"))["files"]
    taken: Counter[str] = Counter()
    all_: Counter[str] = Counter()
    left: Counter[str] = Counter()
    for name, file in files.items():
        summary = file["summary"]
        for folder in _folders(name):
            taken[folder] += summary["covered_branches"]
            all_[folder] += summary["num_branches"]
        left[name] = summary["num_branches"] - summary["covered_branches"]
    print(f"{'folder':40} {'branches':>8} {'taken':>8}")
    for folder in sorted(folder for folder, number in all_.items() if number):
        print(f"{folder:40} {all_[folder]:8} {taken[folder] / all_[folder]:8.1%}")
    print("\nmodules with most branches left")
    for name, number in left.most_common(_MODULES_SHOWN):
        lines = [f"{one}->{other}" for one, other in files[name]["missing_branches"]]
        print(f"{number:4} {name}: {', '.join(lines)}")
    below = [room for room, share in MUST_TAKE.items() if taken[room] < share * all_[room]]
    if below:
        print(f"\nbelow {MUST_TAKE[below[0]]:.0%}: {', '.join(below)}")
    return 1 if below else 0


def _folders(name: str) -> list[str]:
    """Return the room of a module, and its folder there."""
    parts = PurePosixPath(name).parts
    return list(dict.fromkeys([parts[0], "/".join(parts[:2]) if len(parts) > 2 else parts[0]]))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
