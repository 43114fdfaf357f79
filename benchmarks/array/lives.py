"""The processes of the session, one after another, each killed at its moment; the last one ends by itself."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.array.design import Kill
from benchmarks.array.life import RUN, SAMPLES, SMALL
from benchmarks.array.samples import Sample, last
from service.api.client import Client
from service.api.transport.endpoints import run_endpoints
from service.errors import ApiError, InputError, NoDaemonError
from service.session.folders.run_folder import open_existing
from service.store.durable import write_text

_LOOK_S = 0.05
_ROUND_S = 2.0
"""Time between two looks of the person who approves what needs review; chosen by hand."""
MOST_STOPS = 20
"""Processes that may stop by themselves before the session has ended; then it is given up."""

ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "OPENCV_FOR_THREADS_NUM": "1",
    "MALLOC_ARENA_MAX": "2",
}
"""Threads that share matrices of some hundred rows use more CPU and are no quicker."""


@dataclass(frozen=True, slots=True)
class Life:
    """The end of one process.

    Attributes
    ----------
    number : int
        From 0.
    killed : bool
        By us; else it ended by itself.
    phase : str
        Of the session, when it was last seen.
    status : int
        Exit status; -9 when killed.
    cpu_s : float
        With all its children that it waited for.
    peak_rss_mb : float
    """

    number: int
    killed: bool
    phase: str
    status: int
    cpu_s: float
    peak_rss_mb: float


@dataclass(frozen=True, slots=True)
class Lived:
    """All processes, the summary that the last one printed, and approvals by job."""

    lives: tuple[Life, ...]
    summary: str
    approved: dict[str, int]


class Person:
    """Whoever approves what needs review, as a person does who comes by now and then."""

    def __init__(self, run: Path) -> None:
        self._run, self._due_s = run, 0.0
        self.approved: Counter[str] = Counter()

    def look(self) -> None:
        """Approve what needs review, if it is time for a look."""
        if time.monotonic() < self._due_s or not (self._run / "run.json").exists():
            return
        self._due_s = time.monotonic() + _ROUND_S
        # The run may be about to begin.
        with suppress(NoDaemonError, ApiError, InputError):
            where = run_endpoints(open_existing(self._run)[1].run)
            with Client(where.requests, timeout_s=5) as client:
                waiting = [job["job"] for job in client.call("queue.list", state="needs_review")["jobs"]]
                if waiting:
                    # Counted first: a reply that a kill cut off may have been carried out.
                    self.approved.update(waiting)
                    client.call("queue.approve", jobs=waiting, by="array", reason="looked at it")


def live(
    folder: Path, runtime: Path, sections: int, cells: float, kills: Sequence[Kill], *, small: bool = False
) -> Lived:
    """Run the session in a new folder to its end, killed at the moments of `kills`.

    `runtime` is a folder for sockets, of a short name, that only this user may enter.

    Raises
    ------
    RuntimeError
        It stopped by itself too often.
    """
    os.environ["XDG_RUNTIME_DIR"] = str(runtime)
    person = Person(folder / RUN)
    left, lives = list(kills), list[Life]()
    while True:
        command = [sys.executable, "-m", "benchmarks.array.life", str(folder), str(len(lives))]
        command += [str(sections), str(cells), *([SMALL] if small else [])]
        life = _one(folder, len(lives), command, left[0] if left else None, person)
        lives.append(life)
        if life.killed:
            left.pop(0)
        elif life.status == 0:
            lived = Lived(tuple(lives), _printed(folder).read_text(encoding="utf-8"), dict(person.approved))
            write_text(folder / "lives.json", json.dumps(asdict(lived)))
            return lived
        elif sum(not one.killed for one in lives) > MOST_STOPS:
            raise RuntimeError(f"the session stopped {MOST_STOPS} times; see {_errors(folder)}")


def _one(folder: Path, number: int, command: Sequence[str], kill: Kill | None, person: Person) -> Life:
    with _printed(folder).open("wb") as printed, _errors(folder).open("ab") as errors:
        process = subprocess.Popen(command, stdout=printed, stderr=errors, env=os.environ | ONE_THREAD)
    killed = False
    try:
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            seen = last(folder / SAMPLES)
            if pid:
                break
            if kill is not None and seen is not None and not killed and is_due(kill, seen):
                time.sleep(kill.later_s)
                os.kill(process.pid, signal.SIGKILL)
                killed = True
            elif not killed:
                person.look()
                time.sleep(_LOOK_S)
    except BaseException:
        process.kill()
        raise
    process.returncode = os.waitstatus_to_exitcode(status)
    # It may have ended by itself in the moment before the signal.
    killed = killed and process.returncode == -signal.SIGKILL
    phase = "start" if seen is None else seen.phase
    cpu_s = usage.ru_utime + usage.ru_stime
    return Life(number, killed, phase, process.returncode, cpu_s, usage.ru_maxrss * 1024 / 1e6)


def is_due(kill: Kill, seen: Sample) -> bool:
    """Return True once a session has come to the moment of a kill."""
    if kill.step == "fluorescence":
        return seen.fields_done >= kill.share * seen.fields
    ready = seen.fields_done == seen.fields == seen.planned
    return ready and seen.jobs_done >= kill.share * seen.jobs


def _printed(folder: Path) -> Path:
    return folder / "summary.json"


def _errors(folder: Path) -> Path:
    return folder / "errors.txt"
