"""A peer that speaks ZMTP by hand, and so can break its rules (https://rfc.zeromq.org/spec/23)."""

import socket
import struct

MORE, LONG, COMMAND = 1, 2, 4
GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)


def connect(endpoint: str) -> socket.socket:
    """Connect to an endpoint, ipc or tcp, and send nothing."""
    if endpoint.startswith("ipc://"):
        peer = socket.socket(socket.AF_UNIX)
        peer.connect(endpoint.removeprefix("ipc://"))
    else:
        host, _, port = endpoint.removeprefix("tcp://").rpartition(":")
        peer = socket.create_connection((host, int(port)))
    peer.settimeout(60)
    return peer


def shake_hands(endpoint: str, kind: bytes = b"DEALER") -> socket.socket:
    """Connect, and send the greeting of a socket type."""
    peer = connect(endpoint)
    ready = b"\x05READY\x0bSocket-Type" + struct.pack(">I", len(kind)) + kind
    try:
        peer.sendall(GREETING + bytes([COMMAND, len(ready)]) + ready)
    except OSError:
        peer.close()
        raise
    return peer


def part(content: bytes, more: bool) -> bytes:
    """Return one frame of a message."""
    if len(content) > 255:
        return bytes([LONG | (MORE if more else 0)]) + struct.pack(">Q", len(content)) + content
    return bytes([MORE if more else 0, len(content)]) + content


def is_cut(peer: socket.socket) -> bool:
    """Return True if the other side has closed; what it has sent before is read."""
    peer.setblocking(False)
    try:
        while peer.recv(1000):
            pass
    except BlockingIOError:
        return False
    except ConnectionResetError:
        pass
    return True
