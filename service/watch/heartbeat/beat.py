"""One heartbeat of a daemon, and the process that it is of."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from config.base import Frozen
from service.session.folders.run_folder import RunFolder
from service.session.folders.runtime_folder import run_stem

_STOPPED = "Tt"
_GONE = "ZX"
"""States of a process that does not run; see proc_pid_stat(5)."""


class Beat(Frozen):
    """Content of a heartbeat file."""

    v: Literal[1] = 1
    pid: int
    started: int
    """Start of the process in clock ticks since boot; it makes the pid unique."""
    count: int
    ended: Literal["safe", "unsafe"] | None = None
    """State in which the daemon left the microscope; None while it runs."""


def beat_path(run_id: str) -> Path:
    """Return the heartbeat file of a run.

    Raises
    ------
    EndpointError
        There is no private runtime folder.
    """
    return run_stem(run_id).with_suffix(".beat")


def beat_paths(run_id: str, folder: RunFolder) -> tuple[Path, Path]:
    """Return the heartbeat file of a run, and the one that is written where the first cannot be.

    Raises
    ------
    EndpointError
        There is no private runtime folder.
    """
    return beat_path(run_id), folder.heartbeat


def read_beat(path: Path) -> Beat | None:
    """Return the last heartbeat, None if there is none that can be read."""
    try:
        return Beat.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, ValidationError):
        return None


def latest_beat(paths: Sequence[Path]) -> Beat | None:
    """Return the last heartbeat that lies in one of some files: of the process that started last."""
    found = [beat for path in paths if (beat := read_beat(path)) is not None]
    return max(found, key=lambda beat: (beat.started, beat.count, beat.ended is not None), default=None)


def own_beat(count: int, ended: Literal["safe", "unsafe"] | None = None) -> Beat:
    """Return a heartbeat of this process."""
    return Beat(pid=os.getpid(), started=process_start(os.getpid()) or 0, count=count, ended=ended)


def process_start(pid: int) -> int | None:
    """Return the start of a process in clock ticks since boot; None if it does not exist or is a zombie."""
    fields = _stat(pid)
    return None if fields is None or fields[0] in _GONE else int(fields[19])


def process_runs(pid: int) -> bool:
    """Return True if a process exists and is not stopped."""
    fields = _stat(pid)
    return fields is not None and fields[0] not in _GONE + _STOPPED


def _stat(pid: int) -> list[str] | None:
    """Return the fields of ``/proc/PID/stat`` after the name of the program."""
    try:
        # The name, in brackets, may contain anything.
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    return text.rpartition(")")[2].split()
