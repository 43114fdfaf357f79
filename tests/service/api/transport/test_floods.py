"""Clients that are too many, silent, or never read: others are served, and the files of a run have room."""

import json
import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import zmq
from structlog.testing import capture_logs

from service.api import session_reads
from service.api.client import Client
from service.api.handler import Handler
from service.api.transport import connections, descriptors, endpoints, waiting
from service.api.transport.endpoints import Endpoints
from service.api.transport.server import ApiServer
from service.api.transport.waiting import Waiting
from service.store.store import Store
from tests.ports import free_port
from tests.service.api import zmtp
from tests.service.api.api_session import DirectControl, api_server
from tests.service.api.conftest import Raw
from tests.service.daemons import until

FEW = 5


@pytest.fixture
def where(runtime: Path) -> Endpoints:
    return Endpoints(requests=f"tcp://127.0.0.1:{free_port()}", events=f"tcp://127.0.0.1:{free_port()}")


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MOST", FEW)


@pytest.fixture
def server(few: None, store: Store, where: Endpoints) -> Iterator[ApiServer]:
    made = api_server(store, where, heartbeat_s=0.1)
    made.start()
    yield made
    made.stop()


def silent(endpoint: str) -> socket.socket:
    host, _, port = endpoint.removeprefix("tcp://").rpartition(":")
    return socket.create_connection((host, int(port)), 60)


def test_silent_connections_never_keep_a_new_client_out(server: ApiServer, where: Endpoints) -> None:
    with ExitStack() as open_, capture_logs() as logged:
        old = open_.enter_context(Client(where.requests))
        old.call("hello")
        peers = [open_.enter_context(silent(where.requests)) for _ in range(10 * FEW)]
        for _ in range(3):
            with Client(where.requests) as client:
                assert client.call("status")["phase"] == "idle"
        assert old.call("hello")["run"] == "run-1"
        until(lambda: sum(map(zmtp.is_cut, peers)) >= len(peers) - FEW)
        # Those that are left are the youngest.
        left = [n for n, peer in enumerate(peers) if not zmtp.is_cut(peer)]
        assert left == list(range(len(peers) - len(left), len(peers)))
    assert [entry["event"] for entry in logged] == ["connection closed: too many connections"]


def test_a_connection_without_a_handshake_is_closed_in_time(
    store: Store, where: Endpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoints, "_HANDSHAKE_MS", 100)
    server = api_server(store, where)
    server.start()
    with silent(where.requests) as one, silent(where.events) as other:
        until(lambda: zmtp.is_cut(one) and zmtp.is_cut(other))
    server.stop()


def test_one_other_computer_cannot_take_all_connections(
    server: ApiServer, where: Endpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "MOST_OF_ONE_ADDRESS", 2)
    with ExitStack() as open_:
        ours = [open_.enter_context(silent(where.requests)) for _ in range(2)]
        until(lambda: len(server._connections[0]) == 2)
        monkeypatch.setattr(connections, "_address", lambda _: "192.0.2.1")
        theirs = [open_.enter_context(silent(where.requests)) for _ in range(4)]
        until(lambda: sum(map(zmtp.is_cut, theirs)) == 2)
        assert not any(map(zmtp.is_cut, ours))


def ask(number: int, method: str, **params: object) -> bytes:
    return json.dumps({"v": 1, "id": str(number), "method": method, "params": params}).encode()


def test_a_client_that_does_not_read_loses_its_connection(
    server: ApiServer, where: Endpoints, raw: Raw
) -> None:
    deaf = raw(zmq.DEALER)
    deaf.setsockopt(zmq.LINGER, 0)
    deaf.setsockopt(zmq.RCVHWM, 1)
    deaf.setsockopt(zmq.RCVBUF, 4096)
    deaf.connect(where.requests)
    with capture_logs() as logged:
        end_s = time.monotonic() + 200
        number = 0
        while "connection closed: its client does not read" not in [entry["event"] for entry in logged]:
            assert time.monotonic() < end_s
            number += 1
            if deaf.poll(10, zmq.POLLOUT):
                deaf.send(ask(number, "schema"))
        with Client(where.requests) as client:
            assert client.call("status")["phase"] == "idle"


def test_what_a_client_that_left_asked_is_dropped_and_what_it_changed_is_made(
    store: Store, where: Endpoints, raw: Raw
) -> None:
    handler = Handler(store, DirectControl(store), where.events)
    answered: list[str] = []

    def answer(payload: bytes) -> bytes:
        answered.append(json.loads(payload)["method"])
        if answered == ["hello"]:
            # The others have been sent by then, and their client has left.
            until(lambda: all(map(connections_._seems_left, [*connections_._open, *connections_._left])))
        return handler.answer(payload)

    server = ApiServer(store, answer, lambda: 0.0, where, needless=handler.is_read)
    connections_ = server._connections[0]
    server.start()
    with raw(zmq.DEALER) as client:
        client.connect(where.requests)
        for n, method in enumerate(["hello", "status", "run.abort", "status", "schema"]):
            client.send(ask(n, method))
        until(lambda: answered == ["hello"])
    until(lambda: store.status().phase == "aborted")
    with Client(where.requests) as other:
        other.call("estimate")
    server.stop()
    assert answered == ["hello", "run.abort", "estimate"]


def test_who_was_served_least_is_next_and_requests_of_one_client_stay_in_order() -> None:
    queue = Waiting()
    for n in range(5):
        queue.put(1, [b"flood", bytes([n])])
    queue.put(2, [b"other", b"\0"])
    taken = []
    while request := queue.take():
        taken.append(request[1])
        queue.spent(request[1][0], 0.1)
    assert taken[1] == [b"other", b"\0"]
    assert [frames[1] for frames in taken if frames[0] == b"flood"] == [bytes([n]) for n in range(5)]
    for _ in range(20):
        queue.fade()
    assert not queue._spent_s


def test_what_waits_is_bounded_in_number_and_in_bytes() -> None:
    for size, most in ((1, waiting.MOST_WAITING), (2**20, 8)):
        queue = Waiting()
        while queue.has_room():
            queue.put(1, [b"x" * size])
        assert len(queue) <= most


def test_the_schema_is_made_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    handler = Handler(store, DirectControl(store), "ipc:///events")
    first = json.loads(handler.answer(ask(1, "schema")))
    monkeypatch.setattr(session_reads, "schema", lambda: pytest.fail("made again"))
    again = json.loads(handler.answer(ask(1, "schema")))
    assert again == first
    assert again["ok"]
    assert "run.abort" in again["result"]["methods"]


@pytest.mark.parametrize(
    ("soft", "hard", "limit", "connections_"),
    [(1024, 524288, 65536, 8128), (1024, 4096, 4096, 448), (1024, 1024, 1024, 64), (300, 300, 300, 4)],
)
def test_images_and_the_store_have_their_descriptors(
    monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, limit: int, connections_: int
) -> None:
    now = [soft, hard]
    monkeypatch.setattr(resource, "getrlimit", lambda _: tuple(now))
    monkeypatch.setattr(resource, "setrlimit", lambda _, new: now.__setitem__(slice(None), list(new)))
    assert descriptors.raise_limit() == limit
    assert now == [limit, hard]
    assert descriptors.share(2) == connections_
