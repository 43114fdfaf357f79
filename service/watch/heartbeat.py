"""Heartbeat of a daemon: a counter in a small file, with the process that counts.

It lies in the runtime folder, in memory: a run folder on a full or lost disk does not stop it.
"""

import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from config.base import Frozen
from service.logs import get_logger
from service.session.runtime_folder import run_stem
from service.watch.systemd import notify

log = get_logger(__name__)

EVERY_S = 1.0
_STUCK_S = 30.0
"""A main loop silent for this long is stuck: the heart stops."""
_BYTES = 512
"""Size of the file: one write replaces it whole."""


class Beat(Frozen):
    """Content of the file."""

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


def read_beat(path: Path) -> Beat | None:
    """Return the last heartbeat, None if there is none that can be read."""
    try:
        return Beat.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, ValidationError):
        return None


def process_start(pid: int) -> int | None:
    """Return the start of a process in clock ticks since boot; None if it does not exist or is a zombie."""
    try:
        # The name of the program, in brackets, may contain anything; count the fields after it.
        fields = (
            Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        )
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


class Heart:
    """Heart of a daemon: beats while its main loop runs.

    Parameters
    ----------
    path : Path
        See `beat_path`.
    monotonic_s : callable
        Clock of the computer, s.
    """

    def __init__(self, path: Path, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._path, self._monotonic_s = path, monotonic_s
        self._loop_ran_s = monotonic_s()
        self._count = 0
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._started = process_start(os.getpid()) or 0
        self._stuck_logged = False
        self._thread = threading.Thread(target=self._serve, name="heart", daemon=True)

    def start(self) -> None:
        """Start to beat."""
        self.beat()
        self._thread.start()

    def main_loop_runs(self) -> None:
        """Note that the main loop runs."""
        self._loop_ran_s = self._monotonic_s()

    def beat(self) -> None:
        """Beat once, unless the main loop is stuck."""
        if self._monotonic_s() - self._loop_ran_s > _STUCK_S:
            if not self._stuck_logged:
                log.critical("the main loop is stuck")
            self._stuck_logged = True
            return
        self._stuck_logged = False
        self._count += 1
        self._write(None)
        notify("WATCHDOG=1")

    def end(self, safe: bool, keep: bool) -> None:
        """Write the state in which the microscope is left; if it is unsafe, the watchdog acts.

        Without `keep` the file is removed, as nobody reads it.
        """
        self._over.set()
        with self._lock:
            self._write("safe" if safe else "unsafe")
            if not keep:
                self._path.unlink(missing_ok=True)

    def _serve(self) -> None:
        while not self._over.wait(EVERY_S):
            with self._lock:
                if not self._over.is_set():
                    self.beat()

    def _write(self, ended: Literal["safe", "unsafe"] | None) -> None:
        beat = Beat(pid=os.getpid(), started=self._started, count=self._count, ended=ended)
        try:
            handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.pwrite(handle, beat.model_dump_json().ljust(_BYTES).encode(), 0)
            finally:
                os.close(handle)
        except OSError as error:
            log.error("no heartbeat", error=str(error))
