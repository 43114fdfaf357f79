"""Programs of ours in processes of their own, without the seconds that their imports take.

A fork server imports them once. Each program is forked from it, and runs and ends like one that was started
afresh: with its own arguments, environment, output, signals and exit status.
"""

import gc
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from config.model import Config
from drivers.odemis import lane
from simulators.odemis_backend.backend import OdemisBackend
from simulators.odemis_backend.interpreter import SITE, SOCKET
from simulators.specimen.textures import volume
from tests.places import ROOT

ILEMTRACK = "from service.cli.app import main; main()"
WATCHED_ILEMTRACK = f"from tests.forked_watchdog import fork_watchdog; fork_watchdog(); {ILEMTRACK}"
SERVERS = "from simulators.servers import main; main()"
ODEMIS = "from simulators.odemis_backend.server import main; main()"
_ODEMIS_WORKER = (
    f"import sys; sys.path.insert(0, {str(SITE)!r});"
    "from drivers.odemis.remote.worker import main; main(sys.argv[1:])"
)
_IMPORTS = (
    "service.cli.commands",
    "service.cli.live.session",
    "service.cli.live.session_run",
    "service.diagnostics.doctor",
    "tests.forked_watchdog",
    "simulators.servers",
)
"""Modules that import, between them, what the programs use in a session. ONNX Runtime starts threads, so each
program imports it by itself."""
_SEED = 5
"""Seed of the simulated specimen of most tests; its texture takes long to compute, too."""
_LOOK_S = 0.01


class Forked:
    """A running program, used like a `subprocess.Popen`.

    Parameters
    ----------
    program : str
        As after ``python -c``.
    arguments : sequence
    environment : mapping of str to str, optional
        Changes to that of this process.
    standard_input : Path, optional
        Empty by default.
    """

    def __init__(
        self,
        program: str,
        *arguments: object,
        environment: dict[str, str] | None = None,
        standard_input: Path = Path(os.devnull),
    ) -> None:
        self._output = tempfile.TemporaryDirectory(prefix="ilem-")
        for name in ("out", "err"):
            self._file(name).touch()
        self._asking_status = threading.Lock()
        self.returncode: int | None = None
        self._server = _fork_server()
        self.pid: int = self._server.ask(
            "fork",
            program,
            [str(argument) for argument in arguments],
            os.environ | (environment or {}),
            [str(standard_input), *(str(self._file(name)) for name in ("out", "err"))],
        )
        self._handle = os.pidfd_open(self.pid)

    def _file(self, name: str) -> Path:
        return Path(self._output.name) / name

    def said(self) -> tuple[str, str]:
        """Return the output up to now: that for programs, that for people."""
        out, err = (self._file(name).read_text(encoding="utf-8", errors="replace") for name in ("out", "err"))
        return out, err

    def poll(self) -> int | None:
        """Return the status of a program that has ended, else None."""
        with self._asking_status:
            if self.returncode is None and self._has_ended():
                try:
                    self.returncode = self._server.ask("status", self.pid)
                except OSError:
                    # The fork server has ended before, and killed what still ran.
                    self.returncode = -signal.SIGKILL
                os.close(self._handle)
            return self.returncode

    def _has_ended(self, within_s: float = 0) -> bool:
        ended = select.poll()
        ended.register(self._handle, select.POLLIN)
        return bool(ended.poll(within_s * 1e3))

    def wait(self, timeout: float = 200) -> int:
        """Wait for its end; returns its status."""
        if self.poll() is None and not self._has_ended(timeout):
            raise subprocess.TimeoutExpired(str(self.said()), timeout)
        status = self.poll()
        assert status is not None
        return status

    def wait_for_lines(self, lines: int, timeout: float = 200) -> list[str]:
        """Wait until it has said so many whole lines; returns all of them."""
        self._until(lambda: self.said()[0].count("\n") >= lines or self.poll() is not None, timeout)
        return self.said()[0].splitlines()

    def _until(self, holds: Callable[[], bool], limit_s: float) -> None:
        end_s = time.monotonic() + limit_s
        while not holds():
            if time.monotonic() > end_s:
                raise subprocess.TimeoutExpired(str(self.said()), limit_s)
            time.sleep(_LOOK_S)

    def communicate(self, timeout: float = 200) -> tuple[str, str]:
        """Wait for its end; returns its output."""
        self.wait(timeout)
        return self.said()

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill it."""
        self.send_signal(signal.SIGKILL)

    def close(self) -> None:
        """Kill what still runs, and forget its output."""
        self.kill()
        self.wait(200)
        self._output.cleanup()


class _Worker(Forked):
    """A worker of a simulated Odemis, used as the driver uses its process."""

    def __init__(self, backend: Path, arguments: list[str]) -> None:
        self._inputs = tempfile.TemporaryDirectory(prefix="ilem-")
        pipe = Path(self._inputs.name) / "in"
        os.mkfifo(pipe)
        # For both directions, so that opening it waits for nobody.
        self.stdin = os.fdopen(os.open(pipe, os.O_RDWR), "wb", buffering=0)
        super().__init__(
            _ODEMIS_WORKER,
            *arguments,
            environment={"ILEMTRACK_SIMULATED_ODEMIS": str(backend / SOCKET)},
            standard_input=pipe,
        )

    def wait(self, timeout: float = 200) -> int:
        """Wait for its end; returns its status."""
        status = super().wait(timeout)
        self._inputs.cleanup()
        self._output.cleanup()
        return status


def _start_worker(arguments: list[str], **streams: Any) -> _Worker | subprocess.Popen[bytes]:
    """Fork a worker of a simulated back-end; any other is started afresh."""
    python, _, *rest = arguments
    backend = Path(python).parent
    return _Worker(backend, rest) if backend in _backends else subprocess.Popen(arguments, **streams)


@contextmanager
def forked_workers() -> Iterator[None]:
    """Fork what the driver of Odemis starts in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lane, "Popen", _start_worker)
        yield


