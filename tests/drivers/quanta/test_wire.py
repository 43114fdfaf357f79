"""The socket itself: other people's bytes, both kinds of address, calls that do not exist."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from config.model import Config
from drivers.errors import DeviceLostError, DeviceTimeoutError, DriverError, OutOfRangeError
from drivers.quanta.client import QuantaClient
from drivers.quanta.wire import MAX_LINE_BYTES
from simulators.clock import FastClock
from tests.drivers.quanta.bench import quanta_bench


@contextmanager
def answering(reply: bytes) -> Iterator[QuantaClient]:
    """A server that gives one answer to whatever it is asked, and then waits for the end."""
    listening = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def serve() -> None:
        connection, _ = listening.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(reply)
            over.wait(200)

    thread = threading.Thread(target=serve)
    thread.start()
    client = QuantaClient(f"tcp://127.0.0.1:{listening.getsockname()[1]}", 0.3)
    try:
        yield client
    finally:
        client.close()
        over.set()
        thread.join(200)
        listening.close()


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (b"not json\n", DeviceLostError),
        (b"[1, 2]\n", DeviceLostError),
        (b'{"jsonrpc": "2.0", "id": 99, "result": true}\n', DeviceLostError),
        (b'{"jsonrpc": "2.0", "id": 1, "result": {"bytes": 5}}\nabc', DeviceTimeoutError),
        (b'{"jsonrpc": "2.0", "id": 1, "result": {"bytes": -1}}\n', DeviceLostError),
        (b'{"jsonrpc": "2.0", "id": 1, "result": {"bytes": 99999999999}}\n', DeviceLostError),
        (b'{"jsonrpc": "2.0", "id": 1, "result"', DeviceTimeoutError),
        (b"x" * (MAX_LINE_BYTES + 2), DeviceLostError),
        (b'{"jsonrpc": "2.0", "id": 1, "error": "no"}\n', DriverError),
        (b'{"jsonrpc": "2.0", "id": 1, "error": {"code": 1, "message": "no"}}\n', OutOfRangeError),
    ],
)
def test_an_answer_that_is_none_is_an_error_of_the_driver(reply: bytes, error: type[Exception]) -> None:
    with answering(reply) as client, pytest.raises(error):
        client.call("get_latest_image")


def test_a_unix_socket(runtime_dir: Path) -> None:
    with quanta_bench(Config(), FastClock(), runtime_dir / "sem.sock") as bench:
        assert bench.config.endpoint.startswith("unix:///")
        assert bench.quanta.sem.is_blanked()
    with pytest.raises(DeviceLostError, match="no server answers"):
        bench.quanta.sem.is_blanked()


@pytest.mark.parametrize("method", ["nothing", "_cancel", "held", "close", "__init__", "set_nothing", "set_"])
def test_only_calls_can_be_called(method: str) -> None:
    with quanta_bench(Config(), FastClock()) as bench, pytest.raises(DriverError, match="there is no call"):
        bench.quanta.client.call(method)


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("set_dwell_time", {}),
        ("set_dwell_time", {"value": "x"}),
        ("move_stage", {"x": 1.0}),
        ("set_resolution", {"width": 5, "height": 5}),
        ("set_selected_area", {"left": -1, "top": 0, "width": 5, "height": 5}),
        ("set_scan_mode", {"mode": "sideways"}),
        ("set_beam_shift", {"x": 1.0, "y": 0.0}),
        ("fault", {"name": "nothing"}),
    ],
)
def test_bad_parameters_are_refused_and_the_connection_stays(method: str, params: dict[str, object]) -> None:
    with quanta_bench(Config(), FastClock()) as bench:
        with pytest.raises(DriverError):
            bench.quanta.client.call(method, **params)
        assert bench.quanta.client.call("beam_is_blanked") is True


def test_a_number_that_is_not_finite_is_never_sent() -> None:
    with quanta_bench(Config(), FastClock()) as bench:
        with pytest.raises(OutOfRangeError, match="not a finite number"):
            bench.quanta.client.call("move_stage", x=float("nan"), y=0.0)
        assert bench.quanta.client.call("beam_is_blanked") is True


def test_a_stranger_s_bytes_do_not_disturb_the_server() -> None:
    with quanta_bench(Config(), FastClock()) as bench:
        host, port = bench.config.endpoint.removeprefix("tcp://").split(":")
        for text in (b"GET / HTTP/1.1\r\n\r\n", b"\xff\xfe\n", json.dumps({"id": 1}).encode() + b"\n"):
            with socket.create_connection((host, int(port)), timeout=60) as stranger:
                stranger.sendall(text)
                assert stranger.recv(10) == b""
        assert bench.quanta.sem.is_blanked()
