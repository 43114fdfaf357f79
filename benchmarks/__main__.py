"""Runs every benchmark that is not on request, or those that are named: ``python -m benchmarks [NAME...]``.

Each prints its table; at the end, one table has the figures that are compared between versions. All is kept
as JSON in ``build/bench``; ``python -m benchmarks compare A B`` prints the ratios of two such files, or of
two that ``make array`` wrote, those that got worst first.

With ``ILEMTRACK_BENCH_SEEDS=development`` the frames are those of low seeds, on which numbers may be tuned;
otherwise those of seeds kept apart, on which they are only reported. ``ILEMTRACK_BENCH_DETECTOR`` names the
detector that is judged. See `benchmarks.frames.scenes`.
"""

import importlib
import os
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import NoReturn

from rich.console import Console

# One thread: the figures of cost are those of one.
for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ[variable] = "1"

KEPT = Path("build/bench")
SETTINGS = ("ILEMTRACK_BENCH_SEEDS", "ILEMTRACK_BENCH_DETECTOR")


def main(arguments: Sequence[str]) -> None:
    """Run the benchmarks and print their tables, or compare two runs."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 140)
    if arguments[:1] == ["compare"]:
        _compare(arguments[1:], console)
    else:
        _run(arguments, console)


def _run(names: Sequence[str], console: Console) -> None:
    import cv2

    from benchmarks.measuring.kept import Benchmark, Kept, write
    from benchmarks.measuring.machine import machine
    from benchmarks.measuring.rows import print_compared, print_rows

    cv2.setNumThreads(1)
    runs = benchmarks()
    unknown = [name for name in names if name not in runs]
    if unknown:
        _end(f"there is no {unknown[0]}; there are {', '.join(runs)}")
    usual = [name for name, module in runs.items() if not getattr(module, "ON_REQUEST", False)]
    now = datetime.now(UTC)
    settings = {name: os.environ[name] for name in SETTINGS if name in os.environ}
    kept = Kept(at=f"{now:%Y-%m-%dT%H:%M:%SZ}", machine=machine(), settings=settings)
    file = KEPT / f"{now:%Y%m%d-%H%M%S}.json"
    for name in names or usual:
        begun = time.perf_counter()
        rows = runs[name].run()
        took_s = time.perf_counter() - begun
        title = getattr(runs[name], "TITLE", name)
        print_rows(f"{title} ({took_s:.0f} s)", rows, console)
        kept = kept.with_benchmark(Benchmark(name=name, title=title, took_s=took_s, rows=tuple(rows)))
        # After each: what ends a run early leaves what was measured.
        write(kept, file)
    if len(kept.benchmarks) > 1:
        print_compared({one.title: one.rows for one in kept.benchmarks}, console)
    console.print(f"{kept.machine.described()}\nkept in {file}")


def _compare(names: Sequence[str], console: Console) -> None:
    from benchmarks.measuring.compare import print_pairs
    from benchmarks.measuring.kept import read
    from service.errors import InputError

    if len(names) != 2:
        _end("compare needs two files that earlier runs wrote into build/bench")
    try:
        before, after = (read(Path(name)) for name in names)
    except InputError as error:
        _end(str(error))
    print_pairs(before, after, console)


def _end(why: str) -> NoReturn:
    print(f"benchmarks: {why}", file=sys.stderr)
    sys.exit(2)


def benchmarks() -> dict[str, ModuleType]:
    """Return the modules of all benchmarks, in the order of their names."""
    here = Path(__file__).parent
    places = sorted(here.glob("*/*.py"), key=lambda path: path.stem)
    modules = {
        path.stem: importlib.import_module(f"benchmarks.{path.parent.name}.{path.stem}")
        for path in places
        # `array` has a command of its own.
        if not path.stem.startswith("_") and path.parent.name != "array"
    }
    return {name: module for name, module in modules.items() if hasattr(module, "run")}


if __name__ == "__main__":
    main(sys.argv[1:])
