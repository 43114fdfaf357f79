"""Processes that a test leaves behind."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from tests.forked_watchdog import marked


def end_processes_of(runtime_dir: Path) -> None:
    """Kill what was started with this runtime folder, by whatever it was started.

    A watchdog is in a session of its own and never gives up: it would look for the microscope of a test that
    is over, and keep that of the computer from others.
    """
    while found := _processes_of(runtime_dir) + marked(runtime_dir):
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)


def _processes_of(runtime_dir: Path) -> list[int]:
    mark = f"XDG_RUNTIME_DIR={runtime_dir}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        # Some end meanwhile, some are another user's; one that has ended and is not waited for has nothing.
        with suppress(OSError):
            if mark in (folder / "environ").read_bytes().split(b"\0") and int(folder.name) != os.getpid():
                found.append(int(folder.name))
    return found
