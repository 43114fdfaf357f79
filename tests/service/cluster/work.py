"""Work for workers, in a module that they can import."""

import os
import signal
import time
from pathlib import Path


def squared(value: int) -> int:
    return value**2


def process(_: int) -> int:
    return os.getpid()


def killing(folder: Path, once: bool, value: int) -> int:
    """Kill the worker that gets the value 5, the first time only if `once`."""
    if value == 5 and not (once and (folder / "killed").exists()):
        (folder / "killed").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return value


def failing(value: int) -> int:
    if value == 3:
        raise ZeroDivisionError("three")
    return value


def breaking(folder: Path, value: int) -> int:
    """Read nothing the first time, as a network drive may."""
    if value == 2 and not (folder / "again").exists():
        (folder / "again").touch()
        raise OSError("stale file handle")
    return value


def waiting(file: Path, value: int) -> int:
    """Return 0 at once, and other values when a file is there."""
    while value and not file.exists():
        time.sleep(0.05)
    return value
