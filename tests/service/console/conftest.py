import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.service.console.chromium import chromium
from tests.service.console.consoles import OPERATE, WATCH, ConsoleProcess, TestedDaemon

_WAIT_MS = 60_000
"""Longest wait for the browser on a loaded computer, ms."""

Open = Callable[..., TestedDaemon]
View = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as made:
        yield made


@pytest.fixture(scope="module")
def console_runtime() -> str:
    """Runtime folder in which the console looks for daemons: that of the worker."""
    return os.environ["XDG_RUNTIME_DIR"]


@pytest.fixture(scope="module")
def console(console_runtime: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleProcess]:
    made = ConsoleProcess(tmp_path_factory.mktemp("console"))
    yield made
    made.close()
    assert "Traceback" not in made.said()


def _log_in(browser: Browser, console: ConsoleProcess, token: str) -> BrowserContext:
    context = browser.new_context(
        viewport={"width": 1280, "height": 720}, base_url=console.url, reduced_motion="reduce"
    )
    context.set_default_timeout(_WAIT_MS)
    page = context.new_page()
    page.goto("/")
    page.get_by_label("Token").fill(token)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_selector("main .page-title")
    page.close()
    return context


@pytest.fixture(scope="module")
def operator(browser: Browser, console: ConsoleProcess) -> Iterator[BrowserContext]:
    """A browser of somebody who may do everything."""
    context = _log_in(browser, console, OPERATE)
    yield context
    context.close()


@pytest.fixture(scope="module")
def watcher(browser: Browser, console: ConsoleProcess) -> Iterator[BrowserContext]:
    """Another browser, of somebody who may only watch."""
    context = _log_in(browser, console, WATCH)
    yield context
    context.close()


@pytest.fixture
def daemon(
    console_runtime: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TestedDaemon]:
    """A daemon that the console finds; its run has the name of the test."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", console_runtime)
    made = TestedDaemon(tmp_path / "daemon", request.node.name)
    yield made
    made.close()
