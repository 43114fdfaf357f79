"""A simulated Quanta-style server: SEM, stage and chamber of the simulated microscope behind a real socket.

``python -m simulators.quanta.server --port 7521`` serves a machine in real time, to try by hand.
"""

import argparse
import inspect
import json
import select
import socket
import socketserver
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from config.choices import DEFAULT_PROFILE
from config.loading import load
from config.model import Config
from drivers.clock import Clock, SystemClock
from drivers.errors import DriverError, NotReadyError, OutOfRangeError
from drivers.quanta.scans.geometry import PRESETS_PX
from drivers.quanta.wire import MAX_LINE_BYTES, ErrorCode, line
from simulators.followed_clock import FollowedClock
from simulators.microscope import SimulatedMicroscope
from simulators.quanta.machine import QuantaMachine
from simulators.quanta.scan_area import BEAM_SHIFT_RANGE_M
from simulators.quanta.settings import RANGES

_EVERYWHERE_UM = (1000.0, 1000.0)
"""Wider than any preset: the machine itself limits where it scans."""
_AT_ONCE = frozenset({"blank_beam", "beam_is_blanked", "set_beam_power", "stop_stage_movement"})
"""Calls answered without waiting for the computation of a running scan."""


def quanta_microscope(
    config: Config, base: Clock, memory: Path | None = None
) -> tuple[SimulatedMicroscope, FollowedClock]:
    """Construct a simulated microscope for a server: all presets, a beam shift, a clock that it follows."""
    clock = FollowedClock(base)
    sem = config.sem.model_copy(
        update={
            "frame_px": PRESETS_PX[-1],
            "databar_px": 0,
            "presets_px": (),
            "beam_shift_range_um": 2e6 * BEAM_SHIFT_RANGE_M,
            "beam_reach_um": _EVERYWHERE_UM if config.sem.beam_moves else (0.0, 0.0),
        }
    )
    return SimulatedMicroscope(config.model_copy(update={"sem": sem}), clock, memory), clock


class QuantaServer:
    """Answers calls on a socket until it is closed; a context manager.

    Parameters
    ----------
    machine : QuantaMachine
    clock : FollowedClock
        Clock of the machine.
    path : Path or None
        Path of a unix socket; None for a port of the loopback interface.
    port : int
        Port; 0 for any free one.
    """

    def __init__(
        self, machine: QuantaMachine, clock: FollowedClock, path: Path | None = None, port: int = 0
    ) -> None:
        self._machine = machine
        self._clock = clock
        self._closing = threading.Event()
        self.hanging = 0
        """Calls that wait for an answer and never get one."""
        self._counting = threading.Lock()
        self._open: set[socket.socket] = set()
        answer = self._serve

        class Handler(socketserver.StreamRequestHandler):
            disable_nagle_algorithm = path is None

            def handle(self) -> None:
                answer(self)

        if path is None:
            self._server: socketserver.BaseServer = _Tcp(("127.0.0.1", port), Handler)
            self.endpoint = f"tcp://127.0.0.1:{self._server.server_address[1]}"
        else:
            self._server = _Unix(str(path), Handler)
            self.endpoint = f"unix://{path}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *unused: object) -> None:
        self._closing.set()
        self._machine.close()
        self._server.shutdown()
        self._thread.join()
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._server.server_close()

    def _serve(self, handler: socketserver.StreamRequestHandler) -> None:
        """Answer the calls of one connection."""
        self._open.add(handler.request)
        try:
            with suppress(OSError):
                while text := handler.rfile.readline(MAX_LINE_BYTES):
                    if not self._answer(text, handler):
                        return
        finally:
            self._open.discard(handler.request)

    def _answer(self, text: bytes, handler: socketserver.StreamRequestHandler) -> bool:
        """Answer one call; False if the connection must be closed."""
        try:
            message = json.loads(text)
            number, method, params = message["id"], str(message["method"]), dict(message.get("params") or {})
        except (ValueError, KeyError, TypeError):
            return False
        faults = self._machine.held.faults
        if faults.get("hang") == method:
            self._hang(handler.connection)
            return False
        if faults.get("drop") == method:
            return False
        reply: dict[str, Any] = {"jsonrpc": "2.0", "id": number}
        data = b""
        try:
            result = self._call(method, params)
            if isinstance(result, tuple):
                result, data = result
            reply["result"] = result
        except _RefusedError as error:
            reply["error"] = {"code": int(error.code), "message": str(error)}
        handler.wfile.write(line(reply) + data)
        return True

    def _hang(self, connection: socket.socket) -> None:
        """Never answer: wait until the client or this server closes the connection."""
        with self._counting:
            self.hanging += 1
        while not (self._closing.is_set() or _closed(connection)):
            pass
        with self._counting:
            self.hanging -= 1

    def _call(self, method: str, params: dict[str, Any]) -> Any:
        function = self._function(method)
        try:
            inspect.signature(function).bind(**params)
        except TypeError as error:
            raise _RefusedError(ErrorCode.BAD_PARAMETERS, str(error)) from None
        if method not in _AT_ONCE:
            self._clock.settle()
        try:
            return function(**params)
        except OutOfRangeError as error:
            raise _RefusedError(ErrorCode.OUT_OF_RANGE, str(error)) from None
        except NotReadyError as error:
            raise _RefusedError(ErrorCode.NOT_READY, str(error)) from None
        except DriverError as error:
            raise _RefusedError(ErrorCode.FAILED, str(error)) from None
        except (TypeError, ValueError) as error:
            raise _RefusedError(ErrorCode.BAD_PARAMETERS, str(error)) from None

    def _function(self, method: str) -> Any:
        held = self._machine.held
        name = method.removeprefix("set_").removeprefix("get_").removesuffix("_info")
        if name in RANGES and method == f"set_{name}":
            return lambda value: held.set(name, value)
        if name in RANGES and method == f"get_{name}":
            return lambda: held.values[name]
        if name in RANGES and method == f"{name}_info":
            return lambda: {"range": list(RANGES[name])}
        function = self._machine.function(method)
        if function is None:
            raise _RefusedError(ErrorCode.UNKNOWN_METHOD, f"there is no call {method}")
        return function


def _closed(connection: socket.socket) -> bool:
    """Return True if the other end has closed a connection; looks for 10 ms."""
    readable, _, _ = select.select([connection], [], [], 0.01)
    if not readable:
        return False
    try:
        return connection.recv(1, socket.MSG_PEEK) == b""
    except OSError:
        return True


class _RefusedError(Exception):
    """Raised when a call is answered with an error."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code


class _Tcp(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False


class _Unix(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    block_on_close = False


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description="A simulated Quanta-style server.")
    parser.add_argument("--config", default=DEFAULT_PROFILE, help="a YAML file or a profile")
    parser.add_argument("--port", type=int, default=7521)
    chosen = parser.parse_args()
    config = load(chosen.config)
    microscope, clock = quanta_microscope(config, SystemClock())
    with QuantaServer(QuantaMachine(config, microscope.devices, clock), clock, port=chosen.port) as server:
        print(f"a simulated machine at {server.endpoint}; Ctrl-C ends it", flush=True)
        with suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
