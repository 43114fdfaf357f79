import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq

from service.api.client import Client
from service.api.handler import Handler
from service.api.transport.discovery import DaemonInfo
from service.api.transport.endpoints import bind, run_endpoints
from service.api.transport.publishing import Publication
from service.api.transport.server import ApiServer
from service.errors import ApiError, NoDaemonError
from service.model.phases import Phase, SessionEvent
from service.store.store import Store
from tests.service.api.api_session import DirectControl, api_server


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


def test_a_daemon_that_is_silent(runtime: Path) -> None:
    context = zmq.Context()
    mute = context.socket(zmq.ROUTER)
    bind(mute, run_endpoints("mute").requests)
    with (
        Client(run_endpoints("mute").requests, timeout_s=0.05) as client,
        pytest.raises(NoDaemonError, match="does not answer"),
    ):
        client.call("status")
    asked = [json.loads(mute.recv_multipart()[-1])["id"] for _ in range(2)]
    assert asked[0] == asked[1]
    context.destroy(linger=0)


def test_a_reply_that_is_lost_is_asked_for_again(
    runtime: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first request makes the change, its reply is lost, and the retry is only answered."""
    monkeypatch.setattr("service.api.client._FIRST_WAIT_S", 0.1)
    store.apply(SessionEvent.START)
    context = zmq.Context()
    lossy = context.socket(zmq.ROUTER)
    bind(lossy, run_endpoints("lossy").requests)
    handler = Handler(store, DirectControl(store), "ipc:///events")

    def serve() -> None:
        handler.answer(lossy.recv_multipart()[-1])
        peer, empty, request = lossy.recv_multipart()
        lossy.send_multipart([peer, empty, handler.answer(request)])

    thread = threading.Thread(target=serve)
    thread.start()
    with Client(run_endpoints("lossy").requests, timeout_s=60) as client:
        assert client.call("run.pause")["phase"] == "paused"
    thread.join()
    context.destroy(linger=0)
    assert store.status().phase is Phase.PAUSED
    assert [event.data["event"] for event in store.events.since(0)] == ["start", "pause"]


def test_followers_learn_that_the_daemon_is_gone(server: ApiServer) -> None:
    with Client(run_endpoints("run-1").requests, timeout_s=0.1) as client:
        following = client.events(since=0)
        stopper = threading.Timer(0.05, server.stop)
        stopper.start()
        with pytest.raises(NoDaemonError, match="does not answer"):
            next(following)
        stopper.join()
