"""Moments of a session: at which one it was killed, and the wait for a certain one."""

import os
import random
import signal
import sqlite3
import threading
import time
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service.model.jobs import JobKind, JobState
from service.model.phases import Phase
from service.model.specimen import FieldState
from service.store.store import Store

_LOOK_S = 0.002
_IN_FLIGHT = (JobState.ARMED, JobState.EXPOSED, JobState.SAVED)
_WAY_OF_A_FIELD = (FieldState.DETECTED, FieldState.SAVED, FieldState.PENDING)


def moment(store: Store, answered: bool) -> str:
    """Return the moment at which a session was killed, by its store before anybody recovers it."""
    phase = store.status().phase.value
    if not answered:
        return f"{phase}, at a start before the first answer"
    for job in store.queue.jobs():
        if job.state in _IN_FLIGHT:
            again = " again" if job.retake_of is not None else ""
            return f"{phase}, {job.kind.value} {job.state.value}{again}"
    if phase == Phase.FLUORESCENCE:
        fields = {field.state for field in store.specimen.fields()}
        least = next((state.value for state in _WAY_OF_A_FIELD if state in fields), "planned")
        return f"{phase}, a field {least}"
    return phase


def _in_phase(phase: Phase) -> str:
    return f"SELECT 1 FROM run WHERE phase = '{phase.value}'"


def _field_is(state: FieldState) -> str:
    return f"SELECT 1 FROM run JOIN field ON phase = 'fluorescence' AND state = '{state.value}'"


def _job_is(state: JobState, kind: JobKind) -> str:
    return f"SELECT 1 FROM job WHERE state = '{state.value}' AND kind = '{kind.value}'"


EARLY: Mapping[str, str] = {
    **{
        phase.value: _in_phase(phase)
        for phase in (Phase.PREFLIGHT, Phase.TO_PARTIAL_VACUUM, Phase.FLUORESCENCE, Phase.RECOVERING)
    },
    **{f"field {state.value}": _field_is(state) for state in (FieldState.SAVED, FieldState.DETECTED)},
}
"""Queries that give a row at a moment of the time before there are jobs."""
LATE: Mapping[str, str] = {
    **{
        phase.value: _in_phase(phase)
        for phase in (
            Phase.TO_HIGH_VACUUM,
            Phase.RECOVERING,
            Phase.PAUSED,
            Phase.REVIEW,
            Phase.TO_PARTIAL_VACUUM,
        )
    },
    **{f"{kind.value} {state.value}": _job_is(state, kind) for state in _IN_FLIGHT for kind in JobKind},
    "frame taken again": "SELECT 1 FROM job WHERE retake_of IS NOT NULL AND state IN ('armed', 'exposed')",
}
"""The same once there are some."""
_SCAN_S = 0.3
"""Of the moment that a job is armed, any part of its scan may be meant."""


@dataclass(frozen=True, slots=True)
class Aim:
    """A moment to kill at: once a query gives a row, and then so much later."""

    query: str
    later_s: float

    @classmethod
    def drawn(cls, rng: random.Random, run: Path) -> "Aim":
        """Draw one that the session may still come to."""
        choices = LATE if _has_jobs(run) else EARLY
        name = rng.choice(sorted(choices))
        return cls(choices[name], rng.uniform(0, _SCAN_S) if name.endswith(JobState.ARMED.value) else 0.0)


def _has_jobs(run: Path) -> bool:
    with suppress(sqlite3.Error), closing(_reading(run)) as connection:
        return connection.execute("SELECT 1 FROM job LIMIT 1").fetchone() is not None
    return False


def _reading(run: Path) -> sqlite3.Connection:
    # Not one that makes the file, or its log.
    return sqlite3.connect(f"file:{run / 'session.sqlite'}?mode=ro", uri=True, timeout=0.1)


def last_seq(run: Path) -> int:
    """Return the number of the last event; 0 where there is none."""
    with suppress(sqlite3.Error), closing(_reading(run)) as connection:
        return int(connection.execute("SELECT coalesce(max(seq), 0) FROM event").fetchone()[0])
    return 0


class Hunter(threading.Thread):
    """Kills a process as soon as its session is at a moment: no answer of the API is waited for.

    Parameters
    ----------
    aim : Aim
    daemon : process
        With `pid` and `poll`.
    run : Path
    since : int
        Number of the last event before the process was started: what stands there then is not of its doing.
    """

    def __init__(self, aim: Aim, daemon: Any, run: Path, since: int) -> None:
        super().__init__(daemon=True)
        self._aim, self._process, self._run, self._since = aim, daemon, run, since
        self._given_up = threading.Event()

    def run(self) -> None:
        """Look until the moment has come, or the process has ended, or nobody waits any more."""
        connection: sqlite3.Connection | None = None
        seen = None
        while not self._given_up.is_set() and self._process.poll() is None:
            time.sleep(_LOOK_S)
            try:
                connection = connection or _reading(self._run)
                # Changes with each commit of others, and costs less than a query.
                before, seen = seen, connection.execute("PRAGMA data_version").fetchone()
                if seen == before:
                    continue
                begun = connection.execute("SELECT 1 FROM event WHERE seq > ?", (self._since,)).fetchone()
                if begun and connection.execute(self._aim.query).fetchone():
                    self._given_up.wait(self._aim.later_s)
                    with suppress(ProcessLookupError):
                        os.kill(self._process.pid, signal.SIGKILL)
                    break
            except sqlite3.Error:
                # The run is about to begin.
                connection = seen = None
        if connection is not None:
            connection.close()

    def give_up(self) -> None:
        """Kill nothing any more."""
        self._given_up.set()
        self.join()
