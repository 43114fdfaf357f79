"""Work that a simulated Quanta-style server does in the background, such as a scan."""

import threading
from collections.abc import Callable

from drivers.errors import DriverError, NotReadyError, OutOfRangeError
from simulators.followed_clock import FollowedClock

Work = Callable[[threading.Event], None]
"""Runs until it is done, or ends early once the event is set."""


class Background:
    """One piece of work at a time, on a thread that follows the clock of others.

    Parameters
    ----------
    clock : FollowedClock
    """

    def __init__(self, clock: FollowedClock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._last = threading.Event()
        self._ended = threading.Event()

    def runs(self) -> bool:
        """Return True while work is under way."""
        return self._thread is not None and not self._ended.is_set()

    def begin(self, work: Work) -> None:
        """Begin `work`.

        Raises
        ------
        NotReadyError
            Other work is under way.
        OutOfRangeError, NotReadyError
            `work` refused before any time had passed.
        """
        errors: list[DriverError] = []
        with self._lock:
            if self.runs():
                raise NotReadyError("a scan runs")
            last, ended, ready = threading.Event(), threading.Event(), threading.Event()

            def run() -> None:
                with self._clock.following():
                    ready.set()
                    try:
                        work(last)
                    except DriverError as error:
                        errors.append(error)
                    finally:
                        ended.set()

            self._last, self._ended = last, ended
            self._thread = threading.Thread(target=run, daemon=True)
            self._thread.start()
            ready.wait()
        self._clock.settle()
        if errors and isinstance(errors[0], (NotReadyError, OutOfRangeError)):
            raise errors[0]

    def finish(self) -> None:
        """Let the frame that is being scanned be the last one."""
        self._last.set()

    def end(self, stop: Callable[[], None]) -> None:
        """Call `stop`, and wait until the work has ended, for at most 30 s of real time."""
        if self._thread is not None:
            self._last.set()
            stop()
            self._thread.join(30)
