"""Samples of a process of the session, several times a second: progress, memory, CPU."""

import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from service.model.jobs import JobState
from service.model.specimen import FieldState
from service.store.store import Store

_EVERY_S = 0.25
_SHARE = 0.02
"""Of the time so far: a small array takes its electron images in less than a quarter of a second."""
_TAIL_BYTES = 2000
"""More than a line."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One moment of one process.

    Attributes
    ----------
    life : int
        Number of the process, from 0.
    phase : str
        Of the session.
    wall_s : float
        Time of day, s since 1970.
    cpu_s : float
        CPU of this process so far.
    rss_mb : float
        Memory that it holds now, MB (1e6 bytes).
    clock_s : float
        The microscope's clock.
    fields_done, fields : int
        Fields that are no longer to be taken, and all.
    planned : int
        Fields whose cells are in the queue.
    jobs_done, jobs_open, jobs_review : int
    """

    life: int
    phase: str
    wall_s: float
    cpu_s: float
    rss_mb: float
    clock_s: float
    fields_done: int
    fields: int
    planned: int
    jobs_done: int
    jobs_open: int
    jobs_review: int

    @property
    def jobs(self) -> int:
        """All jobs planned so far."""
        return self.jobs_done + self.jobs_open + self.jobs_review


class Sampler:
    """Appends a sample to a file, four times a second, more often in the beginning; a session's display."""

    def __init__(self, file: Path, life: int, now_s: Callable[[], float]) -> None:
        self._file, self._life, self._now_s, self._due_s = file, life, now_s, 0.0
        self._begun_s = time.monotonic()

    def __call__(self, store: Store) -> None:
        """Take a sample if it is time for one."""
        now_s = time.monotonic()
        if now_s < self._due_s:
            return
        self._due_s = now_s + min(_EVERY_S, _SHARE * (now_s - self._begun_s))
        fields, jobs = store.specimen.field_counts(), store.queue.counts()
        waits = (JobState.NEEDS_REVIEW, JobState.FAILED)
        done, review = jobs.get(JobState.DONE, 0), sum(jobs.get(state, 0) for state in waits)
        sample = Sample(
            life=self._life,
            phase=store.status().phase.value,
            wall_s=time.time(),
            cpu_s=time.process_time(),
            rss_mb=rss_mb(),
            clock_s=self._now_s(),
            fields_done=sum(fields.values()) - fields.get(FieldState.PENDING, 0),
            fields=sum(fields.values()),
            planned=fields.get(FieldState.PLANNED, 0),
            jobs_done=done,
            jobs_open=sum(jobs.values()) - done - review,
            jobs_review=review,
        )
        append(self._file, asdict(sample))


def rss_mb() -> float:
    """Return the memory that this process holds, MB; of Linux."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def append(file: Path, line: dict[str, object]) -> None:
    """Append one JSON line, in one write: a kill leaves it whole or away."""
    with file.open("ab", buffering=0) as out:
        out.write(json.dumps(line).encode() + b"\n")


def read(file: Path) -> Sequence[Sample]:
    """Return the samples of all processes, in their order."""
    if not file.exists():
        return []
    return [Sample(**json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines()]


def last(file: Path) -> Sample | None:
    """Return the last sample; None before the first."""
    if not file.exists():
        return None
    with file.open("rb") as lines:
        lines.seek(max(0, lines.seek(0, os.SEEK_END) - _TAIL_BYTES))
        tail = lines.read().splitlines()
    return Sample(**json.loads(tail[-1])) if tail else None
