"""A call on a thread of its own, waited for no longer than it may take."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

_SLICE_S = 0.5
"""A wait is counted in slices, each at most twice as long: a clock that jumps is no waiting."""


class TimedCall(Generic[T]):
    """One call; its thread is a daemon, so that a call that never returns does not keep the program alive.

    Parameters
    ----------
    name : str
        Of the thread.
    function : callable
    """

    def __init__(self, name: str, function: Callable[[], T]) -> None:
        self._function = function
        self._ended = threading.Event()
        self._left_s = 0.0
        self._result: T
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def join(self, seconds: float) -> bool:
        """Wait so long at most for a call that has begun; whether it has ended."""
        return self._ended.wait(seconds)

    def wait(self, budget_s: float) -> bool:
        """Begin, and wait; whether it ended within its budget, s of real time."""
        self._left_s = budget_s
        self.start()
        before_s = time.monotonic()
        while not self._ended.wait(min(_SLICE_S, max(self._left_s, 0.0))) and self._left_s > 0:
            now_s = time.monotonic()
            self._left_s -= min(now_s - before_s, 2 * _SLICE_S)
            before_s = now_s
        return self._ended.is_set()

    def hurry(self, budget_s: float) -> None:
        """Wait no longer than this from now on."""
        self._left_s = min(self._left_s, budget_s)

    def ended(self) -> bool:
        """Whether it has returned or raised by now."""
        return self._ended.is_set()

    def outcome(self) -> T:
        """Return what it returned, or raise what it raised; only once it has ended."""
        if self._error is not None:
            raise self._error
        return self._result

    def _run(self) -> None:
        try:
            self._result = self._function()
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            self._error = error
        self._ended.set()
