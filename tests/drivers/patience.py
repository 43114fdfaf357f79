"""A stopwatch for deadlines in tests: it tells a peer that hangs from one that the computer slows down."""

import threading
import time
from collections.abc import Callable

SLOW = 1 / 30
"""Seconds of the stopwatch for one of real time while no peer hangs on purpose.

On a busy computer it answers late, and must not be given up.
"""


class Patience:
    """Time as the deadlines of a client see it; call it for a reading, s. Safe to use from several threads.

    Parameters
    ----------
    hangs : callable
        Returns True while the peer hangs on purpose.
    pace : float
        Seconds of the stopwatch for one of real time while it does.
    """

    def __init__(self, hangs: Callable[[], bool], pace: float = 1.0) -> None:
        self._hangs = hangs
        self._pace = pace
        self._lock = threading.Lock()
        self._read_s = time.monotonic()
        self._hung = False
        self._total_s = 0.0

    def __call__(self) -> float:
        hangs = self._hangs()
        with self._lock:
            now_s = time.monotonic()
            # Only an interval with a hang at both its ends counts as one.
            pace = self._pace if hangs and self._hung else SLOW
            self._total_s += (now_s - self._read_s) * pace
            self._read_s, self._hung = now_s, hangs
            return self._total_s
