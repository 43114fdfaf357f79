"""The loop of the worker: it answers one request after another, with a result or a failure.

It can be killed at any time, since it owns nothing that outlives it. When the driver's process ends, the
standard input closes; the worker then ends at once, or, if started with ``--guard``, after it has blanked the
beam and switched the light off.
"""

import os
import platform
import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import zmq
from numpy.typing import NDArray

from drivers.odemis import protocol
from drivers.odemis.remote.backend import trouble
from drivers.odemis.remote.components import WorkerError, odemis_version
from drivers.odemis.remote.description import description
from drivers.odemis.remote.electron import Electron
from drivers.odemis.remote.motion import Motion
from drivers.odemis.remote.optical import Optical
from drivers.odemis.remote.putting_back import PuttingBack

Reply = tuple[dict[str, Any], "NDArray[Any] | None"]
Method = Callable[..., "dict[str, Any] | Reply"]

_GUARD_S = 5.0
"""Time for the last blanking once the driver's process has ended, s."""

_KINDS = {
    "CancelledError": "interrupted",
    "TimeoutError": "timeout",
    "CommunicationError": "lost",
    "NamingError": "lost",
    "NotSettableError": "range",
    "IndexError": "range",
    "LookupError": "lost",
    "TypeError": "range",
    "ValueError": "range",
}
"""Kinds by the name of the nearest known class: without Pyro its classes cannot be imported."""


class Worker:
    """Methods by name.

    Parameters
    ----------
    roles : dict
        Of `config.odemis.OdemisRoles`.
    """

    def __init__(self, roles: dict[str, str]) -> None:
        optical, electron, motion = Optical(roles), Electron(roles), Motion(roles)
        self.electron = electron
        self._methods: dict[str, Method] = {
            "describe": lambda: description(roles),
            "put_back": PuttingBack(roles).put_back,
            "leave_blanker_automatic": electron.leave_automatic,
            "light_on": optical.on,
            "light_off": optical.off,
            "light_state": optical.state,
            "expose": optical.expose,
            "blank": electron.blank,
            "beam_state": electron.state,
            "set_beam": electron.set_beam,
            "column": electron.column,
            "largest_scan": electron.largest,
            "prepare_scan": electron.prepare,
            "drain": electron.drain,
            "scan": electron.scan,
            "position": motion.position,
            "move": motion.move,
            "stop_stage": motion.stop_stage,
            "focus_state": motion.focus_state,
            "focus_go_to": motion.focus_go_to,
            "stop_focus": motion.stop_focus,
            "chamber_state": motion.chamber_state,
            "chamber_go_to": motion.chamber_go_to,
            "stop_chamber": motion.stop_chamber,
        }

    def do(self, method: str, params: dict[str, Any]) -> Reply:
        """Carry out a request.

        Raises
        ------
        Exception
            Any that Odemis raises.
        """
        if method not in self._methods:
            raise WorkerError("failed", f"the worker has no method {method}")
        result = self._methods[method](**params)
        return result if isinstance(result, tuple) else (result, None)


def kind_of(error: BaseException) -> str:
    """Return the kind of an exception, of `protocol.KINDS`."""
    if isinstance(error, WorkerError):
        return error.kind
    names = (known.__name__ for known in type(error).__mro__)
    return next((_KINDS[name] for name in names if name in _KINDS), "failed")


def serve(endpoint: str, guard: bool) -> None:
    """Answer requests until the driver's process has ended."""
    socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.REP)
    socket.setsockopt(zmq.LINGER, 0)
    socket.bind(endpoint)
    worker: Worker | None = None
    guarding: list[Worker] = []
    # From the start, so that a driver killed before its first request leaves no process behind.
    _watch_driver(guarding)
    while True:
        message = socket.recv()
        try:
            header = protocol.read(message)
            method, params = str(header["method"]), dict(header["params"])
            if method == "hello":
                worker = Worker(params["roles"])
                guarding[:] = [worker] if guard else []
                result, frame = _hello(), None
            elif worker is None:
                raise WorkerError("failed", "the first request must be hello")
            else:
                result, frame = worker.do(method, params)
        except Exception as error:  # noqa: BLE001 - every failure is answered
            socket.send(protocol.failure(*_said(error)))
        else:
            _answer(socket, result, frame)


def _said(error: Exception) -> tuple[str, str]:
    """Return kind and text of a failure; a back-end that is down is told once for all that it causes."""
    kind = kind_of(error)
    if isinstance(error, WorkerError):
        return kind, str(error)
    down = trouble() if kind in ("lost", "failed") else None
    return down or (kind, f"{type(error).__name__}: {error}")


def _hello() -> dict[str, Any]:
    return {"pid": os.getpid(), "python": platform.python_version(), "odemis": odemis_version()}


def _answer(socket: zmq.Socket[bytes], result: dict[str, Any], frame: "NDArray[Any] | None") -> None:
    try:
        if frame is None:
            socket.send(protocol.success(result))
            return
        pixels = np.ascontiguousarray(frame).view(np.ndarray)
        pixels = pixels.astype(pixels.dtype.newbyteorder("<"), copy=False)
        head = protocol.success(result, pixels.dtype.str, pixels.shape)
    except ValueError as error:
        socket.send(protocol.failure("failed", f"Odemis gave a value that is not a number: {error}"))
        return
    socket.send(head, zmq.SNDMORE)
    # The message holds the array until it is sent: not copied on its way into the socket.
    socket.send(pixels.data, copy=False, track=False)


def _watch_driver(guarding: list[Worker]) -> None:
    """End when the driver's process ends; a worker in the list then blanks and switches off first."""

    def watch() -> None:
        while os.read(0, 1):
            pass
        for worker in guarding:
            # A blanker that was put back to automatic opens for scans only, and none of ours runs.
            for method in ("light_off",) if worker.electron.left_automatic else ("blank", "light_off"):
                last = threading.Thread(target=_attempt, args=(worker, method), daemon=True)
                last.start()
                last.join(_GUARD_S / 2)
        os._exit(0)

    threading.Thread(target=watch, name="watches the driver", daemon=True).start()


def _attempt(worker: Worker, method: str) -> None:
    try:
        worker.do(method, {})
    except Exception as error:  # noqa: BLE001 - only the log is left
        print(f"{method} failed: {error}", file=sys.stderr, flush=True)


def main(arguments: list[str]) -> None:
    """Serve on the endpoint given as the first argument."""
    serve(arguments[0], "--guard" in arguments[1:])
