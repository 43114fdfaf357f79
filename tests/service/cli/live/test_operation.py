"""What somebody uses who leaves a run alone: the unit of systemd, taking up again, copies without secrets."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from config.loading import dump
from tests.service.saying import Said
from tests.service.sessions import Session, small_config

pytestmark = pytest.mark.usefixtures("runtime_dir")


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


def test_a_run_that_has_ended_is_not_begun_anew(say: Said, small: Path, tmp_path: Path) -> None:
    assert say("dry-run", "--config", small, "--out", tmp_path / "run")[0] == 0
    status, _, said = say("run", "--config", small, "--out", tmp_path / "run", "--resume")
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
