"""A console in a process of its own, and daemons in this process that it shows."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.parse import urlencode

from playwright.sync_api import BrowserContext

from service.api.handler import Handler
from service.api.transport.discovery import DaemonInfo
from service.api.transport.endpoints import run_endpoints
from service.api.transport.publishing import Publication
from service.api.transport.server import ApiServer
from service.cli.live.console.command import TOKEN_VARIABLE, WATCH_TOKEN_VARIABLE
from service.model.phases import SessionEvent
from service.store.store import Store
from tests.ports import free_port
from tests.service.api.api_session import DirectControl
from tests.service.console.late.slow_network import SlowNetwork, longest_delay_s
from tests.service.store.stores import queue_jobs

T = TypeVar("T")

OPERATE, WATCH = "operate-0123456789abcdef", "watch-0123456789abcdef"
"""Tokens of the two roles."""

MICROSCOPE = "a microscope of the <b>tests</b>"
_FIRST_ANSWER_S = 120.0
WAIT_MS = 120_000
"""Longest wait for something to show in a browser: beside enough others, a second becomes a minute."""


class ConsoleProcess:
    """`ilemtrack console` with tokens, on a port of its own."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.folder = folder
        self._log = folder / "console.log"
        delay_s = longest_delay_s()
        self._network = SlowNetwork(self.port, delay_s) if delay_s else None
        # NiceGUI behaves differently where it knows of pytest.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        environment |= {TOKEN_VARIABLE: OPERATE, WATCH_TOKEN_VARIABLE: WATCH}
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-c",
                    "from service.cli.app import main; main()",
                    "console",
                    "--no-open",
                    f"--port={self.port}",
                ],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        end_s = time.monotonic() + _FIRST_ANSWER_S
        while time.monotonic() < end_s:
            assert self._process.poll() is None, self.said()
            with suppress(ConnectionRefusedError):
                self.get("/login")
                return
            time.sleep(0.1)
        raise AssertionError(f"the console does not answer: {self.said()}")

    @property
    def url(self) -> str:
        """Address for browsers."""
        return f"http://127.0.0.1:{self.port if self._network is None else self._network.port}"

    @property
    def pid(self) -> int:
        return self._process.pid

    def said(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    def get(self, path: str, method: str = "GET", **headers: str) -> HTTPResponse:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=_FIRST_ANSWER_S)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, headers=named)
        reply = connection.getresponse()
        reply.read()
        connection.close()
        return reply

    def cookie(self, token: str) -> tuple[str, str]:
        """Sign in; returns name and value of the cookie."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=_FIRST_ANSWER_S)
        connection.request("POST", "/login", urlencode({"token": token}))
        said = connection.getresponse().headers["Set-Cookie"]
        connection.close()
        name, _, value = said.partition(";")[0].partition("=")
        return name, value

    def sign_in(self, context: BrowserContext, token: str) -> None:
        """Sign a browser in."""
        name, value = self.cookie(token)
        context.add_cookies([{"name": name, "value": value, "url": self.url}])

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(_FIRST_ANSWER_S)
        if self._network is not None:
            self._network.close()


class TestedDaemon:
    """A daemon of this process, found by its name; its control does at once what a runner would do."""

    __test__ = False

    def __init__(self, folder: Path, run: str, jobs: int = 3) -> None:
        folder.mkdir()
        self.run = run
        self._folder = folder
        self.store = Store.create(folder / "session.sqlite", run, "", "dry-run")
        if jobs:
            queue_jobs(self.store, jobs)
        for event in (
            SessionEvent.START,
            SessionEvent.PREFLIGHT_PASSED,
            SessionEvent.PARTIAL_VACUUM_REACHED,
            SessionEvent.FLUORESCENCE_COMPLETE,
            SessionEvent.HIGH_VACUUM_REACHED,
        ):
            self.store.apply(event)
        self.control = DirectControl(self.store)
        self.control.device_values = {
            "beam_blanked": True,
            "light_on": False,
            "vacuum": "high",
            "pressure_pa": 8e-4,
            "stage_m": [1e-3, -2e-3],
        }
        self.start()

    def start(self) -> Self:
        """Answer, also after a `stop`."""
        where = run_endpoints(self.run)
        handler = Handler(self.store, self.control, where.events, MICROSCOPE)
        self._server = ApiServer(
            self.store, handler.answer, self.control.time_s, where, heartbeat_s=0.2, needless=handler.is_read
        )
        self._server.start()
        self._publication = Publication()
        self._publication.publish(
            DaemonInfo(
                endpoint=where.requests,
                events_endpoint=where.events,
                run=self.run,
                pid=os.getpid(),
                kind="dry-run",
                microscope=MICROSCOPE,
                folder=str(self._folder),
            )
        )
        return self

    def stop(self) -> None:
        """Fall silent, as a daemon that was killed."""
        self._server.stop()
        self._publication.withdraw()

    def close(self) -> None:
        self.stop()
        self.store.close()


def run_alone(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end in a thread: that of the tests may have Playwright's event loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()
