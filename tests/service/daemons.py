"""Daemons in processes of their own."""

import json
import os
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
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


def frozen_in_mid_scan(daemon: Daemon, run: Path, beam_is_on: Callable[[], bool]) -> str:
    """Stop a daemon, as Ctrl-Z does, while it scans a frame that is not its first; returns the job.

    The scan has just begun, so that it lasts for whoever kills something in the middle of it.
    """
    wait_for(daemon, lambda status: bool(status["jobs"]["done"]))
    while True:
        until(lambda: not beam_is_on() or daemon.poll() is not None)
        until(lambda: beam_is_on() or daemon.poll() is not None)
        assert daemon.poll() is None, daemon.communicate()
        daemon.send_signal(signal.SIGSTOP)
        until(lambda: Path(f"/proc/{daemon.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T")
        with closing(sqlite3.connect(f"file:{run / 'session.sqlite'}?mode=ro", uri=True)) as store:
            armed = store.execute("SELECT id FROM job WHERE state = 'armed'").fetchone()
        if armed is not None and beam_is_on():
            return str(armed[0])
        daemon.send_signal(signal.SIGCONT)


def until(true: Callable[[], bool], limit_s: float = 200) -> None:
    """Wait until something is true."""
    end_s = time.monotonic() + limit_s
    while not true():
        assert time.monotonic() < end_s, "it never came true"
        time.sleep(0.01)
