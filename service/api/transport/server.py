"""Sockets of the API, and the thread that serves them."""

import math
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import zmq

from service.api.transport import endpoints
from service.api.transport.connections import LOOK_S, Connections
from service.api.transport.curve import Curve, Gatekeeper, require_keys
from service.api.transport.endpoints import Endpoints
from service.api.wire.messages import ErrorCode, EventMessage, refusal
from service.logs import get_logger
from service.store.database import utc_now
from service.store.store import Store

log = get_logger(__name__)

MAX_MESSAGE_BYTES = 1024 * 1024
_EVENTS_KEPT = 10_000
"""Events queued for a slow subscriber; it loses the rest and catches up with ``events.since``."""

_REQUESTS_WAITING = 4
"""Requests of one client queued in this process; the rest wait on the client's side."""

_REPLIES_WAITING = 256
"""Replies queued for a client that does not read; it loses the rest."""

_MAX_SUBSCRIPTION_BYTES = 1024
_MAX_SUBSCRIPTIONS_BYTES = 1024 * 1024
"""Most that a subscriber may ever send, bytes; it sends nothing but subscriptions."""

_AT_ONCE = 64
"""Requests answered in a row before events are published."""

_FRAMES = 4
"""Frames kept of a message; a request has one, after an empty one."""

_PAGE = 500


