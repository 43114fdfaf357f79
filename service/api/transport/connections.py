"""Limits on the connections of a listening socket: their number, and the size of an unfinished message.

A peer can send parts of one message forever. libzmq keeps them all until the last part, whatever the high
water mark says, and cannot close the connection of a single peer. So each connection that the monitor of the
socket reports is held by a duplicate of its file descriptor, and shut down when it sends too much without
completing a message.
"""

import ctypes
import fcntl
import os
import socket
import struct
import termios
from contextlib import suppress
from dataclasses import dataclass

import zmq
from zmq.utils.monitor import recv_monitor_message

from service.logs import get_logger

log = get_logger(__name__)

MOST = 200
"""Most connections at a time; the limit leaves file descriptors for images and the store."""

LOOK_S = 0.05
"""Time between two checks while a client is connected, s."""

_LOOKS = 4
"""Checks in a row with unread input and no message completed, after which a connection is closed."""

_LOOKS_UNTIL_FREED = 4
"""Checks after which libzmq has freed the memory of a connection, in a thread of its own."""

_BYTES_RECEIVED_AT = 128
"""Offset of ``tcpi_bytes_received`` in ``struct tcp_info`` of Linux 4.1 and later."""


@dataclass(slots=True)
class _Connection:
    held: socket.socket
    heard_at_bytes: int = 0
    """Bytes received over TCP up to its last complete message."""
    looks: int = 0
    """Checks in a row that found unread input, since then."""
    waited: bool = False
    """True if one did, since then: an unfinished message may have left memory to free."""


class Connections:
    """Connections of one listening socket; for use by the thread that owns the socket.

    Parameters
    ----------
    watched : zmq.Socket
    most_bytes : int
        Most that a peer may send over TCP without completing a message, bytes. A Unix socket has no such
        count; there a connection is closed that always has unread input, and a slow endless message from a
        program of the same user goes unnoticed.
    """

    def __init__(self, watched: "zmq.Socket[bytes]", most_bytes: int) -> None:
        self._watched = watched
        self._most_bytes = most_bytes
        self._open: dict[int, _Connection] = {}
        self._looks_until_tidy = 0
        self.monitor: zmq.Socket[bytes] = watched.get_monitor_socket(
            zmq.EVENT_ACCEPTED | zmq.EVENT_DISCONNECTED
        )

    def __len__(self) -> int:
        """Return the number of open connections."""
        return len(self._open)

    def take_events(self) -> None:
        """Note connections that were opened or closed."""
        while self.monitor.poll(0):
            message = recv_monitor_message(self.monitor, zmq.NOBLOCK)
            number = int(message["value"])
            self._forget(number)
            if message["event"] == zmq.EVENT_ACCEPTED:
                self._hold(number)

    def heard(self, number: int) -> None:
        """Note that a complete message came over the connection with this file descriptor."""
        connection = self._open.get(number)
        if connection is not None:
            connection.heard_at_bytes = _received(connection.held)
            connection.looks = 0
            connection.waited = False

    def look(self) -> None:
        """Close connections that send a message without end."""
        guilty = [number for number, connection in self._open.items() if self._is_endless(connection)]
        for number in guilty:
            log.warning("connection closed: its message has no end", connection=number)
            self._cut(number)
        if self._looks_until_tidy:
            self._looks_until_tidy -= 1
            if not self._looks_until_tidy:
                _give_memory_back()

    def cut_all(self) -> None:
        """Close every connection; clients reconnect by themselves and present their keys again."""
        for number in list(self._open):
            self._cut(number)

    def close(self) -> None:
        """Let go of all connections; harmless when repeated."""
        if not self._watched.closed:
            self._watched.disable_monitor()
        for number in list(self._open):
            self._forget(number)

    def _hold(self, number: int) -> None:
        try:
            held = socket.socket(fileno=os.dup(number))
        except OSError:
            return  # it has closed already
        # Since the event the number may have been given to another file.
        if not self._is_ours(held):
            held.close()
            return
        self._open[number] = _Connection(held)
        if len(self._open) > MOST:
            log.warning("connection closed: too many connections", most=MOST)
            self._cut(number)

    def _is_ours(self, held: socket.socket) -> bool:
        bound = self._watched.get_string(zmq.LAST_ENDPOINT).rstrip("\0")
        try:
            here = held.getsockname()
        except OSError:
            return False
        if held.family == socket.AF_UNIX:
            return bound == f"ipc://{os.fsdecode(here)}"
        return isinstance(here, tuple) and bound.endswith(f":{here[1]}")

    def _is_endless(self, connection: _Connection) -> bool:
        if _waiting(connection.held):
            connection.looks += 1
            connection.waited = True
        else:
            connection.looks = 0
        if connection.held.family == socket.AF_UNIX:
            return connection.looks >= _LOOKS
        return _received(connection.held) - connection.heard_at_bytes > self._most_bytes

    def _cut(self, number: int) -> None:
        held = self._open[number].held
        with suppress(OSError):
            # Reset it: otherwise the kernel keeps for a minute all that the peer still sends.
            held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            held.shutdown(socket.SHUT_RDWR)
        self._forget(number)

    def _forget(self, number: int) -> None:
        connection = self._open.pop(number, None)
        if connection is not None:
            connection.held.close()
            if connection.waited:
                self._looks_until_tidy = _LOOKS_UNTIL_FREED


def _received(connection: socket.socket) -> int:
    """Return the bytes received over a TCP connection, 0 for others."""
    if connection.family == socket.AF_UNIX:
        return 0
    size = _BYTES_RECEIVED_AT + 8
    try:
        info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, size)
    except OSError:
        return 0
    return int(struct.unpack_from("Q", info, _BYTES_RECEIVED_AT)[0]) if len(info) == size else 0


def _waiting(connection: socket.socket) -> bool:
    """Return True if a connection has unread input."""
    count = bytearray(4)
    try:
        fcntl.ioctl(connection.fileno(), termios.FIONREAD, count)
    except OSError:
        return False
    return any(count)


def _give_memory_back() -> None:
    """Return freed memory to the system; glibc keeps that of many small parts."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
