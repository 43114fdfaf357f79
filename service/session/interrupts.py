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
        self.number: int | None = None
        """Number of the request; None for a pause that the session takes by itself."""


class Interrupts:
    """Interrupts requested by any thread and taken by the runner at its checkpoints."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pending: InterruptSession | None = None
        self._changed = threading.Event()
        self._valid_from = 0
        self._number = 0

    def put(self, interrupt: Interrupt, reason: str, cause: PauseCause | None = None) -> None:
        """Request an interrupt; it does not replace a stronger one."""
        new = InterruptSession(interrupt, reason, cause)
        with self._lock:
            self._number += 1
            new.number = self._number
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

    def drop_pause(self) -> bool:
        """Withdraw every pause requested so far, also one that the runner has taken and not carried out.

        Returns
        -------
        bool
            True if one was pending.
        """
        with self._lock:
            self._valid_from = self._number + 1
            if self._pending is None or self._pending.interrupt is not Interrupt.PAUSE:
                return False
            self._pending = None
            return True

    def is_withdrawn(self, asked: InterruptSession) -> bool:
        """Return True if a pause that was taken has been withdrawn since."""
        with self._lock:
            is_pause = asked.interrupt is Interrupt.PAUSE
            return is_pause and asked.number is not None and asked.number < self._valid_from

    def pending(self) -> Interrupt:
        """Return the interrupt that waits for the runner."""
        with self._lock:
            return Interrupt.NOTHING if self._pending is None else self._pending.interrupt

    def wait(self, limit_s: float | None = None) -> None:
        """Wait for a request, for at most `limit_s` of real time."""
        self._changed.wait(limit_s)
        self._changed.clear()
