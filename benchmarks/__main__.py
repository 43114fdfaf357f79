"""Runs every benchmark that is not on request, or those that are named: ``python -m benchmarks [NAME...]``.

With ``ILEMTRACK_BENCH_SEEDS=development`` the frames are those of low seeds, on which numbers may be tuned;
otherwise those of seeds kept apart, on which they are only reported. ``ILEMTRACK_BENCH_DETECTOR`` names the
detector that is judged. See `benchmarks.scenes`.
"""

import importlib
import os
import pkgutil
import sys
import time
from pathlib import Path

# One thread: the figures of cost are those of one.
for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ[variable] = "1"


def main() -> None:
    """Run the benchmarks and print their tables."""
    import cv2
    from rich.console import Console

    from benchmarks.rows import print_rows

    cv2.setNumThreads(1)
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 140)
    modules = {name: importlib.import_module(f"benchmarks.{name}") for name in _names()}
    runs = {name: module for name, module in modules.items() if hasattr(module, "run")}
    unknown = [name for name in sys.argv[1:] if name not in runs]
    if unknown:
        sys.exit(f"benchmarks: there is no {unknown[0]}; there are {', '.join(runs)}")
    usual = [name for name, module in runs.items() if not getattr(module, "ON_REQUEST", False)]
    for name in sys.argv[1:] or usual:
        begun = time.perf_counter()
        rows = runs[name].run()
        title = getattr(runs[name], "TITLE", name)
        print_rows(f"{title} ({time.perf_counter() - begun:.0f} s)", rows, console)


def _names() -> list[str]:
    here = str(Path(__file__).parent)
    return [found.name for found in pkgutil.iter_modules([here]) if not found.name.startswith("_")]


if __name__ == "__main__":
    main()
