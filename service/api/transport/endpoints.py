"""Where the daemon listens, and how a client of the same user finds it.

Sockets and ``daemon.json`` lie in a folder that only this user can enter. One daemon of the user at a time
holds ``daemon.lock`` and is found by itself; others serve at their own endpoints. The lock goes with its
process, so nothing that a killed daemon leaves behind is in the way of the next.
"""

import json
import os
import socket
import stat
import threading
from pathlib import Path
from typing import Literal

import zmq
from filelock import FileLock, Timeout
from pydantic import Field, ValidationError

from config.base import Frozen
from service.errors import EndpointError
from service.session.runtime_folder import run_stem, runtime_directory

_SUN_PATH_BYTES = 107
"""Longest path of a Unix socket on Linux, without the closing zero."""

_PROBE_S = 1.0
_LOCK_S = 10.0


class Endpoints(Frozen):
    """Where requests and events are served."""

    requests: str
    events: str


class DaemonInfo(Frozen):
    """Content of ``daemon.json``."""

    v: Literal[1] = 1
    endpoint: str
    events_endpoint: str
    run: str
    pid: int = Field(gt=0)
    key: str | None = None
    """File of a key for clients of this user, where one is demanded."""


def run_endpoints(run_id: str) -> Endpoints:
    """Default endpoints of a run: two sockets in the runtime folder.

    Raises
    ------
    EndpointError
        See `runtime_directory`.
    """
    stem = run_stem(run_id)
    return Endpoints(requests=f"ipc://{stem}.req", events=f"ipc://{stem}.evt")


def is_private(endpoint: str) -> bool:
    """Whether only this computer reaches an endpoint, so that it needs no CURVE: ipc, TCP on 127.0.0.1."""
    return endpoint.startswith(("ipc://", "tcp://127.0.0.1:", "tcp://localhost:"))


def bind(socket_: zmq.Socket[bytes], endpoint: str, curve: bool = False) -> None:
    """Bind a socket; an ipc socket gets mode 0600.

    Parameters
    ----------
    socket_ : zmq.Socket
    endpoint : str
    curve : bool
        The socket demands keys, so that it may listen where others reach it.

    Raises
    ------
    EndpointError
        The endpoint is in use, cannot be bound, or is neither ipc nor on loopback and no keys are demanded.
    """
    lock = FileLock(runtime_directory() / "bind.lock")
    try:
        # libzmq unlinks whatever lies at an ipc path: look and bind as one step.
        with lock.acquire(timeout=_LOCK_S):
            if endpoint.startswith("ipc://"):
                _demand_free(_ipc_path(endpoint))
            elif not endpoint.startswith("tcp://") or not (curve or is_private(endpoint)):
                raise EndpointError(
                    f"{endpoint}: must be ipc:///absolute/path or tcp://127.0.0.1:port where no keys are"
                    " demanded"
                )
            old = os.umask(0o177)
            try:
                # libzmq binds to addresses only, and knows no name.
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
            f"{lock.lock_file}: held for {_LOCK_S:g} s by another program that starts"
        ) from None


def remove_sockets(where: Endpoints) -> None:
    """Remove the ipc sockets that this process had bound and has closed; libzmq leaves them."""
    for endpoint in (where.requests, where.events):
        if endpoint.startswith("ipc://"):
            _ipc_path(endpoint).unlink(missing_ok=True)


def is_listening(endpoint: str) -> bool:
    """Whether anything accepts connections at an endpoint, ``ipc://`` or ``tcp://``."""
    try:
        if endpoint.startswith("ipc://"):
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
                probe.settimeout(_PROBE_S)
                probe.connect(endpoint.removeprefix("ipc://"))
            return True
        host, _, port = endpoint.removeprefix("tcp://").rpartition(":")
        socket.create_connection((host, int(port)), _PROBE_S).close()
    except (OSError, ValueError, OverflowError) as error:
        return isinstance(error, PermissionError)
    return True


class Discovery:
    """Makes this daemon the one that clients of the user find, if no other is."""

    def __init__(self) -> None:
        folder = runtime_directory()
        self._file = folder / "daemon.json"
        # Of the process, not of a thread: the API's thread tries again when another daemon has ended.
        self._lock = FileLock(folder / "daemon.lock", thread_local=False)
        # Two threads that take it at once would find each other to be another daemon.
        self._one_at_a_time = threading.Lock()

    def publish(self, info: DaemonInfo) -> bool:
        """Write ``daemon.json``; False if another daemon of the user is alive and published.

        To be tried again now and then; harmless when it was done.
        """
        with self._one_at_a_time:
            if self._lock.is_locked:
                return True
            try:
                self._lock.acquire(timeout=0)
            except Timeout:
                return False
            part = self._file.with_suffix(".part")
            part.write_text(info.model_dump_json() + "\n", encoding="utf-8")
            part.replace(self._file)
            return True

    def withdraw(self) -> None:
        """Remove ``daemon.json`` if it is ours; harmless otherwise."""
        if self._lock.is_locked:
            self._file.unlink(missing_ok=True)
            self._lock.release()


def find_daemon() -> DaemonInfo | None:
    """Daemon of this user that is alive and published, None if there is none.

    Raises
    ------
    EndpointError
        See `runtime_directory`.
    """
    try:
        text = (runtime_directory() / "daemon.json").read_text(encoding="utf-8")
        info = DaemonInfo.model_validate(json.loads(text))
        os.kill(info.pid, 0)
    except (OSError, ValueError, OverflowError, RecursionError, ValidationError):
        return None
    return info


def _ipc_path(endpoint: str) -> Path:
    path = endpoint.removeprefix("ipc://")
    if not path.startswith("/"):
        raise EndpointError(f"{endpoint}: must be ipc:// and an absolute path")
    if len(os.fsencode(path)) > _SUN_PATH_BYTES:
        raise EndpointError(
            f"{endpoint}: the path is longer than the {_SUN_PATH_BYTES} bytes that a socket may have;"
            " set XDG_RUNTIME_DIR or the endpoints to something shorter"
        )
    return Path(path)


def _demand_free(path: Path) -> None:
    if not path.parent.is_dir():
        raise EndpointError(f"ipc://{path}: the folder {path.parent} does not exist")
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise EndpointError(f"ipc://{path}: there is a file that is no socket; choose another endpoint")
    if is_listening(f"ipc://{path}"):
        raise EndpointError(f"ipc://{path}: is in use by another program; choose another endpoint")
