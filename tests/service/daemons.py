"""Daemons in processes of their own."""

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from service.api.client import Client
from service.api.transport.discovery import DaemonInfo
from service.errors import NoDaemonError
from service.session.folders.runtime_folder import runtime_directory
from tests.forked import WATCHED_ILEMTRACK, Forked

Daemon = Forked
Start = Callable[..., Forked]


@contextmanager
def daemons(runtime_dir: Path) -> Iterator[Start]:
    """Give a function that starts `ilemtrack`; what still runs at the end is killed."""
    started: list[Forked] = []

    def launch(*arguments: object) -> Forked:
        environment = {"XDG_RUNTIME_DIR": str(runtime_dir)}
        started.append(Forked(WATCHED_ILEMTRACK, *arguments, environment=environment))
        return started[-1]

    try:
        yield launch
    finally:
        for process in started:
            process.close()


def found_by_others() -> DaemonInfo | None:
    """Return the daemon that another language finds in ``daemon.json``; None if it is not alive."""
    try:
        info = DaemonInfo(**json.loads((runtime_directory() / "daemon.json").read_text(encoding="utf-8")))
        os.kill(info.pid, 0)
    except (FileNotFoundError, ProcessLookupError):
        return None
    return info


def wait_for(daemon: Daemon, what: Callable[[dict[str, Any]], bool], limit_s: float = 200) -> dict[str, Any]:
    """Ask for the status until it is as wanted."""
    end = time.monotonic() + limit_s
    status: dict[str, Any] = {}
    while time.monotonic() < end:
        assert daemon.poll() is None, daemon.communicate()
        try:
            with Client(timeout_s=2) as client:
                status = client.call("status")
        except NoDaemonError:
            time.sleep(0.05)
            continue
        if what(status):
            return status
        time.sleep(0.05)
    raise AssertionError(f"never as wanted: {status}")


def scanning(status: dict[str, Any]) -> bool:
    """A scan runs, and one was done before."""
    return bool(status["jobs"]["armed"] and status["jobs"]["done"])


def until(true: Callable[[], bool], limit_s: float = 200) -> None:
    """Wait until something is true."""
    end_s = time.monotonic() + limit_s
    while not true():
        assert time.monotonic() < end_s, "it never came true"
        time.sleep(0.01)
