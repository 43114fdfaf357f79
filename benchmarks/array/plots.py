"""One page of plots of the big dry run."""

import json
from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, ScalarFormatter

from benchmarks.array.figures import Curve, Figures

_KILL = "#b3261e"


def draw(found: Figures, folder: Path, path: Path) -> None:
    """Draw memory, CPU, idle time and queue of a run, and CPU and memory of all sizes kept in a folder."""
    figure = Figure(figsize=(11, 12), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(
        f"{found.sections} sections, {found.fields} fields, {found.jobs} jobs,"
        f" {sum(found.faults.values())} faults, {sum(found.kills.values())} kills"
    )
    memory, cpu, idle, queue, sizes, peaks = figure.subplots(3, 2).ravel()
    _line(memory, found.memory, "memory, MB", "CPU, minutes")
    for at_min in found.kills_min:
        memory.axvline(at_min, color=_KILL, linewidth=0.8, alpha=0.6)
    memory.set_title("memory; red: kills", loc="left", fontsize=10)
    memory.set_ylim(bottom=0)
    _line(
        cpu, found.section_cpu_fluorescence, "CPU of a section, s", "share of the step", "to the plan", "o-"
    )
    _line(
        cpu, found.section_cpu_electron, "CPU of a section, s", "share of the step", "electron images", "s-"
    )
    cpu.legend()
    cpu.set_ylim(bottom=0)
    cpu.set_title("CPU of a section, starts of processes not counted", loc="left", fontsize=10)
    _line(idle, found.idle, "no device at work, s", "session, hours")
    idle.set_ylim(0, max(1.0, *found.idle.y) * 1.1)
    idle.set_title("idle time so far", loc="left", fontsize=10)
    _line(queue, found.queue, "jobs", "session, hours")
    queue.set_title("jobs still to be done", loc="left", fontsize=10)
    kept = sorted(kept_sizes(folder))
    sizes.plot([n for n, _, _ in kept], [cpu_s / n for n, cpu_s, _ in kept], "o-")
    peaks.plot([n for n, _, _ in kept], [peak for _, _, peak in kept], "o-")
    for axes, name in ((sizes, "CPU of a section, s"), (peaks, "peak of memory, MB")):
        axes.set(xscale="log", xlabel="sections of the array", ylabel=name, ylim=(0, None))
        axes.xaxis.set_major_formatter(ScalarFormatter())
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_xticks(sorted({n for n, _, _ in kept}))
        axes.set_title("all sizes run here", loc="left", fontsize=10)
        axes.grid(alpha=0.3)
    figure.savefig(path)


def kept_sizes(folder: Path) -> Sequence[tuple[int, float, float]]:
    """Return sections, CPU without starts, s, and peak of memory, MB, of each run kept in a folder."""
    kept = [json.loads(file.read_text(encoding="utf-8")) for file in folder.glob("array-*.json")]
    return [
        (one["sections"], one["cpu_s"] - one["starts_cpu_s"], one["peak_rss_mb"])
        for one in (each["array"] for each in kept)
    ]


def _line(axes: Axes, curve: Curve, what: str, over: str, name: str | None = None, style: str = "-") -> None:
    axes.plot(curve.x, curve.y, style, linewidth=1, label=name)
    axes.set(xlabel=over, ylabel=what)
    axes.grid(alpha=0.3)
