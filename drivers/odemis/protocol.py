"""Messages between the driver and the process that has Odemis.

Over a ZeroMQ REQ/REP pair on an ipc socket; one request, one reply. A message is a JSON header and, behind a
frame, its raw bytes in C order, little endian. Both sides import this module, so it needs no more than the
standard library and Python 3.10.

Request: ``{"v": 2, "method": "scan", "params": {...}}``.
Reply: ``{"v": 2, "ok": true, "result": {...}, "frame": {"dtype": "<u2", "shape": [1103, 1536]}}``, or
``{"v": 2, "ok": false, "kind": "range", "message": "..."}`` with one of `KINDS`.
"""

import json
from typing import Any

VERSION = 2
"""Must be the same on both sides; the first request of a connection is `hello`."""

KINDS = ("range", "not-ready", "timeout", "interrupted", "lost", "failed", "not-running", "starting")
"""Kinds of failure: a value that does not exist, a device that is not ready, an overrun, a cancelled
movement, a component that does not answer, anything else, a back-end that is down, one that is starting."""


class ProtocolError(Exception):
    """Raised for a message that is not of this protocol or of another version of it."""


def request(method: str, params: dict[str, Any]) -> bytes:
    """Return a request."""
    return _dump({"v": VERSION, "method": method, "params": params})


def success(result: dict[str, Any], dtype: str = "", shape: tuple[int, ...] = ()) -> bytes:
    """Return the header of a reply; with a dtype and a shape the bytes of a frame follow it."""
    header: dict[str, Any] = {"v": VERSION, "ok": True, "result": result}
    if dtype:
        header["frame"] = {"dtype": dtype, "shape": list(shape)}
    return _dump(header)


def failure(kind: str, message: str) -> bytes:
    """Return the reply to a request that failed."""
    return _dump({"v": VERSION, "ok": False, "kind": kind, "message": message})


def read(message: bytes) -> dict[str, Any]:
    """Read the header of a request or a reply.

    Raises
    ------
    ProtocolError
        It is not one, or the other side has another version.
    """
    try:
        header = json.loads(message)
    except ValueError as error:
        raise ProtocolError(f"not a JSON header: {error}") from None
    if not isinstance(header, dict):
        raise ProtocolError("the header is not a JSON object")
    if header.get("v") != VERSION:
        raise ProtocolError(
            f"the other side uses version {header.get('v')} of the protocol, this one version {VERSION};"
            " install the same ilemtrack for both"
        )
    return header


def _dump(header: dict[str, Any]) -> bytes:
    # JSON has no NaN, and a value that is not a number must not cross.
    return json.dumps(header, allow_nan=False).encode()
