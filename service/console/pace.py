"""The pace at which pages are refreshed, and at which the daemon is asked for what they show.

A change after a rest is shown at once, many of them together.
"""

import time
from collections import deque

_TOGETHER_S = 0.05
"""Time in which changes are collected before the pages show them, s: an event and the status after it."""

_APART_S = 0.25
"""Mean time between two refreshes in the long run, s, at least."""

_AT_ONCE = 2
"""Refreshes that may follow each other at once after a rest: the status alone is shown every two seconds, and
a change just after it must not wait."""


class Pace:
    """Times of refreshes; all times on one clock, s."""

    def __init__(self) -> None:
        self._made_s: deque[float] = deque(maxlen=_AT_ONCE)

    def wait_s(self, now_s: float) -> float:
        """Return the time to wait with a refresh that is wanted now."""
        earliest_s = self._made_s[0] + _AT_ONCE * _APART_S if len(self._made_s) == _AT_ONCE else now_s
        return max(_TOGETHER_S, earliest_s - now_s)

    def made(self, now_s: float) -> None:
        """Note a refresh."""
        self._made_s.append(now_s)


_SHARE, _CREDIT_S = 0.012, 0.25
"""Part of the daemon's time that questions for the status may take in the long run, and time that they may
take at once after a rest, s: a status of 100,000 jobs takes 5 ms."""

_DEAREST_S = 0.1
"""Longest time that an answer is taken to cost, s; more than a status of 300,000 jobs."""


class Budget:
    """Time of the daemon that questions may take: a context for each of them."""

    def __init__(self) -> None:
        self._credit_s, self._at = _CREDIT_S, time.monotonic()
        self.last_s = 0.0
        """Time that the last question took."""

    def __enter__(self) -> None:
        self._earn()
        self._begun = time.monotonic()

    def __exit__(self, *error: object) -> None:
        # A daemon that was busy or is gone has spent nothing on the answer.
        self.last_s = min(time.monotonic() - self._begun, _DEAREST_S)
        self._credit_s -= self.last_s

    def wait_s(self) -> float:
        """Return the time until the next question may be asked, s."""
        self._earn()
        return max(0.0, -self._credit_s / _SHARE)

    def rest_s(self) -> float:
        """Return the time after which a question as dear as the last is earned, s."""
        return self.last_s / _SHARE

    def _earn(self) -> None:
        now = time.monotonic()
        self._credit_s = min(_CREDIT_S, self._credit_s + (now - self._at) * _SHARE)
        self._at = now
