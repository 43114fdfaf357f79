"""The sockets of the API, and the thread that serves them."""

import math
import socket
import threading
import time
from contextlib import suppress

import zmq

from service.api import endpoints
from service.api.endpoints import Endpoints
from service.api.handler import Control, Handler, event_message, refusal
from service.api.models import ErrorCode, EventMessage
from service.logs import get_logger
from service.store.database import utc_now
from service.store.store import Store

log = get_logger(__name__)

MAX_MESSAGE_BYTES = 1024 * 1024
_EVENTS_KEPT = 10_000
"""Events that wait for a slow subscriber; it loses the rest and catches up by ``events.since``."""

_AT_ONCE = 64
"""Requests answered before events are looked at again."""

_PAGE = 500


class ApiServer:
    """Serves one session, from `start` to `stop`.

    Parameters
    ----------
    store : Store
    control : Control
    where : Endpoints
    heartbeat_s : float
        Time between heartbeats on the events socket, s.
    """

    def __init__(self, store: Store, control: Control, where: Endpoints, heartbeat_s: float = 1.0) -> None:
        self._store = store
        self._control = control
        self._where = where
        self._heartbeat_s = heartbeat_s
        self._handler = Handler(store, control, where.events)
        self._context = zmq.Context()
        self._requests = self._context.socket(zmq.ROUTER)
        self._events = self._context.socket(zmq.XPUB)
        for one in (self._requests, self._events):
            one.setsockopt(zmq.MAXMSGSIZE, MAX_MESSAGE_BYTES)
            one.setsockopt(zmq.LINGER, 0)
        self._requests.setsockopt(zmq.ROUTER_MANDATORY, 1)
        self._events.setsockopt(zmq.SNDHWM, _EVENTS_KEPT)
        # Every subscription is told to us, so that a new subscriber hears the last seq at once.
        self._events.setsockopt(zmq.XPUB_VERBOSE, 1)
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._wake_out.setblocking(False)
        self._stopping = threading.Event()
        self._published = 0
        self._next_beat = 0.0
        self._thread = threading.Thread(target=self._serve, name="api", daemon=True)

    def start(self) -> None:
        """Bind both sockets and serve.

        Raises
        ------
        EndpointError
            An endpoint is in use or cannot be bound; nothing is left behind.
        """
        try:
            endpoints.bind(self._requests, self._where.requests)
            endpoints.bind(self._events, self._where.events)
        except BaseException:
            self._close()
            raise
        self._published = self._store.last_seq()
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
            self._context.destroy(linger=0)
            if self._thread.ident is not None:
                endpoints.remove_sockets(self._where)
            self._wake_in.close()
            self._wake_out.close()

    def _wake(self) -> None:
        """Make the thread look for events; full or closed means that it will look anyway, or never again."""
        with suppress(BlockingIOError, OSError):
            self._wake_in.send(b"\0")

    def _serve(self) -> None:
        poller = zmq.Poller()
        for one in (self._requests, self._events):
            poller.register(one, zmq.POLLIN)
        poller.register(self._wake_out.fileno(), zmq.POLLIN)
        self._next_beat = time.monotonic()
        while not self._stopping.is_set():
            try:
                self._turn(poller)
            except Exception:
                # One bad turn must not end the API; the pause keeps a lasting error from filling the log.
                log.exception("the API met an unexpected error")
                self._stopping.wait(self._heartbeat_s)

    def _turn(self, poller: zmq.Poller) -> None:
        """Wait for work or the next heartbeat, and do what there is."""
        wait_s = max(0.0, self._next_beat - time.monotonic())
        poller.poll(math.ceil(wait_s * 1000))
        with suppress(BlockingIOError):
            self._wake_out.recv(4096)
        for _ in range(_AT_ONCE):
            if not self._answer_one():
                break
        subscribed = self._take_subscriptions()
        self._publish()
        if subscribed or time.monotonic() >= self._next_beat:
            self._next_beat = time.monotonic() + self._heartbeat_s
            self._beat()

    def _answer_one(self) -> bool:
        """Answer a request that waits; False if none does."""
        try:
            peer, *rest = self._requests.recv_multipart(zmq.NOBLOCK)
        except zmq.Again:
            return False
        # REQ puts an empty frame before the request, DEALER need not.
        envelope = [b""] if len(rest) > 1 and not rest[0] else []
        frames = rest[len(envelope) :]
        if len(frames) == 1:
            reply = self._handler.answer(frames[0])
        else:
            reply = refusal(None, ErrorCode.BAD_REQUEST, f"a request is one frame, not {len(frames)}")
        try:
            self._requests.send_multipart([peer, *envelope, reply], zmq.NOBLOCK)
        except zmq.ZMQError as error:
            # The peer is gone or does not read: it can ask again.
            if error.errno not in (zmq.EHOSTUNREACH, zmq.EAGAIN):
                raise
            log.info("reply dropped", error=str(error))
        return True

    def _take_subscriptions(self) -> bool:
        """Read what subscribers sent; whether there was a new subscription."""
        subscribed = False
        for _ in range(_AT_ONCE):
            try:
                frames = self._events.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                break
            subscribed |= frames[0].startswith(b"\x01")
        return subscribed

    def _publish(self) -> None:
        while events := self._store.events_since(self._published, _PAGE):
            for event in events:
                self._events.send(event_message(event).model_dump_json().encode(), zmq.NOBLOCK)
                self._published = event.seq
            if self._stopping.is_set():
                return

    def _beat(self) -> None:
        message = EventMessage(
            type="heartbeat",
            seq=self._published,
            time_s=self._control.time_s(),
            at=utc_now().isoformat(timespec="milliseconds"),
        )
        self._events.send(message.model_dump_json().encode(), zmq.NOBLOCK)
