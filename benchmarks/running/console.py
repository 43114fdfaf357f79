"""The operator's console with 100,000 jobs in the queue: first picture, lag, and what it costs the daemon.

The peer is a bare page of NiceGUI with one label, loaded by the same browser.
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from playwright.sync_api import Page

from benchmarks.measuring.rows import Row, at_most, beside
from benchmarks.running import long_queue
from service.api.client import Client
from tests.chromium import chromium

_SECTIONS, _PER_SECTION = 300, 334
_LOADS, _CHANGES = 7, 12
_WATCHED_S = 20.0
"""Time for which the cost of watching is measured, s."""

_SETTLED_S = 5.0

_BARE = """
import sys
from nicegui import ui
@ui.page("/")
def page():
    ui.label("a bare page").classes("ready")
ui.run(host="127.0.0.1", port=int(sys.argv[1]), reload=False, show=False, show_welcome_message=False)
"""
_NOTE_STATES = """() => new MutationObserver(() => {
  for (const name of document.querySelector("tbody tr .state").classList) window.shown[name] ??= Date.now();
}).observe(document.querySelector("tbody"), {subtree: true, childList: true, attributes: true})"""
_CONSOLE = "from service.cli.app import main; main()"


def run() -> list[Row]:
    """Loads of a page, changes until they are seen, and processor time of the daemon."""
    with tempfile.TemporaryDirectory(prefix="il") as name:
        folder = Path(name)
        runtime = folder / "r"
        runtime.mkdir(mode=0o700)
        session = long_queue.make(folder / "run", _SECTIONS, _PER_SECTION)
        with long_queue.daemon(session.path, runtime) as (client, _), chromium() as browser:
            pid = client.call("hello")["pid"]
            alone_pct = _share_of_a_core(pid)
            with _served(_BARE, []) as bare_url, browser.new_context(base_url=bare_url) as context:
                bare_s = _loads(context.new_page(), "/", ".ready")
            console = _served(_CONSOLE, ["console", "--no-open", "--no-token", "--port"])
            with console as url, browser.new_context(base_url=url) as context:
                page = context.new_page()
                now_s = _loads(page, "/", ".finish-left:not(:empty)")
                queue_s = _loads(page, "/queue", "tbody tr")
                lag_s = _lags(page, client)
                page.goto("/")
                quiet_pct = _share_of_a_core(pid) - alone_pct
                client.call("run.resume")
                # Not the checks and pumping before the first scan.
                _until(lambda: client.call("status")["current_job"] is not None)
                time.sleep(_SETTLED_S)
                scanning_pct = _share_of_a_core(pid)
            scanning_pct -= _share_of_a_core(pid)
    jobs = f"{_SECTIONS * _PER_SECTION} jobs, {_SECTIONS} sections"
    peer = "a bare NiceGUI page"
    return [
        at_most(f"page Now, first useful picture, s, median; {jobs}", _median(now_s), 2),
        beside("page Now, first useful picture", _median(now_s), _median(bare_s), "s", peer),
        at_most(f"page Queue, first useful picture, s, median; {jobs}", _median(queue_s), 2),
        beside("page Queue, first useful picture", _median(queue_s), _median(bare_s), "s", peer),
        at_most(f"lag of the page behind the daemon, s, longest of {_CHANGES}", max(lag_s), 0.5),
        at_most("daemon, share of a core for a console that watches, paused, %", quiet_pct, 2),
        at_most("daemon, share of a core for a console that watches, scanning, %", scanning_pct, 2),
    ]


def _median(values: list[float]) -> float:
    return float(np.median(values))


def _loads(page: Page, path: str, ready: str) -> list[float]:
    """Return the times from a click to the first useful picture, s, once the browser's cache is filled."""
    found = []
    for _ in range(_LOADS + 1):
        begun = time.perf_counter()
        page.goto(path, wait_until="commit")
        page.wait_for_selector(ready, state="visible")
        found.append(time.perf_counter() - begun)
    return found[1:]


def _lags(page: Page, client: Client) -> list[float]:
    """Return the times from the answer of the daemon to a change until the page shows it, s.

    The page itself notes when a row changes: Playwright looks in steps of up to half a second.
    """
    (job,) = client.call("queue.list", limit=1)["jobs"]
    page.goto("/queue")
    row = page.locator("tbody tr").first
    row.wait_for()
    page.evaluate(_NOTE_STATES)
    found = []
    for n in range(_CHANGES):
        method, state = (("queue.hold", "held"), ("queue.release", "queued"))[n % 2]
        page.evaluate("() => { window.shown = {}; }")
        client.call(method, jobs=[job["job"]])
        begun_s = time.time()
        row.locator(f".state-{state}").wait_for()
        found.append(page.evaluate("state => window.shown[state]", f"state-{state}") / 1e3 - begun_s)
        time.sleep(1.0)
    return found


def _share_of_a_core(pid: int) -> float:
    """Return the processor time that a process takes of a core, %."""
    begun, before_s = time.perf_counter(), _processor_s(pid)
    time.sleep(_WATCHED_S)
    return 100 * (_processor_s(pid) - before_s) / (time.perf_counter() - begun)


def _processor_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def _served(code: str, arguments: list[str]) -> Iterator[str]:
    """Give the address of a server in a process of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments, str(port)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _until(lambda: _listens(port))
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _listens(port: int) -> bool:
    with socket.socket() as attempt:
        return attempt.connect_ex(("127.0.0.1", port)) == 0


def _until(holds: Callable[[], bool]) -> None:
    for _ in range(1200):
        if holds():
            return
        time.sleep(0.05)
    raise RuntimeError("the server does not begin")
