"""A simulated Quanta-style server: SEM, stage and chamber of the simulated microscope behind a real socket.

``python -m simulators.quanta.server --port 7521`` serves a machine in real time, to be tried by hand.
"""

import argparse
import inspect
import json
import socket
import socketserver
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from config.loading import load
from config.model import Config
from config.profiles import DEFAULT_PROFILE
from drivers.clock import Clock, SystemClock
from drivers.errors import DriverError, NotReadyError, OutOfRangeError
from drivers.quanta.geometry import PRESETS_PX
from drivers.quanta.wire import MAX_LINE_BYTES, ErrorCode, line
from simulators.followed_clock import FollowedClock
from simulators.microscope import SimulatedMicroscope
from simulators.quanta.machine import BEAM_SHIFT_RANGE_M, QuantaMachine
from simulators.quanta.settings import RANGES

_AT_ONCE = frozenset({"blank_beam", "beam_is_blanked", "set_beam_power", "stop_stage_movement"})
"""Answered without waiting for what a running scan has to compute."""
_NO_CALLS = frozenset({"held", "close"})


def quanta_microscope(
    config: Config, base: Clock, memory: Path | None = None
) -> tuple[SimulatedMicroscope, FollowedClock]:
    """Make a simulated microscope for a server: every preset, a beam shift, a clock that others move on."""
    clock = FollowedClock(base)
    sem = config.sem.model_copy(
        update={
            "frame_px": PRESETS_PX[-1],
            "databar_px": 0,
            "presets_px": (),
            "beam_shift_range_um": 2e6 * BEAM_SHIFT_RANGE_M,
        }
    )
    return SimulatedMicroscope(config.model_copy(update={"sem": sem}), clock, memory), clock


class QuantaServer:
    """Answers on a socket until it is closed; a context manager.

    Parameters
    ----------
    machine : QuantaMachine
    clock : FollowedClock
        That of the machine.
    path : Path or None
        Of a unix socket; without one a free port of the loopback is taken.
    port : int
        0 takes a free one.
    """

    def __init__(
        self, machine: QuantaMachine, clock: FollowedClock, path: Path | None = None, port: int = 0
    ) -> None:
        self._machine = machine
        self._clock = clock
        self._closing = threading.Event()
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
        """Answer one call; False where the connection is to be broken."""
        try:
            message = json.loads(text)
            number, method, params = message["id"], str(message["method"]), dict(message.get("params") or {})
        except (ValueError, KeyError, TypeError):
            return False
        faults = self._machine.held.faults
        if faults.get("hang") == method:
            self._closing.wait()
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
        function = getattr(self._machine, method, None)
        if method.startswith("_") or method in _NO_CALLS or not callable(function):
            raise _RefusedError(ErrorCode.UNKNOWN_METHOD, f"there is no call {method}")
        return function


class _RefusedError(Exception):
    """Raised when a call gets an error for an answer."""

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
