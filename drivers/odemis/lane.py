"""One worker process with Odemis, and the socket to it."""

import contextlib
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen, TimeoutExpired
from typing import Any

import numpy as np
import zmq
from numpy.typing import NDArray

from config.odemis import OdemisConfig
from drivers.errors import (
    DeviceLostError,
    DeviceTimeoutError,
    DriverError,
    InterruptedCallError,
    NotReadyError,
    OutOfRangeError,
)
from drivers.odemis import protocol
from drivers.odemis.errors import (
    OdemisNotRunningError,
    OdemisStartError,
    OdemisStartingError,
    WorkerGoneError,
    WorkerOverrunError,
)

LAUNCH = Path(__file__).parent / "remote" / "launch.py"
_LOOK_MS = 50
"""Time between two checks that the process is alive, ms."""

_ERRORS: dict[str, type[DriverError]] = {
    "range": OutOfRangeError,
    "not-ready": NotReadyError,
    "timeout": DeviceTimeoutError,
    "interrupted": InterruptedCallError,
    "lost": DeviceLostError,
    "failed": DriverError,
    "not-running": OdemisNotRunningError,
    "starting": OdemisStartingError,
}


@dataclass(frozen=True, slots=True)
class Reply:
    """Answer of a worker.

    Attributes
    ----------
    result : dict
    pixels : (rows, columns) array or None
        Read-only: it is the buffer of the received message, which is never copied.
    """

    result: dict[str, Any]
    pixels: NDArray[Any] | None


class Lane:
    """A worker process, started when first needed. One call at a time; `kill` from any thread.

    Parameters
    ----------
    config : OdemisConfig
    guard : bool
        The worker blanks the beam and switches the light off when this program ends.
    now_s : callable
        Stopwatch for the budget of a call, s.
    """

    def __init__(
        self, config: OdemisConfig, *, guard: bool, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._config = config
        self._guard = guard
        self._now_s = now_s
        self._process: Popen[bytes] | None = None
        self._socket: zmq.Socket[bytes] | None = None
        self._folder: Path | None = None
        self._killed = False
        self._started_s = 0.0

    def age_s(self) -> float:
        """Return the time since the worker was ready, s."""
        return time.monotonic() - self._started_s

    def ensure(self) -> dict[str, Any]:
        """Start a worker unless one is running; returns the versions that a new one reports.

        Raises
        ------
        OdemisStartError
            That Python has no Odemis, or a worker of another version answers.
        """
        if self._process is not None and self._process.poll() is None and not self._killed:
            return {}
        self.end()
        folder = self._folder = Path(tempfile.mkdtemp(prefix="ilemtrack-"))
        endpoint = f"ipc://{folder}/w"
        arguments = [self._config.python, str(LAUNCH), endpoint, *(["--guard"] if self._guard else [])]
        try:
            with (folder / "log").open("wb") as log:
                self._process = Popen(
                    arguments,
                    stdin=PIPE,
                    stdout=DEVNULL,
                    stderr=log,
                    start_new_session=True,
                )
        except OSError as error:
            self.end()
            raise OdemisStartError(
                f"odemis.python: {self._config.python} cannot be run: {error.strerror}"
            ) from None
        self._socket = zmq.Context.instance().socket(zmq.REQ)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.connect(endpoint)
        try:
            roles = self._config.roles.model_dump()
            reference_mm = self._config.hfw_at_magnification_1_mm
            beam = {
                "blanking": self._config.blanking,
                "hfw_at_magnification_1_m": None if reference_mm is None else reference_mm * 1e-3,
            }
            hello = {"roles": roles, "beam": beam}
            versions = self.call("hello", hello, self._config.start_s).result
        except (WorkerGoneError, WorkerOverrunError, DriverError) as error:
            last = _last_line(folder / "log")
            self.end()
            raise OdemisStartError(
                f"odemis.python: {self._config.python} does not start Odemis: {last or error}"
            ) from None
        self._started_s = time.monotonic()
        return versions

    def call(self, method: str, params: dict[str, Any], budget_s: float) -> Reply:
        """Ask, and wait for the answer.

        Raises
        ------
        WorkerOverrunError
            No answer in time; the worker still works on it and must be killed.
        WorkerGoneError
            The process ended.
        DriverError
            The failure that the worker reported.
        """
        socket, process = self._socket, self._process
        if socket is None or process is None:
            raise WorkerGoneError("the process with Odemis was ended")
        try:
            socket.send(protocol.request(method, params))
            end_s = self._now_s() + budget_s
            while not socket.poll(_LOOK_MS):
                if process.poll() is not None:
                    raise WorkerGoneError(f"the process with Odemis ended during {method}")
                if self._now_s() > end_s:
                    raise WorkerOverrunError(f"{method} had no answer within {budget_s:g} s")
            parts = socket.recv_multipart(copy=False)
        except BaseException:
            # A late answer must not be taken for that of the next call.
            self._killed = True
            raise
        return _reply(method, parts)

    def kill(self) -> None:
        """Kill the process, from any thread; the call that runs raises `WorkerGoneError`."""
        process = self._process
        self._killed = True
        if process is not None:
            process.kill()

    def end(self) -> None:
        """Kill the process and forget it; the next `ensure` starts a fresh one."""
        self._close(grace_s=0.0)

    def leave(self, grace_s: float) -> None:
        """Close the process's input, so that it makes safe and ends by itself; kill it if it does not."""
        self._close(grace_s)

    def _close(self, grace_s: float) -> None:
        if self._process is not None:
            if self._process.stdin is not None:
                with contextlib.suppress(OSError):
                    self._process.stdin.close()
            try:
                self._process.wait(grace_s)
            except TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._socket is not None:
            self._socket.close()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._process = self._socket = self._folder = None
        self._killed = False


def _reply(method: str, parts: list[zmq.Frame]) -> Reply:
    try:
        header = protocol.read(parts[0].bytes)
    except protocol.ProtocolError as error:
        raise DriverError(str(error)) from None
    if not header.get("ok"):
        kind = _ERRORS.get(str(header.get("kind")), DriverError)
        if kind in (OdemisNotRunningError, OdemisStartingError):
            # The same sentence for every call, so that it is told once.
            raise kind(str(header.get("message")))
        raise kind(f"Odemis, {method}: {header.get('message')}")
    frame = header.get("frame")
    if frame is None:
        return Reply(dict(header["result"]), None)
    dtype, shape = np.dtype(str(frame["dtype"])), tuple(int(n) for n in frame["shape"])
    if len(parts) != 2 or len(parts[1].buffer) != dtype.itemsize * int(np.prod(shape)):
        raise DriverError(f"Odemis, {method}: the size of the frame is not that in its header")
    return Reply(dict(header["result"]), np.frombuffer(parts[1].buffer, dtype).reshape(shape))


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else ""
