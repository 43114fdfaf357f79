"""Heart of a daemon: a counter in a small file, with the process that counts.

It lies in the runtime folder, in memory: a run folder on a full or lost disk does not stop it. Where the
runtime folder has been removed and cannot be made again, as by systemd-logind at the end of a login, the file
is written into the run folder. A socket tells the same; see `service.watch.heartbeat.pulse`.
"""

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from service.logs import Seldom, get_logger
from service.watch.heartbeat.beat import Beat, own_beat
from service.watch.heartbeat.pulse import Pulse
from service.watch.systemd import notify

log = get_logger(__name__)

EVERY_S = 1.0
_STUCK_S = 30.0
"""A main loop silent for this long is stuck: the heart stops."""
_BYTES = 512
"""Size of the file: one write replaces it whole."""


class Heart:
    """Heart of a daemon: beats while its main loop runs.

    Parameters
    ----------
    path : Path
        See `service.watch.heartbeat.beat.beat_path`.
    spare : Path, optional
        Written while `path` cannot be.
    monotonic_s : callable
        Clock of the computer, s.
    """

    def __init__(
        self, path: Path, spare: Path | None = None, monotonic_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._path, self._spare, self._monotonic_s = path, spare, monotonic_s
        self._loop_ran_s = monotonic_s()
        self._last = own_beat(0)
        self._pulse = Pulse(lambda: self._last)
        self._seldom = Seldom()
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._stuck_logged = False
        self._thread = threading.Thread(target=self._serve, name="heart", daemon=True)

    def start(self) -> None:
        """Start to beat."""
        if self._spare is not None:
            with suppress(OSError):
                # Of an earlier process.
                self._spare.unlink()
        self.beat()
        self._pulse.start()
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
        self._write(self._last.model_copy(update={"count": self._last.count + 1}))
        notify("WATCHDOG=1")

    def end(self, safe: bool, keep: bool) -> None:
        """Write the state in which the microscope is left; if it is unsafe, the watchdog acts.

        Without `keep` the file is removed, as nobody reads it.
        """
        self._over.set()
        with self._lock:
            self._write(self._last.model_copy(update={"ended": "safe" if safe else "unsafe"}))
            self._pulse.stop()
            if not keep:
                self._path.unlink(missing_ok=True)

    def _serve(self) -> None:
        while not self._over.wait(EVERY_S):
            with self._lock:
                if not self._over.is_set():
                    self.beat()

    def _write(self, beat: Beat) -> None:
        self._last = beat
        try:
            try:
                _write_whole(self._path, beat)
            except FileNotFoundError:
                # Only the last folder: nothing is made where a whole tree has gone.
                self._path.parent.mkdir(mode=0o700)
                _write_whole(self._path, beat)
        except OSError as error:
            self._seldom.write(log.error, "no heartbeat in the runtime folder", error=str(error))
            self._write_spare(beat)

    def _write_spare(self, beat: Beat) -> None:
        if self._spare is None:
            return
        try:
            _write_whole(self._spare, beat)
        except OSError as error:
            self._seldom.write(log.error, "no heartbeat in the run folder", error=str(error))


def _write_whole(path: Path, beat: Beat) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.pwrite(handle, beat.model_dump_json().ljust(_BYTES).encode(), 0)
    finally:
        os.close(handle)
