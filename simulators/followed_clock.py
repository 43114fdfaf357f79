"""A clock for devices that work in the background while another program waits for them."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from drivers.clock import Clock
from simulators.errors import ClockError

_LOOK_S = 0.002
_SETTLE_S = 600.0
"""Longest work of a simulated device between two sleeps, s of real time; for a busy computer."""


class FollowedClock:
    """A clock on which some threads let time pass and others, those of a server, follow.

    Implements `drivers.clock.Clock`. A thread inside `following` that sleeps waits until other threads have
    let the time pass; `settle` waits until all followers have done what was due, so that a virtual time that
    jumps never outruns them. Each follower has its own time, at which every sleep ends when it was due,
    however far the others have advanced. Any other thread sleeps on the underlying clock.

    Parameters
    ----------
    base : Clock
    """

    def __init__(self, base: Clock) -> None:
        self._base = base
        self._changed = threading.Condition()
        self._until_s: dict[int, float | None] = {}
        self._own_s: dict[int, float] = {}

    def now_s(self) -> float:
        """Return the time of the underlying clock, or a follower's own, s."""
        own_s = self._own_s.get(threading.get_ident())
        return self._base.now_s() if own_s is None else own_s

    def sleep(self, seconds: float, wake: threading.Event | None = None) -> bool:
        """Let `seconds` pass; a follower waits until others have."""
        me = threading.get_ident()
        if me not in self._until_s:
            return self._base.sleep(seconds, wake)
        until_s = self._own_s[me] + max(0.0, seconds)
        awake = wake or threading.Event()
        self._note(me, until_s)
        try:
            while self._base.now_s() < until_s:
                if awake.wait(_LOOK_S):
                    break
        finally:
            self._own_s[me] = max(self._own_s[me], min(until_s, self._base.now_s()))
            self._note(me, None)
        return not awake.is_set()

    @contextmanager
    def following(self) -> Iterator[None]:
        """Make this thread a follower."""
        me = threading.get_ident()
        self._own_s[me] = self._base.now_s()
        self._note(me, None)
        try:
            yield
        finally:
            with self._changed:
                del self._until_s[me], self._own_s[me]
                self._changed.notify_all()

    def settle(self) -> None:
        """Wait until every follower has ended or sleeps until a later time.

        Raises
        ------
        ClockError
            A follower has worked for 10 minutes of real time.
        """
        end_s = time.monotonic() + _SETTLE_S
        with self._changed:
            while any(until is None or until <= self._base.now_s() for until in self._until_s.values()):
                if time.monotonic() > end_s:
                    raise ClockError("a simulated device does not finish its work")
                self._changed.wait(_LOOK_S)

    def _note(self, thread: int, until_s: float | None) -> None:
        with self._changed:
            self._until_s[thread] = until_s
            self._changed.notify_all()
