"""Call on a thread of its own, with a deadline.

A thread whose call has returned takes a later one: a session makes twenty calls for each frame, and to start
a thread costs three times as much as to wake one. A call that never returns keeps its thread for itself.

A computer may refuse more threads: by its limit of processes, or for lack of memory. To blank must not depend
on that, so threads are kept ready, and a call that finds none is made on the thread that waits for it.
"""

import os
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import ClassVar, Generic, TypeVar

from service.logs import get_logger

log = get_logger(__name__)
T = TypeVar("T")

NO_THREAD = "the computer starts no more threads: too many processes, or too little memory"
"""Reason for people."""

_READY = 16
"""Threads kept ready: a safe state takes two for each of its six steps, and a few calls may run meanwhile."""

_SLICE_S = 0.5
"""Waits are counted in slices of at most twice this time, so that a clock that jumps does not count."""


class _Worker:
    """A daemon thread that makes one call after another."""

    idle: ClassVar[list["_Worker"]] = []
    """Those without a call; the one that was used last is taken first."""

    def __init__(self) -> None:
        self._calls = SimpleQueue[tuple[str, Callable[[], None]]]()
        self._thread = threading.Thread(target=self._serve, name="idle", daemon=True)
        self._thread.start()

    @classmethod
    def take(cls) -> "_Worker":
        """Return a worker without a call.

        Raises
        ------
        RuntimeError
            The computer starts no more threads.
        """
        try:
            return cls.idle.pop()
        except IndexError:
            return cls()

    def make(self, name: str, call: Callable[[], None]) -> None:
        """Make a call that raises nothing, under this name of the thread."""
        self._calls.put((name, call))

    def _serve(self) -> None:
        while True:
            self._thread.name, call = self._calls.get()
            call()
            # What it refers to, such as an image, must not wait for the next.
            del call
            self._thread.name = "idle"
            self.idle.append(self)


# A forked process has none of the threads.
os.register_at_fork(after_in_child=_Worker.idle.clear)


def keep_ready() -> None:
    """Start the threads that a safe state needs, while the computer still gives them."""
    try:
        for _ in range(_READY - len(_Worker.idle)):
            # Each at once: those that were given count where the next is refused.
            _Worker.idle.append(_Worker())
    except RuntimeError:
        log.exception(NO_THREAD)


class TimedCall(Generic[T]):
    """A call; its thread is a daemon, so that a call that never returns does not keep the program alive.

    Parameters
    ----------
    name : str
        Name of the thread.
    function : callable
    """

    def __init__(self, name: str, function: Callable[[], T]) -> None:
        self._name, self._function = name, function
        self._ended = threading.Event()
        self._started = False
        self._left_s = 0.0
        self._result: T
        self._error: BaseException | None = None

    def start(self) -> None:
        """Start the call.

        Raises
        ------
        RuntimeError
            The computer starts no more threads; nothing was called.
        """
        _Worker.take().make(self._name, self._run)
        self._started = True

    def join(self, seconds: float) -> bool:
        """Wait for a started call for at most `seconds`; return True if it has ended."""
        return self._ended.wait(seconds)

    def wait(self, budget_s: float) -> bool:
        """Start the call, if it is not, and wait; return True if it ended within its budget, s of real time.

        Where the computer starts no more threads, it is made on this one, however long it takes.
        """
        self._left_s = budget_s
        try:
            if not self._started:
                self.start()
        except RuntimeError:
            self.make_here()
        before_s = time.monotonic()
        while not self._ended.wait(min(_SLICE_S, max(self._left_s, 0.0))) and self._left_s > 0:
            now_s = time.monotonic()
            self._left_s -= min(now_s - before_s, 2 * _SLICE_S)
            before_s = now_s
        return self._ended.is_set()

    def make_here(self) -> None:
        """Make the call on this thread; for one that could not be started."""
        log.critical(NO_THREAD, call=self._name)
        self._run()

    def hurry(self, budget_s: float) -> None:
        """Shorten the rest of the budget to this."""
        self._left_s = min(self._left_s, budget_s)

    def ended(self) -> bool:
        """Return True if it has returned or raised."""
        return self._ended.is_set()

    def outcome(self) -> T:
        """Return the result, or raise the error; only once it has ended."""
        if self._error is not None:
            raise self._error
        return self._result

    def _run(self) -> None:
        try:
            self._result = self._function()
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            self._error = error
        self._ended.set()
