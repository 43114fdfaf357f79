"""Stopping a blocking call from another thread."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from drivers.errors import DriverError, InterruptedCallError


class StopSwitch:
    """Ends the blocking call that is running; has no effect on later calls."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wake: threading.Event | None = None

    @contextmanager
    def running(self) -> Iterator[threading.Event]:
        """Mark a blocking call; gives the event that `stop` sets, for the call to sleep on."""
        wake = threading.Event()
        with self._lock:
            self._wake = wake
        try:
            yield wake
        finally:
            with self._lock:
                self._wake = None

    def stop(self) -> None:
        """Wake the call that is running, if any."""
        with self._lock:
            if self._wake is not None:
                self._wake.set()


@contextmanager
def interrupted(
    wake: threading.Event, message: str, kind: type[InterruptedCallError] = InterruptedCallError
) -> Iterator[None]:
    """Turn any failure inside the block into an interruption if `wake` is set.

    Hardware that is stopped in the middle of a call fails in ways of its own.

    Raises
    ------
    InterruptedCallError
        Of this `kind`, with `message`; the failure itself is its cause.
    """
    try:
        yield
    except DriverError as error:
        if wake.is_set():
            raise kind(message) from error
        raise