class ApiServer:
    """Server of one session, from `start` to `stop`.

    Parameters
    ----------
    store : Store
        Source of the events.
    answer : callable
        Takes a request and returns its reply; called in the thread of the server.
    time_s : callable
        Returns the time on the microscope's clock, s.
    where : Endpoints
    heartbeat_s : float
        Time between heartbeats on the events socket, s.
    curve : Curve, optional
        Keys, to require one of every client; needed for endpoints that other computers can reach.
    each_beat : callable
        Called at each heartbeat; it must return at once.
    """

    def __init__(
        self,
        store: Store,
        answer: Callable[[bytes], bytes],
        time_s: Callable[[], float],
        where: Endpoints,
        heartbeat_s: float = 1.0,
        curve: Curve | None = None,
        each_beat: Callable[[], object] = lambda: None,
    ) -> None:
        self._store = store
        self._answer = answer
        self._time_s = time_s
        self._where = where
        self._heartbeat_s = heartbeat_s
        self._context = zmq.Context()
        self._requests = self._context.socket(zmq.ROUTER)
        self._events = self._context.socket(zmq.XPUB)
        self._gatekeeper = None if curve is None else Gatekeeper(self._context, curve)
        for one in (self._requests, self._events):
            one.setsockopt(zmq.LINGER, 0)
            one.setsockopt(zmq.RCVHWM, _REQUESTS_WAITING)
            if curve is not None:
                require_keys(one, curve)
        self._requests.setsockopt(zmq.MAXMSGSIZE, MAX_MESSAGE_BYTES)
        self._requests.setsockopt(zmq.SNDHWM, _REPLIES_WAITING)
        self._requests.setsockopt(zmq.ROUTER_MANDATORY, 1)
        self._events.setsockopt(zmq.MAXMSGSIZE, _MAX_SUBSCRIPTION_BYTES)
        self._events.setsockopt(zmq.SNDHWM, _EVENTS_KEPT)
        # Report every subscription, so that a new subscriber gets the last seq at once.
        self._events.setsockopt(zmq.XPUB_VERBOSE, 1)
        self._connections = (
            Connections(self._requests, (_REQUESTS_WAITING + 2) * MAX_MESSAGE_BYTES),
            Connections(self._events, _MAX_SUBSCRIPTIONS_BYTES),
        )
        self._each_beat = each_beat
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._wake_out.setblocking(False)
        self._stopping = threading.Event()
        self._published = 0
        self._next_beat = 0.0
        self._next_look = 0.0
        self._thread = threading.Thread(target=self._serve, name="api", daemon=True)

    def start(self) -> None:
        """Bind both sockets and serve.

        Raises
        ------
        EndpointError
            An endpoint is in use or cannot be bound; nothing is left behind.
        """
        try:
            private = self._gatekeeper is not None
            endpoints.bind(self._requests, self._where.requests, private)
            endpoints.bind(self._events, self._where.events, private)
        except BaseException:
            self._close()
            raise
        self._published = self._store.events.last_seq()
        self._store.listen(self._wake)
        self._thread.start()

    def stop(self) -> None:
        """End the thread and close the sockets; harmless when they are closed."""
        self._stopping.set()
        if self._thread.is_alive():
            self._wake()
            self._thread.join()
        self._close()

    def _close(self) -> None:
        if not self._context.closed:
            for connections in self._connections:
                connections.close()
            self._context.destroy(linger=0)
            if self._thread.ident is not None:
                endpoints.remove_sockets(self._where)
            self._wake_in.close()
            self._wake_out.close()

    def _wake(self) -> None:
        """Wake the thread, to publish events; no need if the pipe is full (it is awake) or closed."""
        with suppress(BlockingIOError, OSError):
            self._wake_in.send(b"\0")

    def _serve(self) -> None:
        poller = zmq.Poller()
        watched = [self._requests, self._events, *(each.monitor for each in self._connections)]
        for one in watched if self._gatekeeper is None else [*watched, self._gatekeeper.socket]:
            poller.register(one, zmq.POLLIN)
        poller.register(self._wake_out.fileno(), zmq.POLLIN)
        self._next_beat = time.monotonic()
        while not self._stopping.is_set():
            try:
                self._turn(poller)
            except Exception:
                # One error must not end the API; the pause keeps a lasting one from filling the log.
                log.exception("unexpected error in the API server")
                self._stopping.wait(self._heartbeat_s)

    def _turn(self, poller: zmq.Poller) -> None:
        """Wait for work or the next heartbeat, then do all that is due."""
        next_turn = min(self._next_beat, self._next_look) if any(self._connections) else self._next_beat
        poller.poll(math.ceil(max(0.0, next_turn - time.monotonic()) * 1000))
        with suppress(BlockingIOError):
            self._wake_out.recv(4096)
        if self._gatekeeper is not None:
            self._gatekeeper.answer()
        for connections in self._connections:
            connections.take_events()
        for _ in range(_AT_ONCE):
            if not self._answer_one():
                break
        subscribed = self._take_subscriptions()
        self._publish()
        if time.monotonic() >= self._next_look:
            self._next_look = time.monotonic() + LOOK_S
            for connections in self._connections:
                connections.look()
        if subscribed or time.monotonic() >= self._next_beat:
            self._next_beat = time.monotonic() + self._heartbeat_s
            self._beat()

    def _answer_one(self) -> bool:
        """Answer one request; return False if there is none."""
        try:
            peer, *rest = self._receive()
        except zmq.Again:
            return False
        # REQ puts an empty frame before the request; with DEALER it is optional.
        envelope = [b""] if len(rest) > 1 and not rest[0] else []
        frames = rest[len(envelope) :]
        if len(frames) == 1:
            reply = self._answer(frames[0])
        else:
            many = len(frames) if len(rest) < _FRAMES else f"{len(frames)} or more"
            reply = refusal(None, ErrorCode.BAD_REQUEST, f"a request has one frame, not {many}")
        try:
            self._requests.send_multipart([peer, *envelope, reply], zmq.NOBLOCK)
        except zmq.ZMQError as error:
            # The peer is gone or does not read; it can ask again. Not logged, or junk would fill the log.
            if error.errno not in (zmq.EHOSTUNREACH, zmq.EAGAIN):
                raise
        return True

    def _receive(self) -> list[bytes]:
        """Return the peer and the frames of a message; frames beyond `_FRAMES` are dropped."""
        frames: list[zmq.Frame] = []
        more = True
        while more:
            frame = self._requests.recv(zmq.NOBLOCK, copy=False)
            more = frame.more
            if len(frames) <= _FRAMES:
                frames.append(frame)
        # A peer that speaks ZMTP 1.0 has no number; after some MiB in all it has to reconnect.
        with suppress(zmq.ZMQError):
            self._connections[0].heard(int(frames[-1].get(zmq.SRCFD)))
        return [frame.bytes for frame in frames]

    def _take_subscriptions(self) -> bool:
        """Read the messages of subscribers; return True if one is a new subscription."""
        subscribed = False
        for _ in range(_AT_ONCE):
            try:
                frames = self._events.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                break
            subscribed |= frames[0].startswith(b"\x01")
        return subscribed

    def _publish(self) -> None:
        while events := self._store.events.since(self._published, _PAGE):
            for event in events:
                self._events.send(EventMessage.of(event).model_dump_json().encode(), zmq.NOBLOCK)
                self._published = event.seq
            if self._stopping.is_set():
                return

    def _beat(self) -> None:
        if self._gatekeeper is not None and self._gatekeeper.a_key_was_revoked():
            for connections in self._connections:
                connections.cut_all()
        message = EventMessage(
            type="heartbeat",
            seq=self._published,
            time_s=self._time_s(),
            at=utc_now().isoformat(timespec="milliseconds"),
        )
        self._events.send(message.model_dump_json().encode(), zmq.NOBLOCK)
        self._each_beat()
