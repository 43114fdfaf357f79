"""Clocks whose time passes only when somebody sleeps on them."""

import math
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


class HeldClock:
    """A clock on which time passes at once, but for one sleep: that one waits until it is woken.

    `hold_next(seconds)` makes the next sleep of at least `seconds` that can be woken wait; `held` is set once
    it does. Of a sleep that is woken, `passed` counts as over. Implements `drivers.clock.Clock`.

    Parameters
    ----------
    passed : float
        A fraction.
    """

    def __init__(self, passed: float = 0.5) -> None:
        self.held = threading.Event()
        self._passed = passed
        self._now_s = 0.0
        self._hold_from_s = math.inf
        self._released = False
        self._lock = threading.Lock()

    def hold_next(self, seconds: float) -> None:
        """Hold the next sleep of at least so long."""
        self.held.clear()
        self._released = False
        self._hold_from_s = seconds

    def release(self) -> None:
        """Let a sleep that is held run to its end."""
        self._released = True

    def now_s(self) -> float:
        """Seconds since the clock was made."""
        with self._lock:
            return self._now_s

    def sleep(self, seconds: float, wake: threading.Event | None = None) -> bool:
        """Let `seconds` pass at once, or wait for `wake` when this is the sleep to hold.

        Raises
        ------
        TimeoutError
            Nobody woke the sleep that is held within 20 s.
        """
        if wake is not None and seconds >= self._hold_from_s:
            self._hold_from_s = math.inf
            self._pass(seconds * self._passed)
            self.held.set()
            for _ in range(2000):
                if wake.wait(0.01):
                    return False
                if self._released:
                    self._pass(seconds * (1 - self._passed))
                    return True
            raise TimeoutError("nobody ended the sleep that is held")
        if wake is not None and wake.is_set():
            return False
        self._pass(max(0.0, seconds))
        return True

    def _pass(self, seconds: float) -> None:
        with self._lock:
            self._now_s += seconds
