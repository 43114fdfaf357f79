"""What people ask of a running session, and where it lands."""

import threading
from enum import Enum

ASKED = "asked by a person"
"""Reason of a pause or abort that came over the API."""


class Wish(Enum):
    """What was asked, the stronger later."""

    NOTHING = 0
    PAUSE = 1
    ABORT = 2
    SHUTDOWN = 3


class InterruptSession(Exception):  # noqa: N818 - control flow, no error
    """Raised at a checkpoint of the runner when somebody asked for a pause, abort or shutdown."""

    def __init__(self, wish: Wish, reason: str) -> None:
        super().__init__(reason)
        self.wish = wish
        self.reason = reason


class Requests:
    """Wishes put in by any thread, taken by the runner at its checkpoints."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wish = Wish.NOTHING
        self._reason = ""
        self._changed = threading.Event()

    def put(self, wish: Wish, reason: str) -> None:
        """Ask; a weaker wish does not replace a stronger one."""
        with self._lock:
            if wish.value >= self._wish.value:
                self._wish, self._reason = wish, reason
        self._changed.set()

    def wake(self) -> None:
        """Make a waiting runner look at the session's state again."""
        self._changed.set()

    def take(self) -> None:
        """Pass, or raise what was asked; the wish is then granted and gone.

        Raises
        ------
        InterruptSession
        """
        with self._lock:
            wish, reason = self._wish, self._reason
            self._wish, self._reason = Wish.NOTHING, ""
        if wish is not Wish.NOTHING:
            raise InterruptSession(wish, reason)

    def drop(self, wish: Wish) -> None:
        """Forget a wish that makes no sense any more."""
        with self._lock:
            if self._wish is wish:
                self._wish, self._reason = Wish.NOTHING, ""

    def pending(self) -> Wish:
        """Return the wish that waits for the runner."""
        with self._lock:
            return self._wish

    def wait(self, limit_s: float | None = None) -> None:
        """Wait until somebody asks for something, or for `limit_s` of real time."""
        self._changed.wait(limit_s)
        self._changed.clear()
