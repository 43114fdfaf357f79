"""Tools of a run that is left alone: the unit of systemd, taking up again, copies without secrets."""

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from config.loading import dump
from service.cli import app, commands
from service.cli.exit_status import FAILURES
from service.cli.live import session_run
from service.errors import UnsafeError
from service.session.folders.run_folder import create, lock
from tests.service.saying import Said
from tests.service.sessions import Session, small_config

pytestmark = pytest.mark.usefixtures("runtime_dir", "frames_once")


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(dump(small_config()), encoding="utf-8")
    return path


def test_the_unit_runs_this_installation(say: Said) -> None:
    status, text, _ = say("config", "unit")
    assert status == 0
    assert f"ExecStart={Path(sys.executable).parent}/ilemtrack run " in text
    assert "@ILEMTRACK@" not in text


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not at hand")
def test_systemd_understands_the_unit(say: Said, tmp_path: Path) -> None:
    _, text, _ = say("config", "unit")
    program = f"{Path(sys.executable).parent}/ilemtrack"
    unit = tmp_path / "ilemtrack@.service"
    # The program need not be installed for its unit to be right.
    unit.write_text(text.replace(program, "/bin/true"), encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_to_take_up_a_run_its_folder_is_needed(say: Said, small: Path) -> None:
    status, _, said = say("run", "--config", small, "--resume")
    assert status == 2
    assert "--resume needs --out" in said


def test_a_run_that_has_ended_is_neither_begun_anew_nor_taken_up(
    say: Said, small: Path, tmp_path: Path
) -> None:
    assert say("dry-run", "--config", small, "--out", tmp_path / "run")[0] == 0
    for again in (
        ("run", "--config", small, "--out", tmp_path / "run", "--resume"),
        ("resume", tmp_path / "run"),
    ):
        status, _, said = say(*again)
        assert status == 2
        assert "the session has ended (done)" in said


def test_no_file_of_a_run_holds_a_secret(say: Said, tmp_path: Path) -> None:
    config = tmp_path / "secret.yaml"
    urls = "notify:\n  urls: ['json://user:hunter2@127.0.0.1:9/']\n"
    config.write_text(dump(small_config()).partition("notify:")[0] + urls, encoding="utf-8")
    status, _, said = say("dry-run", "--config", config, "--out", tmp_path / "run")
    assert status == 0
    assert "hunter2" not in said
    for path in (tmp_path / "run").rglob("*"):
        assert not path.is_file() or b"hunter2" not in path.read_bytes(), path
    # A delivery that failed is an incident, and does not spoil the session.
    assert "was not delivered" in (tmp_path / "run" / "incidents.md").read_text(encoding="utf-8")


def test_watching_what_is_no_run_is_refused(say: Said, tmp_path: Path) -> None:
    status, _, said = say("watch", "--once", tmp_path)
    assert status == 2
    assert "no folder of an ilemtrack run" in said


def test_a_run_that_is_refused_was_not_taken_up(say: Said, tmp_path: Path) -> None:
    config = small_config(session={"min_free_disk_gb": 0, "review": True})
    session = Session(tmp_path / "run", config, attended=True)
    session.run()
    session.end()
    text = session.folder.config.read_text(encoding="utf-8").partition("notify:")[0]
    session.folder.config.write_text(text + "notify:\n  urls: ['nonsense']\n", encoding="utf-8")
    status, _, said = say("resume", tmp_path / "run")
    assert status == 2
    assert "ilemtrack: " in said
    assert "taken up" not in said


def test_a_run_in_an_archive_is_not_taken_up(
    say: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = Session(tmp_path / "run", small_config(session={"review": True}), attended=True)
    session.run()
    session.end()
    before = sorted(path.name for path in session.folder.path.iterdir())
    # Nothing keeps root from writing.
    monkeypatch.setattr("os.access", lambda _, mode: mode != os.W_OK)
    status, _, said = say("resume", tmp_path / "run")
    assert (status, said.count("\n")) == (2, 1)
    assert "nothing may be written" in said
    assert sorted(path.name for path in session.folder.path.iterdir()) == before


def not_restarted(say: Said) -> set[int]:
    _, text, _ = say("config", "unit")
    (line,) = [line for line in text.splitlines() if line.startswith("RestartPreventExitStatus=")]
    return {int(status) for status in line.partition("=")[2].split()}


def test_a_crash_is_restarted_and_bad_input_is_not(
    say: Said, monkeypatch: pytest.MonkeyPatch, small: Path
) -> None:
    def crash(_: list[str]) -> int:
        raise RuntimeError("a bug")

    prevented = not_restarted(say)
    bad, _, _ = say("run", "--config", "no-such-profile")
    monkeypatch.setattr(commands, "run", crash)
    monkeypatch.setattr(app, "_on_stopping", lambda _: None)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    with pytest.raises(SystemExit) as ended:
        app.main()
    assert bad in prevented
    assert ended.value.code not in prevented | {0}
    assert threading.excepthook is app._log_end_of_thread


@pytest.mark.parametrize("error", [UnsafeError("the beam is on"), OSError("I/O error"), MemoryError()])
def test_a_session_that_failed_is_restarted_and_one_with_failed_jobs_is_not(
    say: Said, monkeypatch: pytest.MonkeyPatch, small: Path, error: Exception
) -> None:
    def fail(*_: object, **__: object) -> int:
        raise error

    monkeypatch.setattr(session_run, "begin", fail)
    prevented = not_restarted(say)
    assert say("run", "--config", small)[0] not in prevented
    monkeypatch.setattr(session_run, "begin", lambda *_: FAILURES)
    assert say("run", "--config", small)[0] in prevented


def test_what_may_be_possible_later_is_tried_again_by_systemd_and_refused_to_a_person(
    say: Said, small: Path, tmp_path: Path
) -> None:
    """As while the watchdog of a daemon that crashed makes the microscope safe."""
    session = Session(tmp_path / "run", small_config())
    session.store.close()
    at_work = lock(session.folder)
    again = say("run", "--config", small, "--out", session.folder.path, "--resume")
    by_hand = say("resume", session.folder.path)
    at_work.release()
    assert "another ilemtrack is at work on this run" in again[2]
    assert again[0] not in not_restarted(say)
    assert by_hand[0] == 2


def test_a_service_that_crashed_before_its_session_began_begins_it(
    say: Said, monkeypatch: pytest.MonkeyPatch, small: Path, tmp_path: Path
) -> None:
    folder, _ = create(tmp_path / "run", "run", "real", dump(small_config()))
    begun: list[bool] = []

    def begin(*_: object) -> int:
        begun.append(folder.path.exists())
        return 0

    monkeypatch.setattr(session_run, "begin", begin)
    assert say("run", "--config", small, "--out", folder.path, "--resume")[0] == 0
    assert begun == [False]
    # A run with images is never begun anew.
    folder, _ = create(tmp_path / "run", "run", "real", dump(small_config()))
    folder.fm_image("S0001/F000").parent.mkdir(parents=True)
    folder.fm_image("S0001/F000").write_bytes(b"image")
    assert say("run", "--config", small, "--out", folder.path, "--resume")[0] == 2
    assert folder.fm_image("S0001/F000").exists()
