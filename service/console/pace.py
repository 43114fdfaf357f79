"""The pace at which pages are refreshed: a change after a rest is shown at once, many of them together."""

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
