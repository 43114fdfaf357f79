"""Signals that end the program, with the microscope left safe."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
"""SIGHUP comes when a terminal closes, SIGQUIT from Ctrl-Backslash."""


@contextmanager
def interrupted_once() -> Iterator[None]:
    """Raise KeyboardInterrupt at the first signal that ends the program; ignore those that follow.

    So nothing interrupts the way to the safe state. For the main thread.
    """

    def interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        for one in STOPPING:
            signal.signal(one, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {one: signal.signal(one, interrupt) for one in STOPPING}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
