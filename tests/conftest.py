import gc
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fcntl import LOCK_EX, flock
from importlib import import_module
from pathlib import Path

import hypothesis
import pytest

from service.api.client import ENDPOINT_VARIABLE, KEY_VARIABLE
from service.session.folders.run_folder import MICROSCOPE_VARIABLE
from service.watch.notifier import URLS_VARIABLE
from tests.examples import MORE
from tests.forked import end_fork_server
from tests.places import REAL_FRAMES, ROOT
from tests.processes import end_processes_of

hypothesis.settings.register_profile(
    "project", deadline=None, derandomize=MORE == 1, max_examples=60 * MORE, print_blob=True
)
hypothesis.settings.load_profile("project")

# Nothing that is imported and collected is ever garbage: it is not looked through again and again.
gc.disable()


LONGEST = (
    "tests/service/console/test_browser.py",
    "tests/service/console/test_picture_pages.py",
    "tests/service/daemon/",
    "tests/detection/serial/",
    "tests/service/autofocus/",
    "tests/drivers/odemis/",
    "tests/service/diagnostics/",
    "tests/service/cli/",
    "tests/planner/",
)
"""Folders of the files that take longest, which come first: at the end no worker is left alone with one."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Let workers import a share of the test modules first, one worker after the other.

    Where no bytecode is kept yet, each would else compile all libraries and rewrite all assertions: twice as
    many seconds as the imports themselves.
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if worker and session.config.args_source is pytest.Config.ArgsSource.TESTPATHS:
        modules = sorted((ROOT / "tests").rglob("test_*.py"))
        share = slice(int(worker.removeprefix("gw")), None, int(os.environ["PYTEST_XDIST_WORKER_COUNT"]))
        with Path(__file__).open() as lock:
            flock(lock, LOCK_EX)
            for path in modules[share]:
                # What cannot be imported is reported when it is collected.
                with suppress(Exception, pytest.skip.Exception):
                    import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture
def real_frames() -> list[Path]:
    """Three real serial sections; the test is skipped where they are absent."""
    frames = sorted(REAL_FRAMES.glob("fl*.ome.tiff"))
    if not frames:
        pytest.skip("the real frames are not beside this checkout")
    return frames


@contextmanager
def apart() -> Iterator[Path]:
    """Keep what is run off this computer's real sessions, and from what others test.

    Gives the runtime folder, short enough for the path of a socket. What still runs with it at the end is
    killed.
    """
    with tempfile.TemporaryDirectory(prefix="ilem-") as folder, pytest.MonkeyPatch.context() as environment:
        environment.setenv("XDG_RUNTIME_DIR", folder)
        environment.setenv("XDG_CONFIG_HOME", f"{folder}/config")
        environment.setenv(MICROSCOPE_VARIABLE, folder)
        for name in (ENDPOINT_VARIABLE, KEY_VARIABLE, URLS_VARIABLE, "NOTIFY_SOCKET"):
            environment.delenv(name, raising=False)
        yield Path(folder)
        # Whatever uses the folder has made something in it.
        if any(Path(folder).iterdir()):
            end_processes_of(Path(folder))


@pytest.fixture(scope="session", autouse=True)
def worker_apart() -> Iterator[None]:
    """Cover what is set up for several tests."""
    with apart():
        yield
    end_fork_server()


@pytest.fixture(autouse=True)
def runtime_dir() -> Iterator[Path]:
    """Runtime folder of this test alone; its microscope is its own as well."""
    with apart() as folder:
        yield folder
