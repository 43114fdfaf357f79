"""Archives on 1 to 16 workers: durations of tasks, measured here one by one, and listed onto workers.

The time on several workers is that of a list schedule: each task goes to the worker that is free first, in
the order in which ilemtrack hands them out. It counts the time to hand a task out, and leaves out the start
of the cluster and what workers of one machine take from each other.
"""

import heapq
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from benchmarks.measuring.rows import Row, at_least
from config.loading import load
from drivers.recorded.listed.frames import ListedFrame, list_frames
from service.archive.stack import section_names
from service.batch.frames import detect_archive
from service.batch.stack import detect_in_windows, detect_whole, detect_window
from service.batch.tasks import Order
from service.batch.windows import AFTER, BEFORE, LONGEST_CORE, Window
from service.cluster.workers import Here, Lost
from service.evaluation.synthetic import realistic_config, realistic_frames, write_synthetic

T = TypeVar("T")
R = TypeVar("R")

TITLE = "archives on workers"
ON_REQUEST = True
SECTIONS = 200
ARCHIVE_FRAMES = 4000
"""Of an archive of thousands of frames, with the durations measured on `SECTIONS` of them, over and over."""
STACK_WINDOWS = 64
"""Of a stack of thousands of sections, likewise."""
HAND_OUT_S, TAKE_S = 0.0066, 0.0062
"""CPU time of a task beside its work: of client and scheduler together, which hand out one after the other,
and of the worker. A thousand tasks that do nothing, on a cluster of this computer."""
WORKERS = (2, 16)


class Timed(Here):
    """Does the work here, and keeps how long each value took."""

    def __init__(self) -> None:
        self.durations_s: list[float] = []

    def each(self, function: Callable[[T], R], values: Sequence[T]) -> Iterator[R | Lost]:
        """Yield the result for each value; see `Workers.each`."""
        for value in values:
            begun_s = time.process_time()
            result = function(value)
            self.durations_s.append(time.process_time() - begun_s)
            yield result


def scheduled_s(durations_s: Sequence[float], workers: int) -> float:
    """Return the time until the last task is done, each given to the worker that is free first.

    Tasks are handed out one after the other, `HAND_OUT_S` apart.
    """
    free_s = [0.0] * workers
    for number, duration_s in enumerate(durations_s):
        begin_s = max(heapq.heappop(free_s), number * HAND_OUT_S)
        heapq.heappush(free_s, begin_s + TAKE_S + duration_s)
    return max(free_s)


def run() -> list[Row]:
    """Detect single frames, and a stack in windows, and schedule the tasks."""
    order = Order(load("simulator").detection, "benchmark")
    with tempfile.TemporaryDirectory() as folder:
        config = realistic_config(7, SECTIONS)
        write_synthetic(Path(folder), realistic_frames(config), SECTIONS, {})
        frames = list_frames(Path(folder) / "sections.ome.tiff")
        return [*_single(frames, order), *_stack(frames, order)]


def _single(frames: Sequence[ListedFrame], order: Order) -> list[Row]:
    timed = Timed()
    # The first one also loads the libraries.
    list(detect_archive(frames[:8], order, Here()))
    list(detect_archive(frames, order, timed))
    tasks_s = _repeated(timed.durations_s, ARCHIVE_FRAMES * len(timed.durations_s) // len(frames))
    rows = [
        Row(
            f"CPU time of a frame of {frames[0].shape[1]} px",
            f"{1e3 * sum(timed.durations_s) / len(frames):.1f} ms",
        )
    ]
    return rows + [
        at_least(
            f"single frames: speed-up on {count} workers, {ARCHIVE_FRAMES} frames",
            sum(tasks_s) / scheduled_s(tasks_s, count),
            1.7 if count == 2 else 14,
        )
        for count in WORKERS
    ]


def _stack(frames: Sequence[ListedFrame], order: Order) -> list[Row]:
    names = section_names(frames)
    begun_s = time.process_time()
    whole = detect_whole(frames, names, order)
    whole_s = time.process_time() - begun_s
    timed = Timed()
    joined = detect_in_windows(frames, names, order, timed)
    same = sum(
        _plain(one.document) == _plain(other.document)
        for one, other in zip(whole.found, joined.found, strict=True)
    )
    section_s = whole_s / len(frames)
    around_s = _inside_s(frames, names, order) - section_s * (len(frames) - BEFORE - AFTER)
    windows_s = [section_s * LONGEST_CORE + around_s] * STACK_WINDOWS
    alone_s = section_s * LONGEST_CORE * STACK_WINDOWS
    rows = [
        at_least(
            f"stack in windows: share of {len(frames)} sections as in the whole stack",
            same / len(frames),
            1.0,
        ),
        Row(
            f"stack in {len(timed.durations_s)} windows: CPU time over that of the whole stack",
            f"{sum(timed.durations_s) / whole_s:.2f}",
        ),
        Row("sections around a window: CPU time in whole sections", f"{around_s / section_s:.1f}"),
    ]
    return rows + [
        at_least(
            f"stack in windows: speed-up on {count} workers, {STACK_WINDOWS} windows of {LONGEST_CORE}",
            alone_s / scheduled_s(windows_s, count),
            1.7 if count == 2 else 14,
        )
        for count in WORKERS
    ]


def _inside_s(frames: Sequence[ListedFrame], names: Sequence[str], order: Order) -> float:
    """Return the CPU time of a window that has all the sections around it, unlike the first of a stack."""
    window = Window(0, BEFORE, len(frames) - AFTER, len(frames))
    begun_s = time.process_time()
    detect_window(order, False, (window, frames, names))
    return time.process_time() - begun_s


def _plain(document: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key != "elapsed_ms"}


def _repeated(values: Sequence[float], count: int) -> list[float]:
    return [values[n % len(values)] for n in range(count)]
