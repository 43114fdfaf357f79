import os
import socket
import stat
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import zmq

from service.api.transport.discovery import DaemonInfo, daemons
from service.api.transport.endpoints import (
    bind,
    run_endpoints,
)
from service.api.transport.probe import is_listening
from service.api.transport.publishing import Publication
from service.errors import EndpointError
from service.session.folders.runtime_folder import runtime_directory
from tests.places import ROOT
from tests.ports import free_port
from tests.service.api.conftest import Raw
from tests.service.daemons import found_by_others


@pytest.fixture
def router(raw: Raw) -> zmq.Socket[bytes]:
    return raw(zmq.ROUTER)


@pytest.fixture
def other_router(raw: Raw) -> zmq.Socket[bytes]:
    return raw(zmq.ROUTER)


def info(pid: int) -> DaemonInfo:
    return DaemonInfo(endpoint="ipc:///a", events_endpoint="ipc:///b", run="run-1", pid=pid)


def test_the_runtime_folder_is_private(runtime: Path) -> None:
    assert runtime_directory() == runtime == runtime_directory()
    assert stat.S_IMODE(runtime.stat().st_mode) == 0o700


def test_without_a_private_place_there_is_a_folder_in_temp(
    runtime: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "gone"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("service.session.folders.runtime_folder._RUN_USER", tmp_path / "gone")
    made = runtime_directory()
    assert made == tmp_path / f"ilemtrack-{os.getuid()}"
    assert stat.S_IMODE(made.stat().st_mode) == 0o700


@pytest.mark.parametrize("what", ["open", "file", "link", "foreign"])
def test_a_folder_that_others_can_enter_is_refused(
    runtime: Path, tmp_path: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if what == "open":
        runtime.mkdir()
        runtime.chmod(0o755)
    elif what == "file":
        runtime.touch()
    elif what == "link":
        tmp_path.chmod(0o700)
        runtime.symlink_to(tmp_path)
    else:
        # Seen by another user, all that is here is somebody else's.
        uid = os.getuid() + 1
        monkeypatch.setattr("os.getuid", lambda: uid)
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(EndpointError, match="ilemtrack"):
        runtime_directory()


def test_a_run_has_short_endpoints_of_its_own(runtime: Path) -> None:
    first, second = run_endpoints("a" * 500), run_endpoints("b/../c")
    assert len({first.requests, first.events, second.requests, second.events}) == 4
    assert all(
        Path(one.removeprefix("ipc://")).parent == runtime for one in (first.requests, second.requests)
    )
    assert run_endpoints("b/../c") == second


def test_an_ipc_socket_is_for_this_user_only(runtime: Path, router: zmq.Socket[bytes]) -> None:
    where = run_endpoints("run-1").requests
    before = os.umask(0o022)
    os.umask(before)
    bind(router, where)
    assert stat.S_IMODE(Path(where.removeprefix("ipc://")).stat().st_mode) == 0o600
    after = os.umask(before)
    assert after == before
    assert is_listening(where)


@pytest.mark.parametrize("kind", ["ipc", "tcp"])
def test_an_endpoint_in_use_is_refused(
    runtime: Path, router: zmq.Socket[bytes], other_router: zmq.Socket[bytes], kind: str
) -> None:
    where = run_endpoints("run-1").requests if kind == "ipc" else f"tcp://127.0.0.1:{free_port()}"
    bind(router, where)
    with pytest.raises(EndpointError, match="in use"):
        bind(other_router, where)
    assert is_listening(where)


def test_a_socket_file_that_nobody_serves_is_no_obstacle(runtime: Path, router: zmq.Socket[bytes]) -> None:
    where = run_endpoints("run-1").requests
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(where.removeprefix("ipc://"))
    assert Path(where.removeprefix("ipc://")).exists()
    assert not is_listening(where)
    bind(router, where)
    assert is_listening(where)


def test_a_file_is_never_taken_for_a_socket(runtime: Path, tmp_path: Path, router: zmq.Socket[bytes]) -> None:
    (tmp_path / "notes.txt").write_text("precious")
    with pytest.raises(EndpointError, match="not a socket"):
        bind(router, f"ipc://{tmp_path}/notes.txt")
    assert (tmp_path / "notes.txt").read_text() == "precious"


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("ipc://relative", "absolute path"),
        ("ipc://@abstract", "absolute path"),
        ("ipc:///" + "x" * 120, "107 bytes"),
        ("ipc:///no/such/folder/socket", "does not exist"),
        ("tcp://0.0.0.0:5555", "127.0.0.1"),
        ("tcp://*:5555", "127.0.0.1"),
        ("inproc://x", "must be ipc"),
    ],
)
def test_what_is_no_endpoint(runtime: Path, router: zmq.Socket[bytes], where: str, message: str) -> None:
    with pytest.raises(EndpointError, match=message):
        bind(router, where)


def test_localhost_is_loopback(runtime: Path, router: zmq.Socket[bytes]) -> None:
    port = free_port()
    bind(router, f"tcp://localhost:{port}")
    assert is_listening(f"tcp://127.0.0.1:{port}")


@pytest.mark.parametrize(
    "where", ["tcp://127.0.0.1", "tcp://127.0.0.1:port", "tcp://127.0.0.1:99999", "nonsense"]
)
def test_nobody_listens_at_nonsense(where: str) -> None:
    assert not is_listening(where)


def test_discovery(runtime: Path) -> None:
    assert found_by_others() is None
    first, second = Publication(), Publication()
    assert first.publish(info(os.getpid()))
    assert found_by_others() == info(os.getpid())
    assert not second.publish(info(os.getpid()))
    second.withdraw()
    assert found_by_others() is not None
    first.withdraw()
    assert found_by_others() is None
    assert second.publish(info(os.getpid()))
    second.withdraw()


@pytest.mark.usefixtures("runtime")
def test_threads_of_one_daemon_are_no_other_daemon() -> None:
    """The thread of the API publishes at its first beat, while the daemon does the same."""
    for _ in range(30):
        discovery, together = Publication(), threading.Barrier(4)

        def publish(discovery: Publication = discovery, together: threading.Barrier = together) -> bool:
            together.wait()
            return discovery.publish(info(os.getpid()))

        with ThreadPoolExecutor(4) as threads:
            found = [threads.submit(publish) for _ in range(4)]
        assert all(one.result() for one in found)
        discovery.withdraw()


def test_what_a_killed_daemon_left_is_no_obstacle(runtime: Path) -> None:
    script = (
        "import os\n"
        "from service.api.transport.discovery import DaemonInfo\n"
        "from service.api.transport.publishing import Publication\n"
        "d = Publication()\n"
        "me = DaemonInfo(endpoint='ipc:///a', events_endpoint='ipc:///b', run='r', pid=os.getpid())\n"
        "assert d.publish(me)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False)
    assert (runtime / "daemon.json").exists()
    assert found_by_others() is None
    discovery = Publication()
    assert discovery.publish(info(os.getpid()))
    assert found_by_others() == info(os.getpid())
    discovery.withdraw()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"v": 1}', '{"pid": 1e400}', "[" * 100_000])
def test_a_spoilt_discovery_file_is_none(runtime: Path, content: str) -> None:
    (runtime_directory() / "spoilt.daemon").write_text(content)
    assert daemons() == []
