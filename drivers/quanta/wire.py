"""Protocol between this program and a Quanta-style server: JSON-RPC 2.0 over a socket, one line a message.

A request is one line of JSON, its parameters by name; all values are SI::

    {"jsonrpc": "2.0", "id": 7, "method": "set_dwell_time", "params": {"value": 6e-05}}

So is a reply, with the `id` of its request and either `result` or `error`::

    {"jsonrpc": "2.0", "id": 7, "result": null}
    {"jsonrpc": "2.0", "id": 8, "error": {"code": 1, "message": "dwell_time 9 s is not from ..."}}

A result that is an object with the key `bytes` (an image) is followed by that many raw bytes. Calls return at
once: what takes time (`move_stage`, `set_channel_state`, `pump`) is started, and its state is polled. The
server answers several connections at a time, so that a call that hangs in one does not prevent blanking in
another.

The names of the calls are those of a remote server of a Thermo Fisher (FEI) SEM, except for
`stop_vacuum_change`, the `pressure` of `pump`, and the read-backs of settings.
"""

import json
import socket
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from drivers.errors import DeviceLostError

MAX_LINE_BYTES = 64 * 1024
MAX_IMAGE_BYTES = 64 * 1024 * 1024
"""More than 16 bits of 6144 x 4096 px."""


class ErrorCode(IntEnum):
    """Reasons for which a server refuses a call."""

    UNKNOWN_METHOD = -32601
    BAD_PARAMETERS = -32602
    OUT_OF_RANGE = 1
    NOT_READY = 2
    FAILED = 3


@dataclass(frozen=True, slots=True)
class Address:
    """Address of a server: ``tcp://HOST:PORT`` or ``unix:///PATH``."""

    text: str

    def connect(self, timeout_s: float) -> socket.socket:
        """Open a connection.

        Raises
        ------
        OSError
            No server is listening there, or it did not accept in time.
        """
        scheme, _, rest = self.text.partition("://")
        if scheme == "unix":
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                connection.settimeout(timeout_s)
                connection.connect(rest)
            except OSError:
                connection.close()
                raise
            return connection
        host, _, port = rest.rpartition(":")
        connection = socket.create_connection((host, int(port)), timeout=timeout_s)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection


def line(message: dict[str, Any]) -> bytes:
    """Return a message as one line.

    Raises
    ------
    ValueError
        A number that is not finite.
    """
    return json.dumps(message, allow_nan=False).encode() + b"\n"


def parsed(text: bytes) -> dict[str, Any]:
    """Return the message of a line.

    Raises
    ------
    DeviceLostError
        It is not a JSON object: the other end does not use this protocol.
    """
    try:
        message = json.loads(text)
    except ValueError:
        message = None
    if not isinstance(message, dict):
        raise DeviceLostError(f"not a line of JSON-RPC: {text[:80]!r}")
    return message
