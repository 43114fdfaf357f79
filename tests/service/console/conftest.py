import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.service.console.consoles import OPERATE, WAIT_MS, WATCH, ConsoleProcess, TestedDaemon
from tests.service.console.late.slow_network import slow_down


@pytest.fixture(scope="session")
def console_runtime() -> str:
    """Runtime folder in which the console looks for daemons: that of the worker."""
    return os.environ["XDG_RUNTIME_DIR"]


@pytest.fixture(scope="session")
def console(console_runtime: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleProcess]:
    made = ConsoleProcess(tmp_path_factory.mktemp("console"))
    yield made
    made.close()
    assert "Traceback" not in made.said()


def _opened(browser: Browser, console: ConsoleProcess, token: str) -> Page:
    context = browser.new_context(
        viewport={"width": 1280, "height": 720}, base_url=console.url, reduced_motion="reduce"
    )
    context.set_default_timeout(WAIT_MS)
    console.sign_in(context, token)
    page = context.new_page()
    slow_down(page)
    return page


@pytest.fixture(scope="session")
def _operator_page(browser: Browser, console: ConsoleProcess) -> Iterator[tuple[Page, list[str]]]:
    page = _opened(browser, console, OPERATE)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page, errors
    page.context.close()


@pytest.fixture
def page(_operator_page: tuple[Page, list[str]]) -> Iterator[Page]:
    """Page of somebody who may do everything; errors of scripts fail the test.

    All tests share it: a new one has to compile the scripts anew, which takes two seconds. What the tab has
    kept is forgotten, so that no test finds what another left behind.
    """
    made, errors = _operator_page
    if made.url.startswith("http"):
        made.evaluate("sessionStorage.clear()")
    errors.clear()
    yield made
    assert errors == []


@pytest.fixture(scope="session")
def beside(browser: Browser, console: ConsoleProcess) -> Iterator[Page]:
    """Page in another browser, of somebody who may only watch."""
    made = _opened(browser, console, WATCH)
    yield made
    made.context.close()


@pytest.fixture
def daemon(
    console_runtime: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TestedDaemon]:
    """A daemon that the console finds; its run has the name of the test."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", console_runtime)
    made = TestedDaemon(tmp_path / "daemon", request.node.name)
    yield made
    made.close()