_backends: set[Path] = set()


def odemis_backend(folder: Path, config: Config, clock: str = "held") -> OdemisBackend:
    """Start a simulated back-end of Odemis in a process of its own."""
    _backends.add(folder)
    return OdemisBackend(folder, config, clock, _forked_backend)


def _forked_backend(folder: Path, clock: str) -> Forked:
    forked = Forked(ODEMIS, folder, clock)
    assert forked.wait_for_lines(1) == ["ready"], forked.said()
    return forked


class _ForkServer:
    """The process that has imported everything, and a connection to it."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        code = f"from tests.forked import serve; serve({theirs.fileno()})"
        # No test ends it with its own processes: its environment names the runtime folder of none.
        # OpenBLAS starts no threads in it.
        environment = {name: value for name, value in os.environ.items() if name != "XDG_RUNTIME_DIR"}
        environment["OMP_NUM_THREADS"] = "1"
        self._process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            env=environment,
            cwd=ROOT,
        )
        theirs.close()
        self._connection: Connection[Any, Any] = Connection(ours.detach())
        self._asking = threading.Lock()

    def ask(self, *question: Any) -> Any:
        """Ask for a fork, or for the status of one that has ended."""
        with self._asking:
            self._connection.send(question)
            return self._connection.recv()

    def end(self) -> None:
        """Let it end; it kills the programs that still run."""
        self._connection.close()
        self._process.wait(200)


_servers: list[_ForkServer] = []


def _fork_server() -> _ForkServer:
    if not _servers:
        _servers.append(_ForkServer())
    return _servers[0]


def end_fork_server() -> None:
    """End the fork server, if one is running."""
    while _servers:
        _servers.pop().end()


def serve(handle: int) -> None:
    """Fork programs until the other end of the connection is closed; returns at the end of a program, too."""
    for module in _IMPORTS:
        import_module(module)
    volume(_SEED)
    assert len(list(Path("/proc/self/task").iterdir())) == 1, "a fork has no threads but its own"
    # The collector of a program does not touch, and so copy, what all have in common.
    gc.freeze()
    connection: Connection[Any, Any] = Connection(handle)
    running: set[int] = set()
    while True:
        try:
            kind, *rest = connection.recv()
        except EOFError:
            for pid in running:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            return
        if kind == "status":
            pid, status = os.waitpid(rest[0], 0)
            running.discard(pid)
            connection.send(os.waitstatus_to_exitcode(status))
        elif pid := os.fork():
            running.add(pid)
            connection.send(pid)
        else:
            connection.close()
            _become(*rest)
            return


def _become(program: str, arguments: list[str], environment: dict[str, str], streams: list[str]) -> None:
    for handle, path in enumerate(streams):
        file = os.open(path, os.O_WRONLY | os.O_APPEND if handle else os.O_RDONLY)
        os.dup2(file, handle)
        os.close(file)
    for name in set(os.environ) - set(environment):
        del os.environ[name]
    os.environ.update(environment)
    sys.argv[:] = ["-c", *arguments]
    exec(program, {"__name__": "__main__"})
