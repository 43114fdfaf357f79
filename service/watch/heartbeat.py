"""The sign of life of a daemon: a counter in a small file, with who counts.

It lies in the runtime folder, in memory: a run folder whose disk is full or gone does not stop the heart.
"""

import hashlib
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
from service.session.runtime_folder import runtime_directory
from service.watch.systemd import notify

log = get_logger(__name__)

EVERY_S = 1.0
_TURN_S = 30.0
"""A main loop that has not turned for so long is taken for stuck: the heart stops."""
_BYTES = 512
"""Of the file: one write replaces it whole."""


class Beat(Frozen):
    """Content of the file."""

    v: Literal[1] = 1
    pid: int
    started: int
    """Start of the process in clock ticks since boot: with it a pid is never taken for another's."""
    count: int
    ended: Literal["safe", "unsafe"] | None = None
    """How the daemon left the microscope; None while it runs."""


def beat_path(run_id: str) -> Path:
    """File of a run's heartbeat.

    Raises
    ------
    EndpointError
        There is no private runtime folder.
    """
    return runtime_directory() / f"{hashlib.sha256(run_id.encode()).hexdigest()[:12]}.beat"


def read_beat(path: Path) -> Beat | None:
    """Last heartbeat, None if there is none that can be read."""
    try:
        return Beat.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, ValidationError):
        return None


def process_start(pid: int) -> int | None:
    """Start of a process in clock ticks since boot; None if there is none, or it has ended (zombie)."""
    try:
        # The name of the program, in brackets, may hold anything; fields are counted behind it.
        fields = (
            Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        )
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


class Heart:
    """Beats while the program runs and its main loop turns.

    Parameters
    ----------
    path : Path
        See `beat_path`.
    monotonic_s : callable
        Clock of the computer, s.
    """

    def __init__(self, path: Path, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._path, self._monotonic_s = path, monotonic_s
        self._turned_s = monotonic_s()
        self._count = 0
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._started = process_start(os.getpid()) or 0
        self._told = False
        self._thread = threading.Thread(target=self._serve, name="heart", daemon=True)

    def start(self) -> None:
        """Begin."""
        self.beat()
        self._thread.start()

    def turn(self) -> None:
        """The main loop turns."""
        self._turned_s = self._monotonic_s()

    def beat(self) -> None:
        """Beat once, unless the main loop is stuck."""
        if self._monotonic_s() - self._turned_s > _TURN_S:
            if not self._told:
                log.critical("the main loop is stuck")
            self._told = True
            return
        self._told = False
        self._count += 1
        self._write(None)
        notify("WATCHDOG=1")

    def end(self, safe: bool, keep: bool) -> None:
        """Say how the microscope is left; the watchdog acts where it is not safe.

        Without `keep` the file is removed: nobody is there to read it.
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
