"""The connections of a listening socket: how many there are, and which of them send without end.

A peer can send parts of one message for ever; libzmq keeps them all until the last part, whatever the high
water mark says, and has no way to cut a single peer. So each connection that its monitor reports is kept hold
of by a duplicate of its file descriptor, and shut down when it sends too much without completing a message.
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
"""Connections at a time; more are cut at once, so that file descriptors are left for images and the store."""

LOOK_S = 0.05
"""Time between two looks while anybody is connected, s."""

_LOOKS = 4
"""So many looks in a row with input waiting and no message completed: the peer sends without end."""

_LOOKS_UNTIL_FREED = 4
"""libzmq frees in a thread of its own; after so many looks it has."""

_BYTES_RECEIVED_AT = 128
"""Offset of ``tcpi_bytes_received`` in ``struct tcp_info`` of Linux 4.1 and later."""


@dataclass(slots=True)
class _Connection:
    held: socket.socket
    heard_at_bytes: int = 0
    """Bytes received over TCP when it completed a message last."""
    looks: int = 0
    """Looks in a row at which input was waiting, since then."""
    waited: bool = False
    """Whether any was, since then: it may leave much of a message that never ended."""


class Connections:
    """Watches one socket that is bound or will be; to be used by the thread that owns the socket.

    Parameters
    ----------
    watched : zmq.Socket
    most_bytes : int
        What a peer may send over TCP without completing a message, bytes. A Unix socket tells no such count:
        there input that is always waiting tells, so that a slow endless message of another program of the
        same user is not noticed.
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
        """Return how many there are."""
        return len(self._open)

    def take_events(self) -> None:
        """Note who came and who left."""
        while self.monitor.poll(0):
            message = recv_monitor_message(self.monitor, zmq.NOBLOCK)
            number = int(message["value"])
            self._forget(number)
            if message["event"] == zmq.EVENT_ACCEPTED:
                self._hold(number)

    def heard(self, number: int) -> None:
        """Note that a whole message came over the connection of a file descriptor."""
        connection = self._open.get(number)
        if connection is not None:
            connection.heard_at_bytes = _received(connection.held)
            connection.looks = 0
            connection.waited = False

    def look(self) -> None:
        """Cut whoever sends without end."""
        guilty = [number for number, connection in self._open.items() if self._is_endless(connection)]
        for number in guilty:
            log.warning("connection cut: it sends without end of a message", connection=number)
            self._cut(number)
        if self._looks_until_tidy:
            self._looks_until_tidy -= 1
            if not self._looks_until_tidy:
                _give_memory_back()

    def cut_all(self) -> None:
        """Cut every connection; peers come back by themselves, and prove anew who they are."""
        for number in list(self._open):
            self._cut(number)

    def close(self) -> None:
        """Let go of everything; harmless when it is done."""
        if not self._watched.closed:
            self._watched.disable_monitor()
        for number in list(self._open):
            self._forget(number)

    def _hold(self, number: int) -> None:
        try:
            held = socket.socket(fileno=os.dup(number))
        except OSError:
            return  # it is gone already
        # Between the event and here the number may have passed on to something that is not ours.
        if not self._is_ours(held):
            held.close()
            return
        self._open[number] = _Connection(held)
        if len(self._open) > MOST:
            log.warning("connection cut: there are too many", most=MOST)
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
            # A reset, or the kernel would keep for a minute what the peer goes on to send.
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
    """Bytes that came over a TCP connection; 0 for others."""
    if connection.family == socket.AF_UNIX:
        return 0
    size = _BYTES_RECEIVED_AT + 8
    try:
        info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, size)
    except OSError:
        return 0
    return int(struct.unpack_from("Q", info, _BYTES_RECEIVED_AT)[0]) if len(info) == size else 0


def _waiting(connection: socket.socket) -> bool:
    """Whether input waits to be read."""
    count = bytearray(4)
    try:
        fcntl.ioctl(connection.fileno(), termios.FIONREAD, count)
    except OSError:
        return False
    return any(count)


def _give_memory_back() -> None:
    """Return freed memory to the system; glibc keeps what many small parts have left behind."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
