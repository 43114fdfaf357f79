"""Interrupts of a running session: pause, abort, shutdown."""

import threading
from enum import Enum

from service.model.phases import PauseCause


class Interrupt(Enum):
    """Kind of an interrupt, the stronger the later."""

    NOTHING = 0
    PAUSE = 1
    ABORT = 2
    SHUTDOWN = 3


class InterruptSession(Exception):  # noqa: N818 - control flow, no error
    """Raised at a checkpoint of the runner to pause, abort or shut down the session.

    Parameters
    ----------
    interrupt : Interrupt
    reason : str
        For people.
    cause : PauseCause, optional
        Of a pause, which needs one; other interrupts have none.

    Raises
    ------
    ValueError
        A pause without a cause, or a cause without a pause.
    """

    def __init__(self, interrupt: Interrupt, reason: str, cause: PauseCause | None = None) -> None:
        if (interrupt is Interrupt.PAUSE) != (cause is not None):
            raise ValueError(
                f"{interrupt.name} with cause {cause}: a pause has a cause, and nothing else has"
            )
        super().__init__(reason)
        self.interrupt = interrupt
        self.reason = reason
        self.cause = cause


class Interrupts:
    """Interrupts requested by any thread and taken by the runner at its checkpoints."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pending: InterruptSession | None = None
        self._changed = threading.Event()

    def put(self, interrupt: Interrupt, reason: str, cause: PauseCause | None = None) -> None:
        """Request an interrupt; it does not replace a stronger one."""
        new = InterruptSession(interrupt, reason, cause)
        with self._lock:
            if self._pending is None or interrupt.value >= self._pending.interrupt.value:
                self._pending = new
        self._changed.set()

    def wake(self) -> None:
        """Make a waiting runner look at the session's state again."""
        self._changed.set()

    def take(self) -> None:
        """Raise the pending interrupt, which is then no longer pending; return if there is none.

        Raises
        ------
        InterruptSession
        """
        with self._lock:
            pending, self._pending = self._pending, None
        if pending is not None:
            raise pending

    def drop(self, interrupt: Interrupt) -> bool:
        """Forget a pending interrupt of this kind; return True if there was one."""
        with self._lock:
            if self._pending is None or self._pending.interrupt is not interrupt:
                return False
            self._pending = None
            return True

    def pending(self) -> Interrupt:
        """Return the interrupt that waits for the runner."""
        with self._lock:
            return Interrupt.NOTHING if self._pending is None else self._pending.interrupt

    def wait(self, limit_s: float | None = None) -> None:
        """Wait for a request, for at most `limit_s` of real time."""
        self._changed.wait(limit_s)
        self._changed.clear()
