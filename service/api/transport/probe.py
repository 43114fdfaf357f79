"""A probe for a server that accepts connections."""

import socket

_PROBE_S = 1.0
"""Timeout of a connection, s."""


def is_listening(endpoint: str) -> bool:
    """Return True if a server accepts connections at an ``ipc://`` or ``tcp://`` endpoint."""
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
