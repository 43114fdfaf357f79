"""Limits on the connections of a listening socket: their number, the size of an unfinished message, silence.

Too many of them never keep a new client out: the oldest that has said nothing goes first, from the address
that has most.

A peer can send parts of one message forever. libzmq keeps them all until the last part, whatever the high
water mark says, and cannot close the connection of a single peer. So each connection that the monitor of the
socket reports is held by a duplicate of its file descriptor, and shut down when it sends too much without
completing a message.
"""

import ctypes
import errno
import fcntl
import ipaddress
import os
import select
import socket
import struct
import termios
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

import zmq
from zmq.utils.monitor import recv_monitor_message

from service.api.transport.descriptors import share
from service.logs import Seldom, get_logger

log = get_logger(__name__)

MOST = 200
"""Most connections at a time, if there are file descriptors for so many besides images and the store."""

MOST_OF_ONE_ADDRESS = 50
"""Most connections from another computer at a time; chosen by hand, not measured."""

_DESCRIPTORS = 2
"""File descriptors of a connection: that of libzmq and the duplicate."""

_GREETING_BYTES = 64
"""Bytes of the ZMTP greeting, before a handshake; https://rfc.zeromq.org/spec/23."""

_MOST_EVENTS = 1000
"""Connections opened or closed that are noted in a row, before there is room for requests."""

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
    spoke: bool = False
    """True once a complete message has come."""
    address: str = field(default="")
    """Computer of the peer; empty for a program of this user on this one."""

    @property
    def is_silent(self) -> bool:
        """True if its peer has not even begun the handshake."""
        over_tcp = self.held.family != socket.AF_UNIX
        return not self.spoke and (not over_tcp or _received(self.held) <= _GREETING_BYTES)


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
        self._left: set[int] = set()
        """Connections that have closed since; a number is used again for a later one."""
        self._most = min(MOST, share(_DESCRIPTORS))
        self._seldom = Seldom()
        self._looks_until_tidy = 0
        self.monitor: zmq.Socket[bytes] = watched.get_monitor_socket(
            zmq.EVENT_ACCEPTED | zmq.EVENT_DISCONNECTED
        )

    def __len__(self) -> int:
        """Return the number of open connections."""
        return len(self._open)

    def take_events(self) -> None:
        """Note connections that were opened or closed, and close those that are too many."""
        for _ in range(_MOST_EVENTS):
            if not self.monitor.poll(0):
                break
            message = recv_monitor_message(self.monitor, zmq.NOBLOCK)
            number = int(message["value"])
            self._forget(number)
            if message["event"] == zmq.EVENT_ACCEPTED:
                self._left.discard(number)
                self._hold(number)
            else:
                self._left.add(number)
            if len(self._open) > 2 * self._most:
                self._make_room()
        self._make_room()

    def heard(self, number: int) -> None:
        """Note that a complete message came over the connection with this file descriptor."""
        connection = self._open.get(number)
        if connection is not None:
            connection.heard_at_bytes = _received(connection.held)
            connection.looks = 0
            connection.waited = False
            connection.spoke = True

    def has_left(self, number: int) -> bool:
        """Return True if the client behind a connection has closed it."""
        if not self._seems_left(number):
            return False
        # The number may be that of a newer connection by now.
        self.take_events()
        return self._seems_left(number)

    def _seems_left(self, number: int) -> bool:
        connection = self._open.get(number)
        if connection is None:
            return number in self._left
        hung_up = select.poll()
        hung_up.register(connection.held, select.POLLRDHUP)
        return bool(hung_up.poll(0))

    def cut(self, number: int, why: str) -> None:
        """Close a connection; does nothing if it has closed."""
        if number in self._open:
            self._seldom.write(log.warning, f"connection closed: {why}")
            self._cut(number)

    def look(self) -> None:
        """Close connections that send a message without end."""
        guilty = [number for number, connection in self._open.items() if self._is_endless(connection)]
        for number in guilty:
            self.cut(number, "its message has no end")
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
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                # One that is not held could not be closed either.
                self._seldom.write(log.error, "no file descriptors left for connections")
                self._make_room(at_most=len(self._open) // 2)
            return  # else it has closed already
        # Since the event the number may have been given to another file.
        if not self._is_ours(held):
            held.close()
            return
        self._open[number] = _Connection(held, address=_address(held))

    def _make_room(self, at_most: int | None = None) -> None:
        """Close what is too much: the silent first, the oldest of them first; of the others the newest."""
        most = min(MOST, self._most) if at_most is None else at_most
        count = Counter(connection.address for connection in self._open.values())
        surplus = len(self._open) - most
        for address, of_it in count.most_common():
            there = of_it - MOST_OF_ONE_ADDRESS if address else 0
            too_many = max(there, min(surplus, of_it))
            if too_many <= 0:
                continue
            for number in self._first_to_go(address)[:too_many]:
                self.cut(number, "too many connections")
            surplus -= too_many

    def _first_to_go(self, address: str) -> list[int]:
        """Return the connections of an address in the order in which they are closed."""
        # In the order in which they were opened.
        numbers = [number for number, connection in self._open.items() if connection.address == address]
        silent = [number for number in numbers if self._open[number].is_silent]
        quiet = [n for n in numbers if n not in set(silent) and not self._open[n].spoke]
        return [*silent, *quiet, *reversed([n for n in numbers if self._open[n].spoke])]

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
        # libzmq goes on with what it has read of it.
        self._left.add(number)

    def _forget(self, number: int) -> None:
        connection = self._open.pop(number, None)
        if connection is not None:
            connection.held.close()
            if connection.waited:
                self._looks_until_tidy = _LOOKS_UNTIL_FREED


def _address(held: socket.socket) -> str:
    """Return the address of the peer; empty if it is on this computer."""
    if held.family == socket.AF_UNIX:
        return ""
    try:
        address = ipaddress.ip_address(held.getpeername()[0].partition("%")[0])
    except (OSError, ValueError):
        return ""
    return "" if address.is_loopback else str(address)


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
