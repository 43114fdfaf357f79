"""Keys over real sockets: clients are accepted, refused, and cut off when their key is revoked."""

import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import zmq
import zmq.auth

from service.api.client import Client
from service.api.transport import curve, keys
from service.api.transport.endpoints import Endpoints
from service.api.transport.probe import is_listening
from service.api.transport.server import ApiServer
from service.errors import EndpointError, InputError, NoDaemonError
from service.model.phases import SessionEvent
from service.store.store import Store
from tests.ports import free_port
from tests.service.api.api_session import api_server
from tests.service.daemons import until

OTHERS = "127.0.0.2"
"""Address that other computers can reach, for the daemon: any but 127.0.0.1."""

SILENCE_MS = 500
REPLY_MS = 60_000


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "keys"


@pytest.fixture
def anna(directory: Path, tmp_path: Path) -> Path:
    keys.new_client(directory, "anna", tmp_path / "anna.key_secret")
    return tmp_path / "anna.key_secret"


@pytest.fixture(params=["tcp", "ipc"])
def where(request: pytest.FixtureRequest, runtime: Path) -> Endpoints:
    if request.param == "tcp":
        return Endpoints(
            requests=f"tcp://{OTHERS}:{free_port(OTHERS)}", events=f"tcp://{OTHERS}:{free_port(OTHERS)}"
        )
    return Endpoints(requests=f"ipc://{runtime.parent}/q", events=f"ipc://{runtime.parent}/e")


@pytest.fixture
def server(store: Store, where: Endpoints, directory: Path, anna: Path) -> Iterator[ApiServer]:
    made = api_server(store, where, heartbeat_s=0.1, curve=curve.prepare(directory))
    made.start()
    yield made
    made.stop()


class Peer:
    """A raw client of both sockets, with a key or without."""

    def __init__(self, where: Endpoints, key: keys.Certificate | None) -> None:
        self._context = zmq.Context()
        self.requests: zmq.Socket[bytes] = self._context.socket(zmq.DEALER)
        self.events: zmq.Socket[bytes] = self._context.socket(zmq.SUB)
        for one in (self.requests, self.events):
            one.setsockopt(zmq.LINGER, 0)
            if key is not None:
                keys.present(one, key)
        self.events.setsockopt(zmq.SUBSCRIBE, b"")
        self.requests.connect(where.requests)
        self.events.connect(where.events)

    def ask(self, flags: int = 0) -> None:
        self.requests.send_json({"v": 1, "id": "1", "method": "hello"}, flags)

    def close(self) -> None:
        self._context.destroy(linger=0)


def certificate(pair: keys.Certificate, server: str | None) -> keys.Certificate:
    return keys.Certificate(pair.public, pair.secret, server)


@pytest.mark.parametrize("kind", ["permitted", "unknown", "other server", "plain"])
def test_only_a_permitted_key_gets_an_answer_or_an_event(
    server: ApiServer, where: Endpoints, store: Store, anna: Path, kind: str
) -> None:
    mine = keys.read_secret(anna)
    key = {
        "permitted": mine,
        "unknown": certificate(keys.new_pair(), mine.server),
        "other server": certificate(mine, keys.new_pair().public),
        "plain": None,
    }[kind]
    peer = Peer(where, key)
    try:
        peer.ask()
        if kind == "permitted":
            assert peer.requests.poll(REPLY_MS)
            assert b'"run-1"' in peer.requests.recv()
            assert peer.events.poll(REPLY_MS)
        else:
            assert not peer.requests.poll(SILENCE_MS)
            assert not peer.events.poll(10), "an event, or a heartbeat, went to a stranger"
    finally:
        peer.close()


def test_a_client_with_its_key_file(server: ApiServer, where: Endpoints, store: Store, anna: Path) -> None:
    with Client(where.requests, key=anna) as client:
        events = client.events()
        assert client.call("hello")["run"] == "run-1"
        store.events.note("first", "x", {})
        # The generator subscribes when it is first asked; what it missed by then it catches up with.
        since = client.events(since=0)
        assert next(since)["kind"] == "first"
        store.apply(SessionEvent.START)
        assert next(since)["kind"] == "session"
        since.close()
        events.close()
    with pytest.raises(NoDaemonError, match="does not answer"), Client(where.requests, 0.3) as client:
        client.call("hello")


