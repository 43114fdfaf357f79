"""Sockets of the API, and the thread that serves them."""

import math
import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress

import zmq

from service.api.transport import endpoints
from service.api.transport.connections import LOOK_S, Connections
from service.api.transport.curve import Curve, Gatekeeper, require_keys
from service.api.transport.descriptors import raise_limit
from service.api.transport.endpoints import Endpoints
from service.api.transport.replies import Replies
from service.api.transport.waiting import Waiting
from service.api.wire.messages import ErrorCode, EventMessage, refusal
from service.logs import Seldom, get_logger
from service.store.database import utc_now
from service.store.store import Store

log = get_logger(__name__)

_AT_ONCE_S = 0.05
"""Time for requests before events are published and connections looked at, s."""

_AT_ONCE = 64
"""Subscriptions read in a row."""

_PUBLISH_S = 0.02
"""Shortest time between two looks for new events, s: those of a fast session go out together."""

_LAST_MS = 200
"""Longest wait at the end for clients to take the last events, ms: only one that does not read needs it."""

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
    needless : callable
        Returns True for a request that changes nothing: if its client has left, nobody needs the answer.
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
        needless: Callable[[bytes], bool] = lambda _: False,
    ) -> None:
        self._store = store
        self._answer = answer
        self._time_s = time_s
        self._where = where
        self._heartbeat_s = heartbeat_s
        self._needless = needless
        self._seldom = Seldom()
        raise_limit()
        self._context = zmq.Context()
        with ExitStack() as undo:
            undo.callback(self._context.destroy, linger=0)
            self._requests, self._events = endpoints.sockets(self._context)
            self._gatekeeper = None if curve is None else Gatekeeper(self._context, curve)
            if curve is not None:
                require_keys(self._requests, curve)
                require_keys(self._events, curve)
            self._connections = (
                Connections(self._requests, endpoints.MOST_UNFINISHED_BYTES),
                Connections(self._events, endpoints.MOST_SUBSCRIBED_BYTES),
            )
            undo.pop_all()
        self._waiting = Waiting()
        self._replies = Replies(self._requests, self._connections[0].cut)
        self._each_beat = each_beat
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._wake_out.setblocking(False)
        self._stopping = threading.Event()
        self._published = 0
        self._awake = False
        self._next_publish = 0.0
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

    @property
    def where(self) -> Endpoints:
        """Endpoints at which clients find the server."""
        return self._where

    def put_back(self, where: Endpoints) -> bool:
        """Bind again the ipc sockets whose files were removed; only for `each_beat`.

        Parameters
        ----------
        where : Endpoints
            Where they belong now.

        Returns
        -------
        bool
            True if one was missing.

        Raises
        ------
        EndpointError
        """
        moved = where != self._where
        missing = [
            (one, endpoint)
            for one, endpoint in ((self._requests, where.requests), (self._events, where.events))
            if moved or endpoints.is_missing(endpoint)
        ]
        for one, endpoint in missing:
            # The old listener stays, without a name, until the end: to close it would remove the new one.
            endpoints.bind(one, endpoint, self._gatekeeper is not None)
        self._where = where
        return bool(missing)

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
            self._events.close(linger=_LAST_MS)
            self._context.destroy(linger=0)
            if self._thread.ident is not None:
                endpoints.remove_sockets(self._where)
            self._wake_in.close()
            self._wake_out.close()

    def _wake(self) -> None:
        """Have events published; no need if the thread is to publish soon, or its pipe is closed."""
        if self._awake:
            return
        self._awake = True
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
            self._survive(lambda: self._turn(poller))
        self._survive(self._publish)

    def _survive(self, work: Callable[[], None]) -> None:
        """Do some work; one error must not end the API, and the pause is for a lasting one."""
        try:
            work()
        except Exception:  # noqa: BLE001 - see above
            self._seldom.write(log.exception, "unexpected error in the API server")
            self._stopping.wait(self._heartbeat_s)

    def _turn(self, poller: zmq.Poller) -> None:
        """Wait for work or the next heartbeat, then do all that is due."""
        next_turn = min(self._next_beat, self._next_look) if any(self._connections) else self._next_beat
        if self._awake:
            next_turn = min(next_turn, self._next_publish)
        if self._waiting:
            next_turn = 0.0
        poller.poll(math.ceil(max(0.0, next_turn - time.monotonic()) * 1000))
        with suppress(BlockingIOError):
            self._wake_out.recv(4096)
        if self._gatekeeper is not None:
            self._gatekeeper.answer()
        for connections in self._connections:
            connections.take_events()
        self._answer_some()
        subscribed = self._take_subscriptions()
        beats = subscribed or time.monotonic() >= self._next_beat
        # A heartbeat tells the last event: none may wait behind it.
        if beats or time.monotonic() >= self._next_publish:
            self._next_publish = time.monotonic() + _PUBLISH_S
            # Before they are read: what is committed meanwhile wakes the thread again.
            self._awake = False
            self._publish()
        if time.monotonic() >= self._next_look:
            self._next_look = time.monotonic() + LOOK_S
            for connections in self._connections:
                connections.look()
        if beats:
            self._next_beat = time.monotonic() + self._heartbeat_s
            self._waiting.fade()
            self._beat()

    def _answer_some(self) -> None:
        """Receive requests and answer them for a while."""
        until_s = time.monotonic() + _AT_ONCE_S
        while time.monotonic() < until_s:
            with suppress(zmq.Again):
                while self._waiting.has_room():
                    self._waiting.put(*self._receive())
            request = self._waiting.take()
            if request is None:
                return
            begun_s = time.monotonic()
            self._answer_one(*request)
            self._waiting.spent(request[1][0], time.monotonic() - begun_s)

    def _answer_one(self, number: int, message: list[bytes]) -> None:
        """Answer one request."""
        peer, *rest = message
        # REQ puts an empty frame before the request; with DEALER it is optional.
        envelope = [b""] if len(rest) > 1 and not rest[0] else []
        frames = rest[len(envelope) :]
        if len(frames) == 1:
            if self._connections[0].has_left(number) and self._needless(frames[0]):
                return
            reply = self._answer(frames[0])
        else:
            many = len(frames) if len(rest) < _FRAMES else f"{len(frames)} or more"
            reply = refusal(None, ErrorCode.BAD_REQUEST, f"a request has one frame, not {many}")
        self._replies.send(number, [peer, *envelope, reply])

    def _receive(self) -> tuple[int, list[bytes]]:
        """Return connection, peer and frames of a message; frames beyond `_FRAMES` are dropped."""
        frames: list[zmq.Frame] = []
        more = True
        while more:
            frame = self._requests.recv(zmq.NOBLOCK, copy=False)
            more = frame.more
            if len(frames) <= _FRAMES:
                frames.append(frame)
        number = -1
        # A peer that speaks ZMTP 1.0 has no number; after some MiB in all it has to reconnect.
        with suppress(zmq.ZMQError):
            number = int(frames[-1].get(zmq.SRCFD))
            self._connections[0].heard(number)
        return number, [frame.bytes for frame in frames]

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
            if len(events) < _PAGE:
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
