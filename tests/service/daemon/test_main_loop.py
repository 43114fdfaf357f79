import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NoReturn

import pytest

from drivers.errors import DriverError
from service.daemon.main_loop import ABANDONED, MainLoop
from service.model.jobs import ExposureState
from service.model.phases import PauseCause, Phase, SessionEvent, Status
from service.signals import STOPPING
from service.watch.supervision import Supervision, supervised
from service.watch.systemd import notify
from tests.service.faults import faulty
from tests.service.sessions import Session, small_config

pytestmark = pytest.mark.usefixtures("frames_once")


class Left(BaseException):
    """Raised where the process would end by force."""


def leave(status: int) -> NoReturn:
    raise Left(status)


@pytest.fixture
def release() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


@contextmanager
def loop_of(session: Session, **settings: Any) -> Iterator[MainLoop]:
    supervision = Supervision(session.context)
    with closing(session.store), supervised(supervision):
        yield MainLoop(
            session.context, session.runner, session.control, supervision, lambda _: None, False, **settings
        )


@pytest.mark.usefixtures("runtime_dir")
def test_a_session_runs_to_its_end(tmp_path: Path) -> None:
    session = Session(tmp_path / "run", small_config())
    with loop_of(session) as loop:
        assert loop.run(go_on=True) is False
        assert session.store.status().phase is Phase.DONE


@pytest.mark.parametrize("number", STOPPING)
def test_each_signal_in_mid_scan_ends_the_program_with_the_microscope_safe(
    tmp_path: Path, number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    noticed = threading.Event()

    def struck(real: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        os.kill(os.getpid(), number)
        # On the fast clock the session would end before the main loop looks.
        assert noticed.wait(200)
        return real(*args, **kwargs)

    session = Session(tmp_path / "run", small_config(), faulty("sem", "scan", struck))
    stop = session.control.stop

    def stopped(*why: Any) -> None:
        stop(*why)
        noticed.set()

    monkeypatch.setattr(session.control, "stop", stopped)
    with loop_of(session) as loop:
        assert loop.run(go_on=True) is True
        # To be taken up where it was.
        assert session.store.status().phase is Phase.ELECTRON
        assert not [row for row in session.store.ledger.exposures() if row.state is ExposureState.OPEN]
    assert session.setup.devices.sem.is_blanked()
    assert not session.setup.devices.light.is_on()


@pytest.mark.usefixtures("runtime_dir")
def test_a_program_that_cannot_end_is_ended_safe_and_says_so(
    tmp_path: Path, release: threading.Event
) -> None:
    """A detection that never returns: no deadline of a device ends it."""
    session = Session(tmp_path / "run", small_config())

    def never(check: Callable[[], None]) -> None:
        loop._signals.append(signal.SIGTERM)
        release.wait(60)

    session.analysis.wait = never  # type: ignore[method-assign]
    with loop_of(session, lands_s=0.2, leave=leave) as loop, pytest.raises(Left) as left:
        loop.run(go_on=True)
    assert left.value.args == (ABANDONED,)
    text = session.folder.incidents.read_text(encoding="utf-8")
    assert "ended by force" in text
    assert "The beam is blanked and the light is off." in text


@pytest.mark.usefixtures("runtime_dir")
def test_a_fault_that_nobody_attends_to_ends_the_program(tmp_path: Path) -> None:
    def fails(*_: object, **__: object) -> None:
        raise DriverError("no answer")

    session = Session(tmp_path / "run", small_config(), faulty("chamber", "go_to", fails, times=-1))
    with loop_of(session) as loop:
        assert loop.run(go_on=True) is False
        assert session.store.status().phase is Phase.FAULT


def taken_up(tmp_path: Path) -> Session:
    """A session that was stopped before its first step, and is taken up."""
    first = Session(tmp_path / "run", small_config())
    first.store.apply(SessionEvent.START)
    first.analysis.close()
    first.store.close()
    return Session.again(first)


@pytest.mark.usefixtures("runtime_dir")
def test_a_client_may_be_faster_than_resume_continue(tmp_path: Path) -> None:
    session = taken_up(tmp_path)
    resume = session.control.resume

    def after_a_client(by: str = "somebody") -> str:
        resume(by)
        return resume(by)

    session.control.resume = after_a_client  # type: ignore[method-assign]
    with loop_of(session) as loop:
        assert loop.run(go_on=True) is False
        assert session.store.status().phase is Phase.DONE


@pytest.mark.usefixtures("runtime_dir")
def test_resume_continue_never_ends_a_fault_or_a_pause_of_a_person(tmp_path: Path) -> None:
    """It is about the pause of the restart: what happens on the way to it is for a person."""
    with loop_of(taken_up(tmp_path)) as loop:
        resumed: list[str] = []

        def resume(by: str = "somebody") -> str:
            resumed.append(by)
            return ""

        loop._control.resume = resume  # type: ignore[method-assign]
        assert loop._goes_on(Status(Phase.RECOVERING, Phase.PREFLIGHT))
        for cause in set(PauseCause) - {PauseCause.RESTART}:
            assert not loop._goes_on(Status(Phase.PAUSED, Phase.PREFLIGHT, cause=cause))
        assert not loop._goes_on(Status(Phase.FAULT, Phase.PREFLIGHT))
        assert not resumed
        assert not loop._goes_on(Status(Phase.PAUSED, Phase.PREFLIGHT, cause=PauseCause.RESTART))
        assert resumed


@pytest.mark.usefixtures("runtime_dir")
def test_nobody_is_asked_to_continue_what_goes_on_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    with loop_of(taken_up(tmp_path)) as loop:
        paused = Status(Phase.PAUSED, Phase.PREFLIGHT, cause=PauseCause.RESTART)
        monkeypatch.setattr(type(loop._context.store), "status", lambda _: paused)
        monkeypatch.setattr(loop._control, "resume", lambda by: order.append(by))
        loop._attended = True
        loop._display = lambda _: order.append("shown")
        assert not loop._look(go_on=True)
    assert order == ["resume --continue", "shown"]


@pytest.mark.usefixtures("runtime_dir")
def test_a_terminal_that_is_gone_does_not_end_the_session(tmp_path: Path) -> None:
    session = Session(tmp_path / "run", small_config())
    shown: list[None] = []

    def display(_: object) -> None:
        shown.append(None)
        raise SystemExit(1)  # as rich does on a closed pipe

    with loop_of(session) as loop:
        loop._display = display
        assert loop.run(go_on=True) is False
        assert session.store.status().phase is Phase.DONE
    assert len(shown) == 1


def test_systemd_is_told_where_it_listens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notify("READY=1")
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        manager.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", str(path))
        notify("WATCHDOG=1")
        assert manager.recv(100) == b"WATCHDOG=1"
    # A manager that is gone disturbs nobody.
    notify("STOPPING=1")
