import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from tests.places import ROOT
from tests.service.conftest import runtime, say, store

__all__ = ["runtime", "say", "store"]


@pytest.fixture
def program() -> Iterator[Callable[..., int]]:
    """Run a script in a process until the test ends; gives its number once it says that it is up."""
    started: list[subprocess.Popen[str]] = []

    def launch(script: str, *arguments: object) -> int:
        process = subprocess.Popen(
            [sys.executable, "-c", script, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=ROOT,
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        return process.pid

    yield launch
    for process in started:
        process.kill()
        process.communicate(timeout=30)
