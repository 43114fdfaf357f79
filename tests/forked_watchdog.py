"""A watchdog without the second that its imports take: a fork of the daemon that it watches."""

import os
import signal
import subprocess
import sys
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any

from service.watch import watchdog
from tests.processes import mark_this_process


class _Child:
    """A child of this process, used as the daemon uses its watchdog."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return its status if it has ended, else None."""
        return self._status(os.WNOHANG)

    def wait(self) -> int | None:
        """Wait for its end; returns its status."""
        return self._status(0)

    def _status(self, options: int) -> int | None:
        if self.returncode is None:
            ended, status = os.waitpid(self.pid, options)
            self.returncode = os.waitstatus_to_exitcode(status) if ended else None
        return self.returncode

    def kill(self) -> None:
        """Kill it unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)


def fork_watchdog() -> None:
    """Fork this process as it is now, without threads; the fork becomes the first watchdog that it starts."""
    ours, theirs = Pipe()
    pid = os.fork()
    if not pid:
        ours.close()
        _watch(theirs)
    theirs.close()
    waiting = [_Child(pid)]

    def start(arguments: list[str], env: dict[str, str], **streams: Any) -> Any:
        if not waiting:
            return subprocess.Popen(arguments, env=env, **streams)
        with ours:
            ours.send((arguments[-1], env))
        return waiting.pop()

    vars(watchdog)["Popen"] = start


def _watch(asked: "Connection[Any, Any]") -> None:
    """Wait for the request to watch a run, and watch it; without a request, end with the other process."""
    status = 1
    try:
        run, environment = asked.recv()
        asked.close()
        os.setsid()
        os.chdir("/")
        nothing = os.open(os.devnull, os.O_RDWR)
        for handle in range(3):
            os.dup2(nothing, handle)
        os.environ.clear()
        os.environ.update(environment)
        mark_this_process()
        sys.argv[1:] = [run]
        watchdog.main()
        status = 0
    finally:
        os._exit(status)
