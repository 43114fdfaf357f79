"""The API over real sockets, ipc and tcp."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import zmq

from service.api.client import Client
from service.api.transport import server as server_module
from service.api.transport.endpoints import MAX_MESSAGE_BYTES, Endpoints, run_endpoints
from service.api.transport.probe import is_listening
from service.api.transport.server import ApiServer
from service.errors import ApiError, EndpointError, NoDaemonError
from service.model.phases import SessionEvent
from service.store.store import Store
from tests.ports import free_port
from tests.service.api.api_session import api_server
from tests.service.daemons import until
from tests.service.store.stores import queue_jobs

REPLY_MS = 60_000

Connect = Callable[[int, str], zmq.Socket[bytes]]


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


@pytest.fixture
def client(server: ApiServer, where: Endpoints) -> Iterator[Client]:
    with Client(where.requests) as made:
        yield made


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Make raw sockets, and close them at the end."""
    context = zmq.Context()
    sockets: list[zmq.Socket[bytes]] = []

    def one(kind: int, where: str) -> zmq.Socket[bytes]:
        made = context.socket(kind)
        sockets.append(made)
        made.connect(where)
        return made

    yield one
    for socket_ in sockets:
        socket_.close(linger=0)
    context.destroy(linger=0)


def receive(one: zmq.Socket[bytes]) -> dict[str, Any]:
    assert one.poll(REPLY_MS), "no reply"
    return dict(json.loads(one.recv_multipart()[-1]))


def test_ten_lines_in_any_language(server: ApiServer, where: Endpoints, connect: Connect) -> None:
    for kind in (zmq.REQ, zmq.DEALER):
        one = connect(kind, where.requests)
        one.send(b'{"v": 1, "id": "a", "method": "hello", "params": {}}')
        assert one.poll(REPLY_MS)
        frames = one.recv_multipart()
        assert len(frames) == 1
        assert json.loads(frames[0])["result"]["events_endpoint"] == where.events


def test_two_clients(client: Client, where: Endpoints, store: Store) -> None:
    queue_jobs(store)
    store.apply(SessionEvent.START)
    with Client(where.requests) as other:
        paused = client.call("run.pause", request_id="a", if_rev=store.requests.rev())
        assert other.call("status")["phase"] == "paused"
        with pytest.raises(ApiError) as refused:
            other.call("run.resume", if_rev=paused["rev"] - 1)
        assert refused.value.code == "stale_revision"
        assert client.call("run.pause", request_id="a", if_rev=paused["rev"] - 2) == paused
        assert other.call("run.resume", if_rev=paused["rev"])["phase"] == "preflight"
        assert [row["job"] for row in other.call("queue.list", limit=2)["jobs"]] == ["J000001", "J000002"]


def test_junk_is_no_outage(client: Client, where: Endpoints, connect: Connect) -> None:
    junk: list[list[bytes]] = [
        [b""],
        [b"", b""],
        [b"", b"", b""],
        [b"\xff\xfe"],
        [b"x", b"y", b"z"],
        [b"", b"x", b"y"],
        [b"x"] * 100,
        [b"[" * 500_000],
        [b'{"v":1,"id":"x","method":"status","params":{"a":NaN}}'],
    ]
    one = connect(zmq.DEALER, where.requests)
    for frames in junk:
        one.send_multipart(frames)
        assert receive(one)["error"]["code"] == "bad_request"
    huge = connect(zmq.DEALER, where.requests)
    huge.send(b"x" * (MAX_MESSAGE_BYTES + 1))
    assert not huge.poll(300)
    subscriber = connect(zmq.XSUB, where.events)
    for frames in junk:
        subscriber.send_multipart(frames)
    if where.requests.startswith("tcp"):
        for endpoint in (where.requests, where.events):
            port = int(endpoint.rpartition(":")[2])
            with socket.create_connection(("127.0.0.1", port)) as raw:
                raw.sendall(b"GET / HTTP/1.1\r\n\r\n" * 100)
    assert client.call("status")["phase"] == "idle"
    one.send(b'{"v": 1, "id": "a", "method": "hello"}')
    assert receive(one)["ok"]


def test_a_client_that_never_reads_delays_nobody(
    client: Client, where: Endpoints, connect: Connect, store: Store
) -> None:
    queue_jobs(store, 100)
    deaf = connect(zmq.DEALER, where.requests)
    deaf.setsockopt(zmq.RCVHWM, 1)
    for n in range(900):
        deaf.send(json.dumps({"v": 1, "id": str(n), "method": "schema"}).encode())
    gone = connect(zmq.DEALER, where.requests)
    gone.send(b'{"v": 1, "id": "a", "method": "hello"}')
    gone.close()
    assert client.call("status")["jobs"]["queued"] == 100


