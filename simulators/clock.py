"""Virtual clocks: time passes only while a thread sleeps on them."""

import math
import threading


class FastClock:
    """Virtual time: `sleep` returns at once and advances the clock. Safe to use from several threads.

    Implements `drivers.clock.Clock`. Real time is `drivers.clock.SystemClock`.

    Parameters
    ----------
    start_s : float
        Initial reading, s.
    """

    def __init__(self, start_s: float = 0.0) -> None:
        self._now_s = start_s
        self._lock = threading.Lock()

    def now_s(self) -> float:
        """Return the time since the clock was made plus `start_s`, s."""
        with self._lock:
            return self._now_s

    def sleep(self, seconds: float, wake: threading.Event | None = None) -> bool:
        """Advance the clock by `seconds`, unless `wake` is already set.

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
    """A virtual clock on which one sleep can be held until it is woken. Implements `drivers.clock.Clock`.

    After `hold_next(seconds)` the next sleep of at least `seconds` that can be woken waits; `held` is set
    once it does. When it is woken, the fraction `passed` of its time has gone by.

    Parameters
    ----------
    passed : float
        Fraction, 0 to 1.
    """

    def __init__(self, passed: float = 0.5) -> None:
        self.held = threading.Event()
        self._passed = passed
        self._now_s = 0.0
        self._hold_from_s = math.inf
        self._released = False
        self._lock = threading.Lock()

    def hold_next(self, seconds: float) -> None:
        """Hold the next sleep of at least `seconds`."""
        self.held.clear()
        self._released = False
        self._hold_from_s = seconds

    def release(self) -> None:
        """Let the held sleep run to its end."""
        self._released = True

    def now_s(self) -> float:
        """Return the time since the clock was made, s."""
        with self._lock:
            return self._now_s

    def sleep(self, seconds: float, wake: threading.Event | None = None) -> bool:
        """Let `seconds` pass at once; the sleep chosen by `hold_next` waits for `wake`.

        Raises
        ------
        TimeoutError
            The held sleep was not woken within 20 s of real time.
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
            raise TimeoutError("the held sleep was not woken")
        if wake is not None and wake.is_set():
            return False
        self._pass(max(0.0, seconds))
        return True

    def _pass(self, seconds: float) -> None:
        with self._lock:
            self._now_s += seconds
