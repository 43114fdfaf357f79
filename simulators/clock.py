"""A clock whose time passes only when somebody sleeps on it."""

import threading


class FastClock:
    """Virtual time: `sleep` returns at once and moves the clock on. Safe to use from several threads.

    Implements `drivers.clock.Clock`. Real time is `drivers.clock.SystemClock`.

    Parameters
    ----------
    start_s : float
        Reading of the clock when it is made, s.
    """

    def __init__(self, start_s: float = 0.0) -> None:
        self._now_s = start_s
        self._lock = threading.Lock()

    def now_s(self) -> float:
        """Seconds since the clock was made, plus `start_s`."""
        with self._lock:
            return self._now_s

    def sleep(self, seconds: float, wake: threading.Event | None = None) -> bool:
        """Move the clock on by `seconds`, or leave it when `wake` is set already.

        Returns
        -------
        bool
            False if `wake` was set, else True.
        """
        if wake is not None and wake.is_set():
            return False
        with self._lock:
            self._now_s += max(0.0, seconds)
        return True
