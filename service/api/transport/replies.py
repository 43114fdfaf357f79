"""Replies on their way to clients: what waits for one that does not read is bounded, in number and bytes."""

from collections.abc import Callable

import zmq

MOST_WAITING = 32
"""Replies queued for one client."""

_MOST_BYTES = 4 * 1024 * 1024
"""Large replies queued for one client, bytes."""


class Replies:
    """Replies of a ROUTER socket; for use by the thread that owns it.

    Parameters
    ----------
    socket_ : zmq.Socket
    cut : callable
        Closes a connection, for a reason; its client can connect again, and ask again.
    """

    def __init__(self, socket_: "zmq.Socket[bytes]", cut: Callable[[int, str], None]) -> None:
        self._socket, self._cut = socket_, cut
        self._large: dict[int, list[tuple[zmq.MessageTracker, int]]] = {}
        """Replies by connection that the transport may not have sent yet, bytes."""
        socket_.setsockopt(zmq.SNDHWM, MOST_WAITING)
        socket_.setsockopt(zmq.ROUTER_MANDATORY, 1)

    def send(self, number: int, frames: list[bytes]) -> None:
        """Send a reply over the connection of its request, or close that: its client does not read."""
        size = sum(map(len, frames))
        large = size >= zmq.COPY_THRESHOLD
        try:
            tracker = self._socket.send_multipart(frames, zmq.NOBLOCK, copy=not large, track=large)
        except zmq.ZMQError as error:
            # The peer is gone: not logged, or junk would fill the log.
            if error.errno not in (zmq.EHOSTUNREACH, zmq.EAGAIN):
                raise
            if error.errno == zmq.EAGAIN:
                self._cut(number, "its client does not read")
            return
        if large and tracker is not None and self._owed(number, tracker, size) > _MOST_BYTES:
            self._cut(number, "its client does not read")

    def _owed(self, number: int, tracker: zmq.MessageTracker, size: int) -> int:
        """Note a large reply, and return the bytes that its client has not been sent yet."""
        self._large.setdefault(number, []).append((tracker, size))
        for other, replies in list(self._large.items()):
            waiting = [reply for reply in replies if not reply[0].done]
            if waiting:
                self._large[other] = waiting
            else:
                del self._large[other]
        return sum(size for _, size in self._large.get(number, ()))
