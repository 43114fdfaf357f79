import json
import socket
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from service.cli.live.console import computer
from service.cli.live.console.command import private_page
from service.cli.live.console.computer import ThisComputer
from service.errors import InputError, NoDaemonError
from tests.service.conftest import Start
from tests.service.console.consoles import TestedDaemon
from tests.service.saying import Said

_BEGINS = """
import json, os, time
from service.session.folders.runtime_folder import runtime_directory
info = {"endpoint": "ipc:///x", "events_endpoint": "ipc:///y", "run": "begun", "pid": os.getpid()}
(runtime_directory() / "x.daemon").write_text(json.dumps(info))
time.sleep(600)
"""


@pytest.fixture
def here(tmp_path: Path) -> ThisComputer:
    return ThisComputer(tmp_path)


def answer_with(monkeypatch: pytest.MonkeyPatch, code: str) -> list[tuple[str, ...]]:
    """Run some code in place of `ilemtrack`; returns the commands that were asked for."""
    asked: list[tuple[str, ...]] = []

    def command(*arguments: str) -> list[str]:
        asked.append(arguments)
        return [sys.executable, "-c", code]

    monkeypatch.setattr(computer, "_command", command)
    return asked


def test_runs_are_found_and_opened(here: ThisComputer, tmp_path: Path, start: Start) -> None:
    assert here.runs() == []
    daemon = TestedDaemon(tmp_path / "daemon", "running-1")
    session = start()
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "ended").symlink_to(session.folder.path)
    (tmp_path / "runs" / "no-run").mkdir()
    found = {one.name: one for one in here.runs()}
    assert found.keys() == {"running-1", session.info.run}
    assert found["running-1"].running
    assert not found[session.info.run].running
    opened = here.open("running-1")
    assert opened.live
    assert here.is_running("running-1")
    assert opened.source.call("hello")["run"] == "running-1"
    opened.source.close()
    daemon.close()
    assert not here.is_running("running-1")
    ended = here.open(session.info.run)
    assert not ended.live
    assert ended.source.call("status")["phase"] == "done"
    ended.source.close()
    with pytest.raises(InputError, match=r"there is no run \.\./daemon"):
        here.open("../daemon")
    with pytest.raises(NoDaemonError):
        here.open(None)


def test_only_configurations_that_are_offered_are_opened(here: ThisComputer, tmp_path: Path) -> None:
    (tmp_path / "my.yaml").touch()
    (tmp_path / "notes.txt").touch()
    assert here.configurations() == ["quanta250-secom", "simulator", "my.yaml"]
    for name in ("/etc/passwd", "../x.yaml", "notes.txt", "--json"):
        with pytest.raises(InputError, match="there is no configuration"):
            here.check(name)
        with pytest.raises(InputError, match="there is no configuration"):
            here.start(name, "run", None)
    with pytest.raises(InputError, match="no kind"):
        here.start("my.yaml", "abort", None)


def test_the_checks_are_those_of_the_doctor(here: ThisComputer, monkeypatch: pytest.MonkeyPatch) -> None:
    row = {"part": "disk", "name": "space", "level": "warn", "says": "little", "do": "Make room."}
    asked = answer_with(monkeypatch, f"print({json.dumps({'ready': True, 'checks': [row]})!r})")
    report = here.check("simulator")
    assert asked == [("doctor", "--json", "--config", "simulator")]
    assert report.ready
    assert [(one.name, one.level, one.to_do) for one in report.findings] == [
        ("disk: space", "warn", "Make room.")
    ]
    answer_with(monkeypatch, "import sys; sys.exit('ilemtrack: my.yaml: no such key')")
    assert here.check("simulator").refused == "my.yaml: no such key"


def test_a_session_that_does_not_begin_says_why(
    here: ThisComputer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answer_with(monkeypatch, "import sys; sys.exit('ilemtrack: preflight: no stage')")
    with pytest.raises(InputError, match="did not begin: preflight: no stage"):
        here.start("simulator", "dry-run", 2)
    assert asked == [("dry-run", "--config", "simulator", "--clock", "real", "--sections", "2")]
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_session_goes_on_without_the_console(here: ThisComputer, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is in a session of its own, and found by its process."""
    answer_with(monkeypatch, _BEGINS)
    monkeypatch.setattr("service.api.transport.discovery.is_listening", lambda _: True)
    assert here.start("simulator", "run", None) == "begun"
    (process,) = here._started
    assert Path(f"/proc/{process.pid}/stat").read_text().split()[5] == str(process.pid)
    process.kill()
    process.wait()


def test_the_console_refuses_a_taken_port_and_short_tokens(
    say: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        status, _, said = say("console", "--no-open", "--port", port)
    assert (status, "another program listens there" in said) == (2, True)
    monkeypatch.setenv("ILEMTRACK_CONSOLE_TOKEN", "short")
    status, _, said = say("console", "--no-open", "--port", port)
    assert (status, "at least 16 characters" in said) == (2, True)


def test_a_browser_is_started_with_a_page_that_only_this_user_reads() -> None:
    with private_page(8550, "<p>a secret</p>") as address:
        path = Path(urlsplit(address).path)
        assert address.startswith("file://")
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.read_text(encoding="utf-8") == "<p>a secret</p>"
    assert not path.exists()
