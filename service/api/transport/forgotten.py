"""Sockets of a client that nobody closes: closed before the garbage collector meets them.

The collector frees sockets and their context in any order, and libzmq ends a context only once its last
socket is closed: a context that comes first blocks its thread for ever.
"""

import weakref

import zmq


class Sockets:
    """A context with its sockets, which end with their owner at the latest; not thread-safe.

    Parameters
    ----------
    owner : object
        Not referred to.
    """

    def __init__(self, owner: object) -> None:
        self._context = zmq.Context()
        self._open: set[zmq.Socket[bytes]] = set()
        # It refers to them, so that they are no garbage before it is called.
        self._finalizer = weakref.finalize(owner, _end, self._context, self._open)
        # The end of the program closes them; a thread may still wait at one.
        self._finalizer.atexit = False

    def open(self, kind: int) -> "zmq.Socket[bytes]":
        """Return a new socket, which drops at its end what it has not sent."""
        made = self._context.socket(kind)
        made.setsockopt(zmq.LINGER, 0)
        self._open.add(made)
        return made

    def close(self, socket: "zmq.Socket[bytes]") -> None:
        """Close a socket; harmless when repeated."""
        socket.close()
        self._open.discard(socket)

    def end(self) -> None:
        """Close all sockets; harmless when repeated, and none can be opened any more."""
        self._finalizer()


def _end(context: "zmq.Context[zmq.Socket[bytes]]", sockets: "set[zmq.Socket[bytes]]") -> None:
    for one in tuple(sockets):  # a thread that follows events may close its own meanwhile
        one.close()
    sockets.clear()
    context.destroy(linger=0)
