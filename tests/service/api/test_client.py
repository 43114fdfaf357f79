import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq

from service.api import client as client_module
from service.api.client import Client
from service.api.handler import Handler
from service.api.transport.discovery import DaemonInfo
from service.api.transport.endpoints import bind, run_endpoints
from service.api.transport.publishing import Publication
from service.api.transport.server import ApiServer
from service.errors import ApiError, NoDaemonError
from service.model.phases import Phase, SessionEvent
from service.store.store import Store
from tests.forked import Forked
from tests.service.api.api_session import DirectControl, api_server
from tests.service.api.conftest import Raw

FORGETFUL = """
import gc
import sys
from service.api.client import Client

for _ in range(3):
    client = Client(sys.argv[1])
    client.following = client.events(since=0)
    next(client.following)
    client.itself = client
    del client
    gc.collect()
print("has gone on")
"""
"""Leaves clients with connections of both kinds to the garbage collector."""


@pytest.fixture
def server(store: Store, runtime: Path) -> Iterator[ApiServer]:
    made = api_server(store, run_endpoints("run-1"))
    made.start()
    yield made
    made.stop()


def test_no_daemon(runtime: Path) -> None:
    with pytest.raises(NoDaemonError, match="no daemon of this user is running"):
        Client()
    with pytest.raises(NoDaemonError, match="no daemon listens at ipc:///nowhere"):
        Client("ipc:///nowhere")
    with pytest.raises(NoDaemonError, match="begins with ipc"):
        Client("localhost:5555")


def test_a_client_finds_the_daemon(server: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    where = run_endpoints("run-1")
    discovery = Publication()
    discovery.publish(
        DaemonInfo(endpoint=where.requests, events_endpoint=where.events, run="run-1", pid=os.getpid())
    )
    with Client() as client:
        assert client.call("hello")["run"] == "run-1"
    discovery.withdraw()
    monkeypatch.setenv("ILEMTRACK_ENDPOINT", where.requests)
    with Client() as client:
        assert client.call("hello")["run"] == "run-1"
    monkeypatch.setenv("ILEMTRACK_ENDPOINT", "ipc:///elsewhere")
    with Client(where.requests) as client:
        assert client.call("hello")["run"] == "run-1"


def test_errors_have_a_code(server: ApiServer) -> None:
    with Client(run_endpoints("run-1").requests) as client, pytest.raises(ApiError) as refused:
        client.call("queue.get", job="J000001")
    assert (refused.value.code, refused.value.message) == ("not_found", "there is no job J000001")


def test_a_daemon_that_is_silent(runtime: Path, raw: Raw) -> None:
    mute = raw(zmq.ROUTER)
    bind(mute, run_endpoints("mute").requests)
    with (
        Client(run_endpoints("mute").requests, timeout_s=0.05) as client,
        pytest.raises(NoDaemonError, match="does not answer"),
    ):
        client.call("status")
    asked = [json.loads(mute.recv_multipart()[-1])["id"] for _ in range(3)]
    assert len(set(asked)) == 1


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make clients ask again at once, and wait for a loaded computer after that."""
    monkeypatch.setattr(client_module, "_FIRST_WAIT_S", 0.05)
    monkeypatch.setattr(client_module, "_SECOND_WAIT", 0.001)


@pytest.mark.parametrize("lost", [1, 2])
def test_a_reply_that_is_lost_is_asked_for_again(
    runtime: Path, store: Store, raw: Raw, impatient: None, lost: int
) -> None:
    """The first request makes the change, its reply is lost, and a retry is only answered."""
    store.apply(SessionEvent.START)
    lossy = raw(zmq.ROUTER)
    bind(lossy, run_endpoints("lossy").requests)
    handler = Handler(store, DirectControl(store), "ipc:///events")

    def serve() -> None:
        for _ in range(lost):
            handler.answer(lossy.recv_multipart()[-1])
        peer, empty, request = lossy.recv_multipart()
        lossy.send_multipart([peer, empty, handler.answer(request)])

    thread = threading.Thread(target=serve)
    thread.start()
    with Client(run_endpoints("lossy").requests, timeout_s=60) as client:
        assert client.call("run.pause")["phase"] == "paused"
    thread.join()
    assert store.status().phase is Phase.PAUSED
    assert [event.data["event"] for event in store.events.since(0)] == ["start", "pause"]


def test_a_late_reply_to_the_first_request_counts(
    runtime: Path, store: Store, raw: Raw, impatient: None
) -> None:
    """A daemon that is busy for longer than the first wait answers on the connection that asked first."""
    busy = raw(zmq.ROUTER)
    bind(busy, run_endpoints("busy").requests)
    handler = Handler(store, DirectControl(store), "ipc:///events")

    def serve() -> None:
        peer, empty, request = busy.recv_multipart()
        # It is asked again before it answers, and those requests are never answered.
        busy.recv_multipart()
        busy.send_multipart([peer, empty, handler.answer(request)])

    thread = threading.Thread(target=serve)
    thread.start()
    with Client(run_endpoints("busy").requests, timeout_s=60) as client:
        assert client.call("hello")["run"] == store.run_id()
    thread.join()


def test_a_client_that_is_forgotten_holds_up_nothing(server: ApiServer, store: Store) -> None:
    """The garbage collector would meet its context before the sockets, and wait for them for ever."""
    store.apply(SessionEvent.START)
    program = Forked(FORGETFUL, run_endpoints("run-1").requests)
    try:
        assert program.wait(60) == 0, program.said()
    finally:
        program.close()


def test_followers_learn_that_the_daemon_is_gone(server: ApiServer) -> None:
    with Client(run_endpoints("run-1").requests, timeout_s=0.1) as client:
        following = client.events(since=0)
        stopper = threading.Timer(0.05, server.stop)
        stopper.start()
        with pytest.raises(NoDaemonError, match="does not answer"):
            next(following)
        stopper.join()
