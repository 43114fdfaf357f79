"""The figures of the big dry run, from what its processes left behind."""

import json
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.array.design import FAULTS, WHOLE
from benchmarks.array.life import FAULTS as FAULTS_FILE
from benchmarks.array.life import REMOVED, RUN, SAMPLES
from benchmarks.array.lives import Lived
from benchmarks.array.samples import Sample, read
from benchmarks.array.unkept import job_of, removed_bytes
from benchmarks.measuring.rows import Row, at_most, beside, high, low
from service.model.jobs import ExposureState, JobState
from service.model.phases import Phase
from service.store.store import Store

_BINS = 12

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Curve:
    """A quantity over the CPU, the hours or the share of a step."""

    x: tuple[float, ...]
    y: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """All that was measured.

    Attributes
    ----------
    sections, fields, cells, jobs, done, review : int
        Jobs include those that wait for a person at the end.
    faults : dict of str to int
        That happened, by kind.
    kills : dict of str to int
        By phase of the session.
    stops : int
        Processes that ended by themselves before the session had.
    unasked : int
        Exposures beyond one for each job and one for each approval.
    lost : int
        Jobs without an end, or done without an image.
    cpu_s : float
        Of all processes, their starts included.
    starts_cpu_s : float
        Part of it: from the begin of each process until it drives the session.
    peak_rss_mb : float
        Of the largest process, its report included.
    rss_first_mb, rss_last_mb : float
        Peak in the first and in the last third of the CPU.
    grown_mb : float
        Peak of the last quarter of the longest stretch of electron images without a kill, less that of its
        second quarter.
    cpu_growth : dict of str to float
        CPU of a field, or job, in the last third of a step over that in the first third.
    session_s, idle_s, raster_s : float
    data_gb, raster_gb : float
    recall : float
    memory, section_cpu_fluorescence, section_cpu_electron, idle, queue : Curve
        MB over CPU minutes; CPU-s over the share of the step, twice; s over hours; open jobs over hours.
    kills_min : tuple of float
        CPU minutes at the kills.
    """

    sections: int
    fields: int
    cells: int
    jobs: int
    done: int
    review: int
    end_state: str
    faults: dict[str, int]
    kills: dict[str, int]
    stops: int
    unasked: int
    lost: int
    cpu_s: float
    starts_cpu_s: float
    peak_rss_mb: float
    rss_first_mb: float
    rss_last_mb: float
    grown_mb: float
    cpu_growth: dict[str, float]
    session_s: float
    idle_s: float
    raster_s: float
    data_gb: float
    raster_gb: float
    recall: float
    memory: Curve
    section_cpu_fluorescence: Curve
    section_cpu_electron: Curve
    idle: Curve
    queue: Curve
    kills_min: tuple[float, ...]