def test_events_have_no_gaps_whoever_writes(client: Client, store: Store) -> None:
    def write(name: str) -> None:
        for n in range(50):
            store.events.note("n", name, {"n": n})

    store.events.note("before", "", {})
    following = client.events(since=0)
    assert next(following)["kind"] == "before"
    writers = [threading.Thread(target=write, args=(str(n),)) for n in range(3)]
    for writer in writers:
        writer.start()
    events = list(islice(following, 150))
    for writer in writers:
        writer.join()
    following.close()
    assert [event["seq"] for event in events] == list(range(2, 152))


def test_events_from_now_on(client: Client, where: Endpoints, store: Store) -> None:
    store.events.note("old", "", {})
    got: list[dict[str, Any]] = []
    begun = threading.Event()

    def follow() -> None:
        with Client(where.requests) as other:
            following = other.events()
            begun.set()
            got.extend(islice(following, 2))
            following.close()

    thread = threading.Thread(target=follow)
    thread.start()
    begun.wait()
    # When the subscription counts is not to be known from outside: write until it was heard.
    while thread.is_alive():
        store.events.note("new", "", {})
        thread.join(0.02)
    assert [event["kind"] for event in got] == ["new", "new"]
    assert got[1]["seq"] == got[0]["seq"] + 1


def test_missed_events_are_fetched(client: Client, where: Endpoints, store: Store) -> None:
    """A heartbeat with a later `seq` than the last event makes the client ask for the rest."""
    following = client.events(since=0)
    store.events.note("first", "", {})
    assert next(following)["seq"] == 1
    # More than one reply holds.
    for n in range(1100):
        store.events.note("n", "", {"n": n})
    assert [event["seq"] for event in islice(following, 1100)] == list(range(2, 1102))
    following.close()


def test_the_last_events_still_reach_who_reads_them(
    server: ApiServer, where: Endpoints, store: Store, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than goes out at once: clients keep a thousand, the kernel some more."""
    monkeypatch.setattr(server_module, "_LAST_MS", REPLY_MS)
    subscriber = connect(zmq.SUB, where.events)
    subscriber.setsockopt(zmq.SUBSCRIBE, b"")
    assert receive(subscriber)["type"] == "heartbeat"
    with store.transaction():
        for _ in range(1500):
            store.events.note("n", "", {"text": "x" * 2000})
    end = threading.Thread(target=server.stop)
    end.start()
    until(lambda: server._events.closed)
    # Heartbeats may come between them.
    while (last := receive(subscriber))["seq"] < 1500:
        pass
    assert last["type"] == "event"
    end.join()


def test_heartbeats_tell_the_last_seq(
    server: ApiServer, where: Endpoints, store: Store, connect: Connect
) -> None:
    store.events.note("x", "y", {})
    one = connect(zmq.SUB, where.events)
    one.setsockopt(zmq.SUBSCRIBE, b"")
    beats = [beat for beat in (receive(one) for _ in range(4)) if beat["type"] == "heartbeat"]
    assert {beat["seq"] for beat in beats} == {1}
    assert {beat["time_s"] for beat in beats} == {42.0}


def test_events_are_published_after_their_commit(
    client: Client, where: Endpoints, store: Store, tmp_path: Path
) -> None:
    following = client.events(since=0)
    for n in range(20):
        store.events.note("n", "", {"n": n})
        event = next(following)
        other = Store.open(tmp_path / "session.sqlite")
        assert other.events.last_seq() >= event["seq"]
        other.close()
    following.close()


def test_an_endpoint_in_use_leaves_nothing_behind(server: ApiServer, where: Endpoints, store: Store) -> None:
    with pytest.raises(EndpointError, match="in use"):
        api_server(store, where).start()
    half = Endpoints(requests=run_endpoints("other").requests, events=where.events)
    with pytest.raises(EndpointError, match="in use"):
        api_server(store, half).start()
    assert not is_listening(half.requests)


def test_a_server_can_be_stopped_twice_and_followed_by_another(
    server: ApiServer, where: Endpoints, store: Store
) -> None:
    server.stop()
    server.stop()
    store.events.note("nobody listens", "", {})
    with pytest.raises(NoDaemonError, match="no daemon listens"):
        Client(where.requests)
    following = api_server(store, where)
    following.start()
    with Client(where.requests) as client:
        assert client.call("status")["last_seq"] == 1
    following.stop()


def test_every_new_subscriber_hears_the_last_seq_at_once(
    where: Endpoints, store: Store, connect: Connect
) -> None:
    store.events.note("x", "y", {})
    server = api_server(store, where, heartbeat_s=3600)
    server.start()
    for _ in range(2):
        one = connect(zmq.SUB, where.events)
        one.setsockopt(zmq.SUBSCRIBE, b"")
        assert receive(one)["seq"] == 1
    server.stop()
