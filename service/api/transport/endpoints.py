"""Endpoints of a daemon: names of its sockets, their limits, and their binding.

The ipc sockets are in a folder that only this user can enter.
"""

import os
import stat
from pathlib import Path

import zmq
from filelock import FileLock, Timeout

from config.base import Frozen
from service.api.transport.probe import is_listening
from service.errors import EndpointError
from service.session.folders.runtime_folder import run_stem, runtime_directory

_SUN_PATH_BYTES = 107
"""Longest path of a Unix socket on Linux, without the final zero byte."""

_LOCK_S = 10.0

MAX_MESSAGE_BYTES = 1024 * 1024
_REQUESTS_WAITING = 4
"""Requests of one client queued by libzmq; the rest wait on the client's side."""

MOST_UNFINISHED_BYTES = (_REQUESTS_WAITING + 2) * MAX_MESSAGE_BYTES
"""Most that a client may send without completing a request."""

_KERNEL_BYTES = 128 * 1024
"""Buffer of a connection in the kernel for each direction: what a client has sent ahead waits on its side."""

_HANDSHAKE_MS = 5000
"""Longest handshake; a connection that has not said who it is by then is closed. Chosen by hand."""

_EVENTS_KEPT = 10_000
"""Events queued for a slow subscriber; it loses the rest and catches up with ``events.since``."""

_MAX_SUBSCRIPTION_BYTES = 1024
MOST_SUBSCRIBED_BYTES = 1024 * 1024
"""Most that a subscriber may ever send; it sends nothing but subscriptions."""


class Endpoints(Frozen):
    """Endpoints of the request socket and of the events socket."""

    requests: str
    events: str


def run_endpoints(run_id: str) -> Endpoints:
    """Return the default endpoints of a run: two sockets in the runtime folder.

    Raises
    ------
    EndpointError
        See `runtime_directory`.
    """
    stem = run_stem(run_id)
    return Endpoints(requests=f"ipc://{stem}.req", events=f"ipc://{stem}.evt")


def is_private(endpoint: str) -> bool:
    """Return True if only this computer can reach an endpoint (ipc, TCP on 127.0.0.1); it needs no CURVE."""
    return endpoint.startswith(("ipc://", "tcp://127.0.0.1:", "tcp://localhost:"))


def sockets(context: "zmq.Context[zmq.Socket[bytes]]") -> "tuple[zmq.Socket[bytes], zmq.Socket[bytes]]":
    """Return the sockets for requests (ROUTER) and events (XPUB), not bound yet."""
    requests, events = context.socket(zmq.ROUTER), context.socket(zmq.XPUB)
    for one in (requests, events):
        one.setsockopt(zmq.LINGER, 0)
        one.setsockopt(zmq.RCVHWM, _REQUESTS_WAITING)
        one.setsockopt(zmq.HANDSHAKE_IVL, _HANDSHAKE_MS)
        one.setsockopt(zmq.RCVBUF, _KERNEL_BYTES)
        one.setsockopt(zmq.SNDBUF, _KERNEL_BYTES)
    requests.setsockopt(zmq.MAXMSGSIZE, MAX_MESSAGE_BYTES)
    events.setsockopt(zmq.MAXMSGSIZE, _MAX_SUBSCRIPTION_BYTES)
    events.setsockopt(zmq.SNDHWM, _EVENTS_KEPT)
    # Report every subscription, so that a new subscriber gets the last seq at once.
    events.setsockopt(zmq.XPUB_VERBOSE, 1)
    return requests, events


def bind(socket_: zmq.Socket[bytes], endpoint: str, curve: bool = False) -> None:
    """Bind a socket; an ipc socket gets mode 0600.

    Parameters
    ----------
    socket_ : zmq.Socket
    endpoint : str
    curve : bool
        True if the socket requires keys, so that other computers may connect.

    Raises
    ------
    EndpointError
        The endpoint is in use, cannot be bound, or is neither ipc nor on loopback and no keys are required.
    """
    lock = FileLock(runtime_directory() / "bind.lock")
    try:
        # libzmq deletes any file at an ipc path: check and bind in one step.
        with lock.acquire(timeout=_LOCK_S):
            if endpoint.startswith("ipc://"):
                _require_free(_ipc_path(endpoint))
            elif not endpoint.startswith("tcp://") or not (curve or is_private(endpoint)):
                raise EndpointError(
                    f"{endpoint}: must be ipc:///absolute/path or tcp://127.0.0.1:port, unless keys are"
                    " required"
                )
            old = os.umask(0o177)
            try:
                # libzmq binds to addresses only, not to names.
                socket_.bind(endpoint.replace("tcp://localhost:", "tcp://127.0.0.1:"))
            finally:
                os.umask(old)
    except zmq.ZMQError as error:
        why = (
            "is in use by another program" if error.errno == zmq.EADDRINUSE else f"cannot be bound ({error})"
        )
        raise EndpointError(f"{endpoint}: {why}; choose another endpoint") from error
    except Timeout:
        raise EndpointError(
            f"{lock.lock_file}: held for {_LOCK_S:g} s by another program that is starting"
        ) from None


def is_missing(endpoint: str) -> bool:
    """Return True if the file of an ipc socket is not there."""
    return endpoint.startswith("ipc://") and not _ipc_path(endpoint).exists()


def remove_sockets(where: Endpoints) -> None:
    """Remove the ipc sockets that this process has closed; libzmq leaves them."""
    for endpoint in (where.requests, where.events):
        if endpoint.startswith("ipc://"):
            _ipc_path(endpoint).unlink(missing_ok=True)


def _ipc_path(endpoint: str) -> Path:
    path = endpoint.removeprefix("ipc://")
    if not path.startswith("/"):
        raise EndpointError(f"{endpoint}: must be ipc:// and an absolute path")
    if len(os.fsencode(path)) > _SUN_PATH_BYTES:
        raise EndpointError(
            f"{endpoint}: the path is longer than the {_SUN_PATH_BYTES} bytes allowed for a socket;"
            " set XDG_RUNTIME_DIR or the endpoints to shorter paths"
        )
    return Path(path)


def _require_free(path: Path) -> None:
    if not path.parent.is_dir():
        raise EndpointError(f"ipc://{path}: the folder {path.parent} does not exist")
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise EndpointError(f"ipc://{path}: is a file, not a socket; choose another endpoint")
    if is_listening(f"ipc://{path}"):
        raise EndpointError(f"ipc://{path}: is in use by another program; choose another endpoint")
