"""Sockets whose files are removed while they serve, as the runtime folder is when its user logs out."""

import shutil
from pathlib import Path

from config.model import Config
from service.api.client import Client
from service.api.transport.discovery import choose, daemons
from service.api.transport.endpoints import Endpoints, run_endpoints
from service.api.transport.probe import is_listening
from service.daemon.process import _served
from service.store.store import Store
from tests.service.api.api_session import DirectControl, api_server
from tests.service.daemons import until


def removed(folder: Path) -> None:
    """Remove a folder at once: the server may put a socket back while one is emptied."""
    shutil.rmtree(folder.rename(folder.with_name("removed")))


def test_sockets_that_were_removed_are_bound_again_wherever_they_belong_now(
    store: Store, runtime: Path
) -> None:
    belong = [run_endpoints("run-1")]
    bound: list[bool] = []

    def each_beat() -> None:
        bound.append(server.put_back(belong[0]))

    server = api_server(store, belong[0], heartbeat_s=0.02, each_beat=each_beat)
    server.start()

    def serves(where: Endpoints) -> bool:
        until(lambda: is_listening(where.requests) and is_listening(where.events))
        with Client(where.requests) as client:
            return bool(client.call("status")["phase"] == "idle")

    assert serves(belong[0])
    removed(runtime)
    runtime.mkdir(mode=0o700)
    assert serves(belong[0])
    belong[0] = run_endpoints("elsewhere")
    assert serves(belong[0])
    assert bound.count(True) == 2
    server.stop()
    assert not any(path.is_socket() for path in runtime.iterdir() if "elsewhere" in path.name)
    assert not is_listening(belong[0].requests)


def test_a_client_finds_the_daemon_after_its_runtime_folder_was_removed(store: Store, runtime: Path) -> None:
    with _served(Config(), store, DirectControl(store)):  # type: ignore[arg-type]
        with Client(choose("run-1").endpoint) as client:
            assert client.call("hello")["run"] == "run-1"
        removed(runtime)
        until(lambda: any(event.kind == "runtime_folder" for event in store.events.since(0)))
        until(lambda: any(info.run == "run-1" for info in daemons()))
        with Client(choose("run-1").endpoint) as client:
            hello = client.call("hello")
            assert is_listening(hello["events_endpoint"])
            assert client.call("status")["phase"] == "idle"
