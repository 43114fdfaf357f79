"""The clock of the microscope, passed to whatever needs time; nothing sleeps on the computer's own clock."""

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """The microscope's clock. Safe to use from several threads."""

    def now_s(self) -> float:
        """Return the time since the clock was made, s; it never goes back."""
        ...

    def sleep(self, seconds: float, wake: threading.Event | None = None) -> bool:
        """Let `seconds` pass, or return early once `wake` is set.

        Returns
        -------
        bool
            True if the whole time passed, False if `wake` was set before or during it.
        """
        ...


class SystemClock:
    """Real time, from the computer's monotonic clock."""

    def __init__(self, start_s: float = 0.0) -> None:
        self._zero_s = time.monotonic() - start_s

    def now_s(self) -> float:
        """Return the time since the clock was made plus `start_s`, s."""
        return time.monotonic() - self._zero_s

    def sleep(self, seconds: float, wake: threading.Event | None = None) -> bool:
        """Let `seconds` pass, or return early once `wake` is set."""
        if wake is None:
            time.sleep(max(0.0, seconds))
            return True
        return not wake.wait(max(0.0, seconds))
