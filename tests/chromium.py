"""The browser of the tests: Debian's chromium, driven by Playwright."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from filelock import FileLock
from playwright.sync_api import Browser, sync_playwright

_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_INSTALL = (["apt-get", "update", "-q"], ["apt-get", "install", "-qy", "--no-install-recommends", "chromium"])


@contextmanager
def chromium() -> Iterator[Browser]:
    """Give a headless browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_executable(), args=_ARGUMENTS)
        yield browser
        browser.close()


def _executable() -> str:
    """Return the path of the browser, installed where that is possible."""
    # One process installs it, and the others wait: it appears before all that it needs is there.
    with FileLock(Path(tempfile.gettempdir(), f"ilemtrack-{os.geteuid()}-chromium.lock")):
        if shutil.which("chromium") is None and os.geteuid() == 0 and shutil.which("apt-get"):
            for command in _INSTALL:
                subprocess.run(
                    command,
                    check=False,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
                )
        found = shutil.which("chromium")
    if found is None:
        pytest.fail("the tests of the console need chromium: apt-get install chromium", pytrace=False)
    return found
