"""Our programs, started as a person does, with a runtime folder of their own."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

PROGRAM = Path(sys.executable).with_name("ilemtrack")
_START_S = 120.0
_LOOK_S = 0.5


@contextmanager
def runtime_folder() -> Iterator[None]:
    """Keep daemons and consoles of the pictures apart from all others of this computer."""
    before = os.environ.get("XDG_RUNTIME_DIR")
    with tempfile.TemporaryDirectory(prefix="ilem-") as folder:
        os.environ["XDG_RUNTIME_DIR"] = folder
        yield
    if before is None:
        del os.environ["XDG_RUNTIME_DIR"]
    else:
        os.environ["XDG_RUNTIME_DIR"] = before


def ilemtrack(folder: Path, *words: str) -> str:
    """Run a command in a folder and return what it printed for programs."""
    done = subprocess.run(
        [PROGRAM, *words], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout


@contextmanager
def running(folder: Path, *words: str) -> Iterator[None]:
    """Run a command meanwhile; it is ended with SIGTERM if it has not ended."""
    with (folder / f"{words[0]}.log").open("wb") as log:
        process = subprocess.Popen(
            [PROGRAM, *words], cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait(_START_S)


@contextmanager
def console(folder: Path, *words: str) -> Iterator[str]:
    """Run a console without tokens meanwhile; gives its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    with running(folder, "console", *words, "--no-open", "--no-token", "--port", str(port)):
        until(lambda: _answers(port), _START_S)
        yield f"http://127.0.0.1:{port}"


def _answers(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status < 500
    except OSError:
        return False
    finally:
        connection.close()


def status(folder: Path, run: str) -> dict[str, Any]:
    """Return the status of a run; empty as long as it has no daemon."""
    done = subprocess.run(
        [PROGRAM, "status", "--run", run, "--json"],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=False,
    )
    return dict(json.loads(done.stdout)) if done.returncode == 0 and done.stdout else {}


def until(holds: Any, limit_s: float) -> None:
    """Wait until something holds.

    Raises
    ------
    TimeoutError
        It takes longer than the limit.
    """
    end_s = time.monotonic() + limit_s
    while not holds():
        if time.monotonic() > end_s:
            raise TimeoutError(f"waited for {limit_s:g} s")
        time.sleep(_LOOK_S)
