"""Latency of the API with a long queue, against a bare ZeroMQ echo of the same number of bytes."""

import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import zmq

from benchmarks.rows import Row, beside
from config.model import Config
from service.api.client import Client
from service.api.endpoints import Endpoints
from service.api.server import ApiServer
from service.estimate import SessionEstimate, estimate_session
from service.records import Cell, Field, FieldState, Job, Section
from service.store.database import utc_now
from service.store.store import Store

_JOBS = 10_000
_CALLS = 300


class _Nobody:
    """Controls of a session that nobody runs."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def pause(self) -> str:
        return "nothing runs"

    resume = abort = acknowledge = confirm_review = pause

    def devices(self) -> dict[str, Any]:
        return {}

    def time_s(self) -> float:
        return 0.0

    def estimate(self) -> SessionEstimate:
        return estimate_session(Config(), self._store, utc_now())


def run() -> list[Row]:
    """Median and 99th percentile of round trips on an ipc socket, and the rate of adding jobs."""
    with tempfile.TemporaryDirectory(prefix="ilem-") as name:
        folder = Path(name)
        store = Store.create(folder / "session.sqlite", "bench", "", "dry-run")
        begun = time.perf_counter()
        _fill(store)
        added_s = time.perf_counter() - begun
        where = Endpoints(requests=f"ipc://{folder}/q", events=f"ipc://{folder}/e")
        server = ApiServer(store, _Nobody(store), where)
        server.start()
        try:
            with Client(where.requests) as client:
                status_ms = _times(lambda: client.call("status"))
                page_ms = _times(lambda: client.call("queue.list", limit=100))
        finally:
            server.stop()
            store.close()
        plain_s = _plain_insert(folder / "plain.sqlite")
        echo_ms = _echo(f"ipc://{folder}/echo")
    peer = "pyzmq echo"
    return [
        beside(f"status, {_JOBS} jobs, median", *_both(status_ms, echo_ms, 50), "ms", peer),
        beside(f"status, {_JOBS} jobs, 99 %", *_both(status_ms, echo_ms, 99), "ms", peer),
        beside(f"queue.list of 100 of {_JOBS}, median", *_both(page_ms, echo_ms, 50), "ms", peer),
        beside(f"{_JOBS} jobs added durably", added_s, plain_s, "s", "sqlite3, one bare transaction"),
    ]


def _fill(store: Store) -> None:
    rect = (0.0, 0.0, 1e-5, 1e-5)
    store.add_sections([Section("S0001", 0, (0.0, 0.0))], [Field("S0001/F000", "S0001", 0, (0.0, 0.0), rect)])
    store.set_field("S0001/F000", FieldState.SAVED, image="fm.tiff", sha256="0" * 64)
    names = [f"S0001/F000/c{n:05d}" for n in range(_JOBS)]
    box = (0, 0, 10, 10)
    cells = [
        Cell(name, "S0001/F000", "S0001", box, box, rect, rect, 0.9, "kept: confident") for name in names
    ]
    store.record_detection("S0001/F000", cells, 10.0, ())
    jobs = [
        Job(f"J{n + 1:06d}", "S0001", n, rect, (0.0, 0.0), (600, 600), 1.65e-8, 6e-5, (name,))
        for n, name in enumerate(names)
    ]
    store.add_plan("S0001", jobs, {})


def _plain_insert(path: Path) -> float:
    """Time of the same number of rows in a table of one column, s."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE job (text TEXT)")
        begun = time.perf_counter()
        connection.executemany("INSERT INTO job VALUES (?)", [("x" * 300,)] * _JOBS)
        connection.commit()
        return time.perf_counter() - begun


def _times(call: Callable[[], object]) -> list[float]:
    found = []
    for _ in range(_CALLS):
        begun = time.perf_counter()
        call()
        found.append((time.perf_counter() - begun) * 1e3)
    return found


def _echo(endpoint: str) -> list[float]:
    context = zmq.Context()
    server = context.socket(zmq.REP)
    server.bind(endpoint)

    def serve() -> None:
        for _ in range(_CALLS):
            server.send(server.recv())

    thread = threading.Thread(target=serve)
    thread.start()
    client = context.socket(zmq.REQ)
    client.connect(endpoint)

    def call() -> None:
        client.send(b"x" * 100)
        client.recv()

    try:
        return _times(call)
    finally:
        thread.join()
        context.destroy(linger=0)


def _both(ours: list[float], theirs: list[float], percent: float) -> tuple[float, float]:
    return float(np.percentile(ours, percent)), float(np.percentile(theirs, percent))
