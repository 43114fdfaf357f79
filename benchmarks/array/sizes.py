"""Cost of a section in arrays of 10 to 1,000: ``python -m benchmarks.array.sizes [FOLDER [SECTIONS ...]]``.

Small sections, so that a person can wait for it: one field of 256 x 256 pixels with some three cells, and
electron pixels of 66 nm; each array in one process, without kills. Writes ``sizes.json`` and ``sizes.png``
into the folder. What an array costs beside its sections, such as the start of its process, is left out.
"""

import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, ScalarFormatter
from rich.console import Console

from benchmarks.array import design
from benchmarks.array.life import RUN, SAMPLES
from benchmarks.array.lives import live
from benchmarks.array.samples import Sample, read
from benchmarks.measuring.kept import Benchmark, Kept, write
from benchmarks.measuring.machine import machine
from benchmarks.measuring.rows import Row, at_most, low, print_rows
from service.model.phases import Phase

SIZES = (10, 30, 100, 300, 1000)
_MOST = 1.1
"""Largest cost of a section over that in the array before: constant but for noise."""


@dataclass(frozen=True, slots=True)
class Size:
    """Costs of an array of one size.

    Attributes
    ----------
    sections, jobs : int
    to_plan_s, images_s, end_s : float
        CPU of a section until all is planned, of its electron images, and of summary and report.
    images_mb, peak_mb : float
        Memory at most before the summary, and in all.
    database_kb : float
        Of a section.
    """

    sections: int
    jobs: int
    to_plan_s: float
    images_s: float
    end_s: float
    images_mb: float
    peak_mb: float
    database_kb: float

    @property
    def section_s(self) -> float:
        """CPU of a section."""
        return self.to_plan_s + self.images_s + self.end_s


def measure(sections: int) -> Size:
    """Run an array of this size."""
    # Short: sockets lie in it.
    folder = Path(tempfile.mkdtemp(prefix="il"))
    try:
        lived = live(folder, folder, sections, design.FEW_CELLS, (), small=True)
        database_kb = (folder / RUN / "session.sqlite").stat().st_size / 1e3
        return size_of(
            sections, read(folder / SAMPLES), lived.lives[-1].cpu_s, lived.lives[-1].peak_rss_mb, database_kb
        )
    finally:
        shutil.rmtree(folder)


def size_of(
    sections: int, samples: Sequence[Sample], cpu_s: float, peak_mb: float, database_kb: float
) -> Size:
    """Return what an array cost, from the samples of its only process and what that took in all."""
    scanning = [one for one in samples if one.phase == Phase.ELECTRON and one.planned == one.fields]
    begun_s, scanned_s, done_s = samples[0].cpu_s, scanning[0].cpu_s, scanning[-1].cpu_s
    return Size(
        sections=sections,
        jobs=samples[-1].jobs,
        to_plan_s=(scanned_s - begun_s) / sections,
        images_s=(done_s - scanned_s) / sections,
        end_s=(cpu_s - done_s) / sections,
        images_mb=max(one.rss_mb for one in samples if one.cpu_s <= done_s),
        peak_mb=peak_mb,
        database_kb=database_kb / sections,
    )


def rows(sizes: Sequence[Size]) -> list[Row]:
    """Return the table: each size, and the largest over that of a tenth, or of the smallest beyond it."""
    found = [
        low(
            f"{one.sections} sections, {one.jobs} jobs: CPU of a section, s",
            one.section_s,
            f"{one.section_s:.3f}: to the plan {one.to_plan_s:.3f}, images {one.images_s:.3f},"
            f" summary and report {one.end_s:.3f}; {one.peak_mb:.0f} MB",
        )
        for one in sizes
    ]
    if len(sizes) > 1:
        # In the smallest arrays the end of a session weighs more than its sections.
        largest = sizes[-1]
        smaller = min(sizes[:-1], key=lambda one: abs(one.sections - largest.sections / 10))
        names = f"{largest.sections} sections over {smaller.sections}"
        found.append(at_most(f"CPU of a section, {names}", largest.section_s / smaller.section_s, _MOST, 2))
        found.append(
            at_most(f"memory before the summary, {names}", largest.images_mb / smaller.images_mb, _MOST, 2)
        )
    return found


def draw(sizes: Sequence[Size], path: Path) -> None:
    """Draw CPU of a section and memory over the number of sections."""
    figure = Figure(figsize=(11, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    cpu, memory = figure.subplots(1, 2)
    at = [one.sections for one in sizes]
    for name, values in (
        ("to the plan", [one.to_plan_s for one in sizes]),
        ("electron images", [one.images_s for one in sizes]),
        ("summary and report", [one.end_s for one in sizes]),
        ("in all", [one.section_s for one in sizes]),
    ):
        cpu.plot(at, values, "o-", label=name)
    memory.plot(at, [one.images_mb for one in sizes], "o-", label="before the summary")
    memory.plot(at, [one.peak_mb for one in sizes], "o-", label="in all")
    _finish(cpu, "CPU of a section, s", at)
    _finish(memory, "peak of memory, MB", at)
    figure.savefig(path)


def _finish(axes: Axes, name: str, at: Sequence[int]) -> None:
    axes.set(xscale="log", xlabel="sections of the array", ylabel=name, ylim=(0, 1.15 * axes.dataLim.y1))
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xticks(at)
    axes.grid(alpha=0.3)
    axes.legend()


def main(out: Path, sizes: Sequence[int]) -> None:
    """Run, measure, print; after each size, so that what was measured is kept if the next is broken off."""
    out.mkdir(parents=True, exist_ok=True)
    at, begun, found = datetime.now(UTC), time.perf_counter(), list[Size]()
    title = "Arrays of small sections"
    for sections in sizes:
        found.append(measure(sections))
        took_s = time.perf_counter() - begun
        one = Benchmark(name="array_sizes", title=title, took_s=took_s, rows=tuple(rows(found)))
        kept = Kept(at=f"{at:%Y-%m-%dT%H:%M:%SZ}", machine=machine(), benchmarks=(one,))
        write(kept, out / "sizes.json", sizes=[asdict(one) for one in found])
        draw(found, out / "sizes.png")
    console = Console(highlight=False, width=140)
    print_rows(f"{title} ({took_s:.0f} s)", rows(found), console)
    console.print(kept.machine.described())


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "build/array"), [int(n) for n in sys.argv[2:]] or SIZES)
