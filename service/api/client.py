"""Client of the daemon, for the command line, the console and scripts."""

import contextlib
import json
import math
import os
import time
import uuid
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import zmq

from service.api.transport.discovery import choose
from service.api.transport.forgotten import Sockets
from service.api.transport.keys import Certificate, present, read_secret
from service.api.transport.probe import is_listening
from service.errors import ApiError, InputError, NoDaemonError

ENDPOINT_VARIABLE = "ILEMTRACK_ENDPOINT"
KEY_VARIABLE = "ILEMTRACK_KEY"
_FIRST_WAIT_S = 1.0
"""Wait before a request is sent again, s: it may have been lost with a closed connection."""
_SECOND_WAIT = 0.4
"""Wait before it is sent for the last time, as a part of `timeout_s`: that one may have been lost, too."""

_PAGE = 1000


class Client:
    """Client of one daemon; not thread-safe.

    Parameters
    ----------
    endpoint : str, optional
        Request socket; default: ``ILEMTRACK_ENDPOINT``, else the daemon of this user by `choose`.
    key : path, optional
        Key file made by `ilemtrack keys new`, for a daemon that requires one; default: ``ILEMTRACK_KEY``.
    timeout_s : float
        Time to wait for a reply, s, after a request was sent again.
    run : str, optional
        Name or folder of a run, whose daemon is meant.

    Attributes
    ----------
    run : str or None
        Run of the daemon that was found; None where its endpoint was given.

    Raises
    ------
    NoDaemonError
        No daemon was found.
    InputError
        Several were found, or the key file cannot be used.
    """

    def __init__(
        self,
        endpoint: str | None = None,
        timeout_s: float = 5.0,
        key: str | Path | None = None,
        run: str | None = None,
    ) -> None:
        if endpoint is not None and run is not None:
            raise InputError("--connect and --run both name a daemon; give one of them")
        named = endpoint or (os.environ.get(ENDPOINT_VARIABLE) if run is None else None)
        key = key or os.environ.get(KEY_VARIABLE)
        self.run: str | None = None
        if named is None:
            found = choose(run)
            named, key, self.run = found.endpoint, key or found.key, found.run
        self.endpoint = named
        self._key = None if key is None else _client_key(Path(key))
        self._timeout_s = timeout_s
        if not self.endpoint.startswith(("ipc://", "tcp://")):
            raise NoDaemonError(f"{self.endpoint}: an endpoint begins with ipc:// or tcp://")
        if not is_listening(self.endpoint):
            raise NoDaemonError(f"no daemon listens at {self.endpoint}")
        self._sockets = Sockets(self)
        self._socket: zmq.Socket[bytes] | None = None

    def close(self) -> None:
        """Close the connection; harmless when repeated."""
        self._sockets.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def call(self, method: str, *, request_id: str | None = None, **params: Any) -> dict[str, Any]:
        """Call a method and return its result.

        Parameters
        ----------
        method : str
            One of `service.api.wire.methods.METHODS`.
        request_id : str, optional
            Identifier of the request; give that of an earlier change to repeat it safely. Default: a new one.
        **params
            JSON values; those that are None are left out.

        Raises
        ------
        ApiError
            The daemon refused the request.
        NoDaemonError
            The daemon did not answer.
        """
        request_id = request_id or uuid.uuid4().hex
        given = {name: value for name, value in params.items() if value is not None}
        request = json.dumps({"v": 1, "id": request_id, "method": method, "params": given}, allow_nan=False)
        second_s = _SECOND_WAIT * self._timeout_s
        waits_s = (min(_FIRST_WAIT_S, self._timeout_s), second_s, self._timeout_s - second_s)
        asked: list[zmq.Socket[bytes]] = []
        try:
            for wait_s in waits_s:
                # Repeating an id is harmless: a change that was made is answered, not made twice.
                asked.append(self._ask(request.encode()))
                reply = self._reply(asked, request_id, wait_s)
                if reply is not None:
                    return _result(reply)
        finally:
            for socket in asked:
                if socket is not self._socket:
                    self._sockets.close(socket)
        key = "require a key (--key)" if self._key is None else "no longer permit this key"
        raise NoDaemonError(
            f"the daemon at {self.endpoint} does not answer (waited {sum(waits_s):g} s)"
            + ("" if self.endpoint.startswith("ipc://") and self._key is None else f"; it may {key}")
        )

    def events(self, since: int | None = None) -> Generator[dict[str, Any], None, None]:
        """Yield events in order and without gaps, as they come, without end.

        Parameters
        ----------
        since : int, optional
            The last `seq` that the caller has; default: only events from now on.

        Raises
        ------
        ApiError
        NoDaemonError
            No heartbeat came, and the daemon does not answer.
        """
        hello = self.call("hello")
        socket = self._sockets.open(zmq.SUB)
        try:
            socket.setsockopt(zmq.SUBSCRIBE, b"")
            if self._key is not None:
                present(socket, self._key)
            socket.connect(self._reachable(hello["events_endpoint"]))
            last = self.call("status")["last_seq"] if since is None else since
            while True:
                if not socket.poll(_ms(self._timeout_s)):
                    self.call("hello")
                    continue
                message = json.loads(socket.recv())
                is_next = message["type"] == "event" and message["seq"] == last + 1
                # A later heartbeat or event than the next one: some were missed.
                fresh = [message] if is_next else self._missed(last, message["seq"])
                for event in fresh:
                    last = event["seq"]
                    yield event
        finally:
            self._sockets.close(socket)

    def _missed(self, last: int, until: int) -> Iterator[dict[str, Any]]:
        while last < until:
            page = self.call("events.since", seq=last, limit=_PAGE)["events"]
            if not page:
                return
            yield from page
            last = page[-1]["seq"]

    def _reachable(self, endpoint: str) -> str:
        """Return an endpoint as reached from here; a daemon that listens on all addresses names none."""
        host, _, port = endpoint.removeprefix("tcp://").rpartition(":")
        if endpoint.startswith("tcp://") and host in ("*", "0.0.0.0") and self.endpoint.startswith("tcp://"):
            return f"{self.endpoint.rpartition(':')[0]}:{port}"
        return endpoint

    def _ask(self, request: bytes) -> zmq.Socket[bytes]:
        """Send a request, on the connection that answered last or on a new one, and return the connection."""
        socket, self._socket = self._socket, None
        if socket is None:
            socket = self._sockets.open(zmq.DEALER)
            if self._key is not None:
                present(socket, self._key)
            socket.connect(self.endpoint)
        # A daemon that wants another key, or none, may have hung up by now: sending would wait without end.
        with contextlib.suppress(zmq.Again):
            socket.send_multipart([b"", request], zmq.NOBLOCK)
        return socket

    def _reply(
        self, asked: Sequence[zmq.Socket[bytes]], request_id: str, wait_s: float
    ) -> dict[str, Any] | None:
        """Return the reply that comes on any connection, None if none comes in time; keep that connection."""
        poller = zmq.Poller()
        for socket in asked:
            poller.register(socket, zmq.POLLIN)
        deadline = time.monotonic() + wait_s
        while (left_s := deadline - time.monotonic()) > 0:
            for socket, _ in poller.poll(_ms(left_s)):
                reply = json.loads(socket.recv_multipart()[-1])
                if reply["id"] in (request_id, None):
                    self._socket = socket
                    return dict(reply)
        return None


def _client_key(path: Path) -> Certificate:
    key = read_secret(path)
    if key.server is None:
        raise InputError(
            f"{path}: does not hold the daemon's public key; `ilemtrack keys new NAME` makes a file that does"
        )
    return key


def _ms(seconds: float) -> int:
    return math.ceil(seconds * 1000)


def _result(reply: dict[str, Any]) -> dict[str, Any]:
    if reply["ok"]:
        return dict(reply["result"])
    raise ApiError(reply["error"]["code"], reply["error"]["message"])
