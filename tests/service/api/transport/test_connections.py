"""Peers that send a message without end, and too many peers, over real sockets."""

import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import zmq
from structlog.testing import capture_logs

from service.api.client import Client
from service.api.transport import connections
from service.api.transport.endpoints import Endpoints, run_endpoints
from service.api.transport.server import ApiServer
from service.errors import ApiError
from service.store.store import Store
from tests.ports import free_port
from tests.service.api import zmtp
from tests.service.api.api_session import api_server
from tests.service.api.conftest import Raw
from tests.service.daemons import until

LIMIT_S = 100


@pytest.fixture(params=["ipc", "tcp"])
def where(request: pytest.FixtureRequest, runtime: Path) -> Endpoints:
    if request.param == "ipc":
        return run_endpoints("run-1")
    return Endpoints(requests=f"tcp://127.0.0.1:{free_port()}", events=f"tcp://127.0.0.1:{free_port()}")


@pytest.fixture
def server(store: Store, where: Endpoints) -> Iterator[ApiServer]:
    made = api_server(store, where, heartbeat_s=0.1)
    made.start()
    yield made
    made.stop()


def send_until_cut(peer: socket.socket, blob: bytes, limit_s: float = LIMIT_S) -> int:
    """Send until the other side closes the connection; return the bytes sent."""
    sent = 0
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        try:
            peer.sendall(blob)
        except (BrokenPipeError, ConnectionResetError):
            return sent
        sent += len(blob)
    raise AssertionError(f"{sent} bytes, and nobody minded")


@pytest.mark.parametrize(
    ("which", "size"), [("requests", 1), ("requests", 100_000), ("events", 1), ("events", 1000)]
)
def test_a_message_without_end_is_cut_and_others_are_served(
    server: ApiServer, where: Endpoints, which: str, size: int
) -> None:
    endless = zmtp.shake_hands(getattr(where, which), b"DEALER" if which == "requests" else b"SUB")
    with Client(where.requests) as client, endless, capture_logs() as logged:
        assert client.call("hello")["run"] == "run-1"
        send_until_cut(endless, zmtp.part(b"x" * size, more=True) * max(1, 200_000 // size))
        assert client.call("hello")["run"] == "run-1"
    assert "connection closed: its message has no end" in [entry["event"] for entry in logged]


def test_a_message_of_many_parts_that_ends_is_refused(server: ApiServer, where: Endpoints, raw: Raw) -> None:
    with raw(zmq.DEALER) as dealer:
        dealer.connect(where.requests)
        dealer.send_multipart([b"x"] * 10_000)
        assert dealer.poll(60_000)
        assert b"a request has one frame, not 4 or more" in dealer.recv_multipart()[-1]


def test_one_client_that_sends_all_the_time_is_not_cut(server: ApiServer, where: Endpoints) -> None:
    with Client(where.requests) as client, capture_logs() as logged:
        text = "x" * 500_000
        for _ in range(100):
            # Each is refused, for its text is too long; what counts is that each is answered.
            with pytest.raises(ApiError, match=r"at most"):
                client.call("queue.skip", jobs=["J000001"], by="me", reason=text)
    assert [entry for entry in logged if "cut" in entry["event"]] == []


def test_too_many_connections_leave_room(
    server: ApiServer, where: Endpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "MOST", 5)
    with Client(where.requests) as client:
        client.call("hello")
        peers = []
        for _ in range(20):
            # Some are cut before they have shaken hands.
            with suppress(OSError):
                peers.append(zmtp.shake_hands(where.requests))
        until(lambda: len(peers) - sum(map(zmtp.is_cut, peers)) == 4)
        assert client.call("hello")["run"] == "run-1"
        assert len(peers) - sum(map(zmtp.is_cut, peers)) == 4
        for peer in peers:
            peer.close()


def test_a_peer_of_the_first_protocol_is_no_error(server: ApiServer, where: Endpoints) -> None:
    with capture_logs() as logged, zmtp.connect(where.requests) as peer:
        # ZMTP 1.0: an empty identity, and a message of one byte.
        peer.sendall(b"\x01\x00" + b"\x02\x00x")
        heard = b""
        while b"bad_request" not in heard:
            heard += peer.recv(1000) or pytest.fail("it hung up")
    assert [entry for entry in logged if entry["log_level"] == "error"] == []