def figures(folder: Path, lived: Lived) -> Figures:
    """Return the figures of a session that has ended."""
    said = json.loads(lived.summary)
    samples = read(folder / SAMPLES)
    cpu_s = cumulated_cpu_s(samples)
    rss_mb = np.array([one.rss_mb for one in samples])
    third = cpu_s[-1] / 3
    raster = next(way for way in said["alternatives"] if way["method"] == "raster")
    seen = Counter(json.loads(line)["kind"] for line in _lines(folder / FAULTS_FILE))
    with closing(Store.open(folder / RUN / "session.sqlite")) as store:
        jobs = store.queue.jobs()
        rows = store.ledger.exposures()
        idle = _idle(store)
    # What the program itself takes again, once, is asked for by its rules.
    exposed = Counter(
        row.job for row in rows if row.state is not ExposureState.VOID and row.retake_of is None
    )
    done = {job.id for job in jobs if job.state is JobState.DONE}
    names = [json.loads(line)["image"] for line in _lines(folder / REMOVED)]
    names += [path.name for path in (folder / RUN / "em").glob("*/*.ome.tiff")]
    images_of = {job_of(name) for name in names}
    review = sum(job.state in (JobState.NEEDS_REVIEW, JobState.FAILED) for job in jobs)
    to_plan = progress_cpu(cpu_s, [one.fields_done + one.planned for one in samples], said["sections"])
    taken = progress_cpu(cpu_s, [one.fields_done for one in samples], said["sections"])
    # Not the summary at the end.
    scanning = 1 + max(n for n, one in enumerate(samples) if one.phase == Phase.ELECTRON)
    images = progress_cpu(cpu_s[:scanning], [one.jobs_done for one in samples[:scanning]], said["sections"])
    hours = [one.clock_s / 3600 for one in samples]
    removed_gb = removed_bytes(folder / REMOVED) / 1e9
    return Figures(
        sections=said["sections"],
        fields=said["fields"],
        cells=said["cells"],
        jobs=len(jobs),
        done=len(done),
        review=review,
        end_state=said["end_state"],
        faults=dict(seen),
        kills=dict(Counter(life.phase for life in lived.lives if life.killed)),
        stops=sum(not life.killed for life in lived.lives) - 1,
        unasked=sum(max(0, n - 1 - lived.approved.get(job, 0)) for job, n in exposed.items()),
        lost=len(jobs) - len(done) - review + len(done - images_of),
        cpu_s=sum(life.cpu_s for life in lived.lives),
        starts_cpu_s=starts_cpu_s(samples),
        peak_rss_mb=max(life.peak_rss_mb for life in lived.lives),
        rss_first_mb=float(rss_mb[cpu_s <= third].max()),
        rss_last_mb=float(rss_mb[cpu_s >= 2 * third].max()),
        grown_mb=_grown_mb(samples),
        cpu_growth={
            name: float(np.mean(curve.y[-len(curve.y) // 3 :]) / np.mean(curve.y[: len(curve.y) // 3]))
            for name, curve in (("fluorescence", taken), ("electron", images))
        },
        session_s=said["session_s"],
        idle_s=said["idle_s"],
        raster_s=said["raster_session_s"],
        data_gb=said["data_bytes"] / 1e9 + removed_gb,
        raster_gb=raster["data_bytes"] / 1e9,
        recall=said["contained_recall"],
        memory=Curve(tuple((cpu_s / 60).tolist()), tuple(rss_mb.tolist())),
        section_cpu_fluorescence=to_plan,
        section_cpu_electron=images,
        idle=idle,
        queue=Curve(tuple(hours), tuple(float(one.jobs_open) for one in samples)),
        kills_min=_ends_min(samples, cpu_s),
    )


def rows(found: Figures) -> list[Row]:
    """Return the table."""
    whole = f"{found.sections} sections, {found.fields} fields"
    hours, raster_h = found.session_s / 3600, found.raster_s / 3600
    cpu_min, goal_min = found.cpu_s / 60, _MOST_CPU_S * found.sections / 60
    gb, raster_gb = found.data_gb, found.raster_gb
    taken = found.cpu_growth["fluorescence"]
    faults, kills = sum(found.faults.values()), sum(found.kills.values())
    return [
        Row(f"{whole}: end of the session", found.end_state, "done", found.end_state == "done"),
        Row(f"{found.jobs} jobs: done", f"{found.done}, {found.review} left to a person"),
        Row(f"faults, one in {1 / FAULTS:.0f} calls", f"{faults}: {_counted(found.faults)}"),
        Row("kills", f"{kills}: {_counted(found.kills)}"),
        at_most("processes that stopped by themselves", found.stops, 0, 0),
        at_most("exposures that nobody asked for", found.unasked, 0, 0),
        at_most("jobs lost, or done without an image", found.lost, 0, 0),
        low("CPU, min", cpu_min, f"{cpu_min:.1f}, {found.starts_cpu_s / 60:.1f} of them for starts")
        if found.sections < WHOLE
        else at_most("CPU, min", cpu_min, goal_min, 1),
        # No goal: some plans are made meanwhile, and what a kill undid counts again.
        low("CPU of a field until all are taken, last third over first third", taken, f"{taken:.2f}"),
        at_most("CPU of a job, last third over first third", found.cpu_growth["electron"], 1.1, 2),
        at_most("memory, peak, MB", found.peak_rss_mb, 700, 0),
        at_most("memory, last third over first third", found.rss_last_mb / found.rss_first_mb, 1.1),
        Row("memory gained after the last kill, MB", f"{found.grown_mb:.1f}"),
        at_most("idle, percent of the session", 100 * found.idle_s / found.session_s, 0.5),
        beside("session", hours, raster_h, "h", "raster"),
        beside("images", gb, raster_gb, "GB", "raster"),
        high("contained recall", found.recall, f"{found.recall:.4f}"),
    ]


_MOST_CPU_S = 4.0
"""CPU of a section, s: 20 minutes for 300. In smaller arrays the starts of the processes weigh more."""


def cumulated_cpu_s(samples: Sequence[Sample]) -> Values:
    """Return the CPU of all processes until each sample, without their starts."""
    before, start, found = 0.0, 0.0, list[float]()
    for number, one in enumerate(samples):
        if number == 0 or samples[number - 1].life != one.life:
            before, start = found[-1] if found else 0.0, one.cpu_s
        found.append(before + one.cpu_s - start)
    return np.array(found)


def starts_cpu_s(samples: Sequence[Sample]) -> float:
    """Return the CPU that the starts of all processes took."""
    firsts = {one.life: one.cpu_s for one in reversed(samples)}
    return sum(firsts.values())


def progress_cpu(cpu_s: Values, progress: Sequence[int], sections: int) -> Curve:
    """Return the CPU of one section over the share of a step that is done, by equal parts of the step."""
    reached = np.maximum.accumulate(np.asarray(progress, dtype=np.float64))
    parts = np.linspace(0, reached[-1], min(_BINS, max(3, sections)) + 1)
    # From the last sample without any of it, to the first with all of it.
    first = max(int(np.searchsorted(reached, 0.5)) - 1, 0)
    last = int(np.searchsorted(reached, reached[-1]))
    keep = np.concatenate([[True], np.diff(reached[first : last + 1]) > 0])
    at_s = np.interp(parts, reached[first : last + 1][keep], cpu_s[first : last + 1][keep])
    shares = (parts[1:] + parts[:-1]) / 2 / reached[-1]
    return Curve(tuple(shares.tolist()), tuple((np.diff(at_s) * (len(parts) - 1) / sections).tolist()))


def _grown_mb(samples: Sequence[Sample]) -> float:
    life = samples[-1].life
    rss_mb = [one.rss_mb for one in samples if one.life == life and one.phase == "electron"]
    quarter = len(rss_mb) // 4
    return max(rss_mb[-quarter:]) - max(rss_mb[quarter : 2 * quarter]) if quarter else 0.0


def _ends_min(samples: Sequence[Sample], cpu_s: Values) -> tuple[float, ...]:
    pairs = zip(samples, samples[1:], cpu_s, strict=False)
    return tuple(float(at_s) / 60 for one, then, at_s in pairs if one.life != then.life)


def _idle(store: Store) -> Curve:
    """Return the time in which no device worked, s, over the hours of the session."""
    begun_s: float | None = None
    busy_s, x, y = 0.0, list[float](), list[float]()
    for event in store.events.each():
        if event.kind == "session" and begun_s is None:
            begun_s = event.time_s
        if event.kind == "devices_busy" and begun_s is not None:
            busy_s += float(event.data["busy_s"])
            x.append((event.time_s - begun_s) / 3600)
            y.append(max(0.0, event.time_s - begun_s - busy_s))
    return Curve(tuple(x), tuple(y))


def _lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []


def _counted(counts: dict[str, Any]) -> str:
    return ", ".join(f"{n} {name.replace('_', ' ')}" for name, n in sorted(counts.items())) or "none"
