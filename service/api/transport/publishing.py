"""Publishing of the daemon, so that clients of the same user find it; see `discovery`."""

import threading

from filelock import FileLock, Timeout

from service.api.transport.discovery import DaemonInfo
from service.session.runtime_folder import runtime_directory


class Publication:
    """Publication of this daemon as the one that clients of the user find, unless another one is."""

    def __init__(self) -> None:
        folder = runtime_directory()
        self._file = folder / "daemon.json"
        # Held by the process, not by a thread: the API's thread tries again when another daemon has ended.
        self._lock = FileLock(folder / "daemon.lock", thread_local=False)
        # Two threads that take the lock at once would each see another daemon.
        self._one_at_a_time = threading.Lock()

    def publish(self, info: DaemonInfo) -> bool:
        """Write ``daemon.json``; return False if another daemon of the user is alive and published.

        Call it again from time to time; it does nothing once it has succeeded.
        """
        with self._one_at_a_time:
            if self._lock.is_locked:
                return True
            try:
                self._lock.acquire(timeout=0)
            except Timeout:
                return False
            part = self._file.with_suffix(".part")
            part.write_text(info.to_json() + "\n", encoding="utf-8")
            part.replace(self._file)
            return True

    def withdraw(self) -> None:
        """Remove ``daemon.json`` if it is ours; harmless otherwise."""
        if self._lock.is_locked:
            self._file.unlink(missing_ok=True)
            self._lock.release()
