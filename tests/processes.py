"""Processes that a test leaves behind."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from service.watch.heartbeat.beat import process_start


def end_processes_of(runtime_dir: Path) -> None:
    """Kill what was started with this runtime folder, by whatever it was started.

    A watchdog is in a session of its own and never gives up: it would look for the microscope of a test that
    is over, and keep that of the computer from others.
    """
    while found := _processes_of(runtime_dir) + _marked(runtime_dir):
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


def mark_this_process() -> None:
    """Leave a file in the runtime folder, as a fork is not found by its environment."""
    pid = os.getpid()
    (Path(os.environ["XDG_RUNTIME_DIR"]) / f"{pid}-{process_start(pid)}.forked").touch()


def _marked(runtime_dir: Path) -> list[int]:
    """Return the processes that are marked and still run."""
    names = [path.stem.split("-") for path in runtime_dir.glob("*.forked")]
    return [int(pid) for pid, start in names if str(process_start(int(pid))) == start]
