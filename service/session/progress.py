"""Step of the runner and its allowed time: a step that stalls is an alarm of its own."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

_PARTS, _EXTRA_S = 1.5, 60.0
"""A step that takes more than 1.5 x its estimate and 60 s is stalled."""

BETWEEN = "work between two steps"
BETWEEN_S = 60.0
"""For saving, checking and recording the largest image."""

ANALYSIS = "detection and planning"
ANALYSIS_S = 300.0
"""For the largest frame, or the plan of the largest section."""


@dataclass(frozen=True, slots=True)
class StepTime:
    """Time of the present step.

    Attributes
    ----------
    step : str or None
        Its name, for people; None while the session waits for a person or has ended.
    running_s, allowed_s : float
        Elapsed and allowed time, s of real time.
    number : int
        Of the step; each step has another.
    renewed_by_events : bool
        True if its time begins again with each event of the session.
    """

    step: str | None
    running_s: float
    allowed_s: float
    number: int = 0
    renewed_by_events: bool = False

    @property
    def stalled(self) -> bool:
        """True if it takes longer than allowed."""
        return self.step is not None and self.running_s > self.allowed_s


class Progress:
    """Step of the runner; safe to use from several threads.

    Parameters
    ----------
    now_s : callable
        Real time, s; the clock of a simulated microscope may run faster.
    """

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._lock = threading.Lock()
        self._step: str | None = None
        self._estimate_s = 0.0
        self._number = 0
        self._renewed_by_events = False
        self._since_s = now_s()

    def begin(self, step: str, estimate_s: float, renewed_by_events: bool = False) -> None:
        """Begin a step that should take `estimate_s`; see `StepTime`."""
        self._set(step, estimate_s, renewed_by_events)

    def rest(self) -> None:
        """End the step: the session waits for a person, or has ended."""
        self._set(None, 0.0, False)

    def renew(self) -> None:
        """Begin the time of the step again."""
        self.discount(float("inf"))

    def discount(self, seconds: float) -> None:
        """Do not count `seconds` in which this program could not run, or by which the clock jumped."""
        with self._lock:
            self._since_s = min(self._now_s(), self._since_s + seconds)

    def current(self) -> StepTime:
        """Return the present step and its time."""
        with self._lock:
            running_s = max(0.0, self._now_s() - self._since_s)
            allowed_s = _PARTS * self._estimate_s + _EXTRA_S
            return StepTime(self._step, running_s, allowed_s, self._number, self._renewed_by_events)

    def _set(self, step: str | None, estimate_s: float, renewed_by_events: bool) -> None:
        with self._lock:
            self._step, self._estimate_s, self._since_s = step, estimate_s, self._now_s()
            self._number += 1
            self._renewed_by_events = renewed_by_events
