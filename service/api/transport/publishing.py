"""Publishing of the daemon, so that clients of the same user find it; see `discovery`."""

import os
import threading
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from service.api.transport.discovery import ENDED, RUNNING, DaemonInfo
from service.session.folders.runtime_folder import run_stem, runtime_directory

_STEP_NS = 1_000_000_000
_MOST_ENDED = 20
"""Files of ended daemons that are kept, for `ilemtrack status`. Chosen by hand."""


class Publication:
    """Publication of this daemon, and as the one in ``daemon.json`` unless another one is."""

    def __init__(self) -> None:
        folder = runtime_directory()
        self._own: Path | None = None
        self._file = folder / "daemon.json"
        # Held by the process, not by a thread: the API's thread tries again when another daemon has ended.
        self._lock = FileLock(folder / "daemon.lock", thread_local=False)
        # Two threads that take the lock at once would each see another daemon.
        self._one_at_a_time = threading.Lock()

    def publish(self, info: DaemonInfo) -> bool:
        """Write the file of this daemon, and ``daemon.json`` if it has a microscope.

        Call it again from time to time: a file that has vanished is written again.

        Returns
        -------
        bool
            False if another session on a microscope is alive and published.
        """
        with self._one_at_a_time:
            own = run_stem(info.run).with_suffix(RUNNING)
            # At first there may be that of a process of this run that was killed.
            if self._own is None or not own.exists():
                _write(own, info)
                _make_newest(own)
            self._own = own
            if info.kind != "run":
                return True
            if not self._lock.is_locked:
                try:
                    self._lock.acquire(timeout=0)
                except Timeout:
                    return False
            elif self._file.exists():
                return True
            _write(self._file, info)
            return True

    def withdraw(self) -> None:
        """Remove ``daemon.json`` if it is ours, and mark our own file as that of an ended daemon."""
        if self._own is not None:
            with suppress(FileNotFoundError):
                ended = self._own.rename(self._own.with_suffix(ENDED))
                _make_newest(ended)
            _forget_oldest(self._own.parent)
            self._own = None
        if self._lock.is_locked:
            self._file.unlink(missing_ok=True)
            self._lock.release()


def _write(path: Path, info: DaemonInfo) -> None:
    part = path.with_suffix(".part")
    part.write_text(info.to_json() + "\n", encoding="utf-8")
    part.replace(path)


def _make_newest(path: Path) -> None:
    """Date a file after all others of daemons, also where the clock was set back since they were written."""
    with suppress(OSError):
        others = [one for suffix in (RUNNING, ENDED) for one in path.parent.glob(f"*{suffix}") if one != path]
        latest_ns = max((one.stat().st_mtime_ns for one in others), default=0)
        if path.stat().st_mtime_ns <= latest_ns:
            # Finer steps are not kept by every file system.
            os.utime(path, ns=(latest_ns + _STEP_NS, latest_ns + _STEP_NS))


def _forget_oldest(folder: Path) -> None:
    with suppress(FileNotFoundError):
        ended = sorted(folder.glob(f"*{ENDED}"), key=lambda path: path.stat().st_mtime)
        for path in ended[:-_MOST_ENDED]:
            path.unlink(missing_ok=True)