def test_revoking_cuts_who_is_connected_and_keeps_others(
    server: ApiServer, where: Endpoints, directory: Path, anna: Path, tmp_path: Path
) -> None:
    keys.new_client(directory, "ben", tmp_path / "ben.key_secret")
    peer = Peer(where, keys.read_secret(anna))
    try:
        with Client(where.requests, key=tmp_path / "ben.key_secret") as ben:
            peer.ask()
            assert peer.requests.poll(REPLY_MS)
            peer.requests.recv()
            assert ben.call("hello")
            keys.revoke(directory, "anna")

            def is_refused() -> bool:
                """She asks before him, and he alone is answered."""
                # Refused for good, a client has nobody any more to send to.
                with suppress(zmq.Again):
                    peer.ask(zmq.NOBLOCK)
                for _ in range(3):
                    ben.call("hello")
                return not peer.requests.poll(100) or not peer.requests.recv()

            until(is_refused)
            # Heartbeats came ten times a second.
            while peer.events.poll(0):
                peer.events.recv()
            assert not peer.events.poll(SILENCE_MS)
            assert not peer.requests.poll(0)
            assert ben.call("hello")["run"] == "run-1"
    finally:
        peer.close()


def test_without_a_permitted_key_it_does_not_listen_to_others(
    store: Store, runtime: Path, directory: Path
) -> None:
    where = Endpoints(
        requests=f"tcp://{OTHERS}:{free_port(OTHERS)}", events=f"tcp://{OTHERS}:{free_port(OTHERS)}"
    )
    with pytest.raises(EndpointError, match="ilemtrack keys new"):
        curve.prepare(directory)
    plain = api_server(store, where)
    with pytest.raises(EndpointError, match="unless keys are required"):
        plain.start()
    assert not is_listening(where.requests)


def test_files_are_zeromq_certificates_and_secrets_are_private(directory: Path, anna: Path) -> None:
    server = keys.read_secret(directory / "server.key_secret")
    public, secret = zmq.auth.load_certificate(anna)
    mine = keys.read_secret(anna)
    assert (mine.public, mine.secret) == (public.decode(), (secret or b"").decode())
    assert mine.server == server.public
    assert zmq.auth.load_certificates(directory / "clients") == {public: True}
    assert zmq.auth.load_certificate(directory / "server.key") == (server.public.encode(), None)
    for path in (anna, directory / "server.key_secret"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert keys.permitted_clients(directory) == {mine.public: "anna"}


def test_a_certificate_of_pyzmq_can_be_permitted(directory: Path, tmp_path: Path) -> None:
    (directory / "clients").mkdir(parents=True)
    public, _ = zmq.auth.create_certificates(directory / "clients", "theirs")
    (directory / "clients" / "spoilt.key").write_text('curve\n    public-key = "short"\n')
    (directory / "clients" / "binary.key").write_bytes(b"\xff\xfe")
    assert keys.permitted_clients(directory) == {keys.read(Path(public)).public: "theirs"}


def test_what_a_person_may_get_wrong(directory: Path, anna: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a key of that name exists"):
        keys.new_client(directory, "anna", tmp_path / "x")
    with pytest.raises(InputError, match="at most 63 letters"):
        keys.new_client(directory, "../anna", tmp_path / "x")
    with pytest.raises(InputError, match="never overwritten"):
        keys.new_client(directory, "ben", anna)
    assert "ben" not in keys.permitted_clients(directory).values()
    for name in ("ben", "../server"):
        with pytest.raises(InputError, match="there are: anna"):
            keys.revoke(directory, name)
    with pytest.raises(InputError, match=r"ends in .key_secret"):
        keys.read_secret(directory / "clients" / "anna.key")
    with pytest.raises(InputError, match="cannot be read"), Client("ipc:///x", key=tmp_path / "absent"):
        pass
    with (
        pytest.raises(InputError, match="does not hold the daemon"),
        Client("ipc:///x", key=directory / "server.key_secret"),
    ):
        pass
    (directory / "server.key_secret").chmod(0o644)
    with pytest.raises(InputError, match="other users may read it"):
        keys.server_pair(directory)
