"""The big dry run: ``python -m benchmarks.array [FOLDER]``, or ``make array``.

ILEMTRACK_ARRAY_SECTIONS sets another number of sections than 300. Writes ``array-SECTIONS.json`` and
``array-SECTIONS.png`` into the folder, and prints the table; the run itself is removed, unless it failed.
"""

import shutil
import sys
import tempfile
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from benchmarks.array import design
from benchmarks.array.figures import figures, rows
from benchmarks.array.lives import live
from benchmarks.array.plots import draw
from benchmarks.measuring.kept import Benchmark, Kept, write
from benchmarks.measuring.machine import machine
from benchmarks.measuring.rows import print_rows


def main(out: Path, sections: int) -> None:
    """Run, measure, print."""
    out.mkdir(parents=True, exist_ok=True)
    # Short: sockets lie in it.
    folder = Path(tempfile.mkdtemp(prefix="il"))
    at, begun = datetime.now(UTC), time.perf_counter()
    lived = live(folder, folder, sections, design.CELLS, design.kills())
    found = figures(folder, lived)
    took_s = time.perf_counter() - begun
    stem = f"array-{sections}"
    table = rows(found)
    title = f"An array of {sections} sections"
    one = Benchmark(name="array", title=title, took_s=took_s, rows=tuple(table))
    kept = Kept(at=f"{at:%Y-%m-%dT%H:%M:%SZ}", machine=machine(), benchmarks=(one,))
    write(kept, out / f"{stem}.json", array=asdict(found))
    draw(found, out, out / f"{stem}.png")
    console = Console(highlight=False, width=140)
    print_rows(f"{title} ({took_s:.0f} s)", table, console)
    console.print(kept.machine.described())
    if any(row.reached is False for row in table):
        print(f"the run is kept: {folder}")
    else:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "build/array"), design.SECTIONS)
