"""How one thread ends the blocking call of another."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class StopSwitch:
    """Ends the blocking call that runs now; without one, `stop` has no effect on the next."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wake: threading.Event | None = None

    @contextmanager
    def running(self) -> Iterator[threading.Event]:
        """Mark a blocking call; gives the event that `stop` sets, to be slept on."""
        wake = threading.Event()
        with self._lock:
            self._wake = wake
        try:
            yield wake
        finally:
            with self._lock:
                self._wake = None

    def stop(self) -> None:
        """Wake the call that runs now, if any."""
        with self._lock:
            if self._wake is not None:
                self._wake.set()
