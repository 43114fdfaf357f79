"""Ports for servers that are given one by number."""

import os
import socket
from itertools import count

_FIRST, _END = 10_000, 32_768
"""Below those that the kernel gives to whoever asks for any, connections included: none is taken by chance in
the seconds until the server listens."""
_OF_A_PROCESS = 250
"""Ports in a row that a process tries first; neighbours in the process table begin at another place."""
_turns = count()


def free_port(host: str = "127.0.0.1") -> int:
    """Return a port at which nobody listens, never the same one twice in a row."""
    places = _END - _FIRST
    for _ in range(places):
        port = _FIRST + (os.getpid() * _OF_A_PROCESS + next(_turns)) % places
        with socket.socket() as probe:
            try:
                probe.bind((host, port))
            except OSError:
                continue
        return port
    raise OSError("no port is free")
