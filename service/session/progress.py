"""What the runner is doing and how long that may take: no progress is an alarm of its own."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

_PARTS, _EXTRA_S = 1.5, 60.0
"""A step that takes longer than 1.5 x its estimate and 60 s more is stalled."""

BETWEEN = "work between two steps"
BETWEEN_S = 60.0
"""Saving, checking and recording of the largest image."""

ANALYSIS = "detection and planning"
ANALYSIS_S = 300.0
"""For the largest frame, or the plan of the largest section."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a step stands.

    Attributes
    ----------
    step : str or None
        What is being done; None while the session waits for a person or has ended.
    running_s, allowed_s : float
        How long it takes already, and may take, s of real time.
    """

    step: str | None
    running_s: float
    allowed_s: float

    @property
    def stalled(self) -> bool:
        """Whether it takes longer than its estimate allows."""
        return self.step is not None and self.running_s > self.allowed_s


class Progress:
    """The step of the runner. Safe to use from several threads.

    Parameters
    ----------
    now_s : callable
        Real time, s. The microscope's clock would not do: it may run faster.
    """

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._lock = threading.Lock()
        self._step: str | None = None
        self._estimate_s = 0.0
        self._since_s = now_s()

    def begin(self, step: str, estimate_s: float) -> None:
        """Note that a step begins which is to take `estimate_s`."""
        self._set(step, estimate_s)

    def rest(self) -> None:
        """Note that nothing is to be done until a person says so."""
        self._set(None, 0.0)

    def again(self) -> None:
        """Something came forward within the step: its time begins anew."""
        self.forgive(float("inf"))

    def forgive(self, seconds: float) -> None:
        """Do not count `seconds` that passed while this program could not run, or by a jump of the clock."""
        with self._lock:
            self._since_s = min(self._now_s(), self._since_s + seconds)

    def standing(self) -> Standing:
        """How it stands now."""
        with self._lock:
            running_s = max(0.0, self._now_s() - self._since_s)
            return Standing(self._step, running_s, _PARTS * self._estimate_s + _EXTRA_S)

    def _set(self, step: str | None, estimate_s: float) -> None:
        with self._lock:
            self._step, self._estimate_s, self._since_s = step, estimate_s, self._now_s()
