import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from service.cli.commands import run
from service.pictures import focus as focus_figures
from service.session.folders.run_folder import drive_alone
from service.session.setup import Setup
from service.store.store import Store
from tests.chromium import chromium
from tests.remembered import Remembered, remembering
from tests.service.saying import Said
from tests.service.sessions import Session, small_config
from tests.service.store.stores import new_store

Start = Callable[..., Session]


@pytest.fixture(scope="session")
def remembered() -> Remembered:
    """Memory of one worker."""
    return Remembered()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A browser; a process of the tests can have only one."""
    with chromium() as made:
        yield made


@pytest.fixture(scope="module")
def frames_once(remembered: Remembered) -> Iterator[None]:
    """For files about something else than frames: each is computed, detected and planned once."""
    with remembering(remembered):
        yield


@pytest.fixture
def unpictured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the figures of the focus, which take most of a small session; test_beam has some drawn."""
    monkeypatch.setattr(focus_figures, "draw_focuses", lambda *_: None)


@pytest.fixture
def runtime(runtime_dir: Path) -> Path:
    """Folder of this program in the runtime folder."""
    return runtime_dir / "ilemtrack"


@pytest.fixture
def hardware_taken() -> Iterator[None]:
    """Hold the lock of the microscope, as another program that drives it does."""
    with drive_alone():
        yield


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = new_store(tmp_path)
    yield made
    made.close()


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Said:
    """Run a command; gives its status, its document (or text) and what it said to people."""

    def call(*arguments: object) -> tuple[int, Any, str]:
        status = run([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return status, json.loads(said.out) if "--json" in arguments and said.out else said.out, said.err

    return call


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Make sessions, and end them after the test with the beam blanked and the light off."""
    sessions: list[Session] = []

    def make(
        change: Callable[[Setup], Setup] = lambda setup: setup,
        prepare: Callable[[Session], None] = lambda _: None,
        **changes: dict[str, Any],
    ) -> Session:
        session = Session(tmp_path / f"run{len(sessions)}", small_config(**changes), change)
        sessions.append(session)
        prepare(session)
        session.run()
        return session

    yield make
    for session in sessions:
        session.end()
        assert session.setup.devices.sem.is_blanked()
        assert not session.setup.devices.light.is_on()
