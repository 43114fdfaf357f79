"""Signals at the edges of the program: while it loads, and while it ends."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from service.cli import app
from tests.places import ROOT


def program(code: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=200,
        check=False,
    )


def test_a_signal_while_a_library_loads_is_not_swallowed_by_it(tmp_path: Path) -> None:
    (tmp_path / "swallowing.py").write_text(
        "import os, signal\n"
        "try:\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "except BaseException as error:\n"
        "    raise ImportError('initialization failed') from error\n",
        encoding="utf-8",
    )
    code = (
        "import sys; from service.cli import app, commands\n"
        f"sys.path.insert(0, {str(tmp_path)!r})\n"
        "def run(arguments):\n"
        "    import swallowing\n"
        "commands.run = run\n"
        "app.main()"
    )
    done = program(code)
    assert (done.returncode, done.stderr) == (130, "ilemtrack: interrupted\n")


def test_a_second_signal_while_the_first_is_told() -> None:
    code = (
        "import os, signal; from service.cli import app, commands\n"
        "commands._say = lambda *words: os.kill(os.getpid(), signal.SIGTERM)\n"
        "commands.typer.main.get_command = lambda app: os.kill(os.getpid(), signal.SIGTERM)\n"
        "app.main()"
    )
    done = program(code)
    assert (done.returncode, done.stderr) == (130, "")


def test_a_signal_while_the_program_ends_does_not_change_its_status() -> None:
    code = (
        "import atexit, os, signal; from service.cli import app\n"
        "atexit.register(os.kill, os.getpid(), signal.SIGTERM)\n"
        "app.main()"
    )
    done = program(code, "--version")
    assert done.returncode == 0
    assert done.stdout.startswith("ilemtrack ")


def test_streams_that_the_caller_has_closed_are_not_given_to_the_next_file(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys\n"
        "from service.cli import app, commands\n"
        "def run(arguments):\n"
        f"    with open({str(tmp_path / 'image')!r}, 'w') as file:\n"
        "        print('a sentence', flush=True)\n"
        "        child = [sys.executable, '-c', 'import os; [os.fstat(number) for number in range(3)]']\n"
        "        started = subprocess.run(child, check=False)\n"
        "        return 0 if file.fileno() > 2 and not started.returncode else 9\n"
        "commands.run = run\n"
        "app.main()"
    )
    closed = ["sh", "-c", 'exec "$0" -c "$1" <&- >&- 2>&-', sys.executable, code]
    assert subprocess.run(closed, cwd=ROOT, timeout=200, check=False).returncode == 0
    assert (tmp_path / "image").read_text(encoding="utf-8") == ""


def test_a_thread_that_ends_by_an_error_is_in_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody reads the terminal of a daemon."""
    monkeypatch.setattr(threading, "excepthook", app._log_end_of_thread)
    read: dict[str, float] = {}
    with capture_logs() as logged:
        for ends in (lambda: read["beam"], sys.exit):
            thread = threading.Thread(target=ends, name="watch")
            thread.start()
            thread.join()
    (line,) = logged
    assert (line["log_level"], line["thread"]) == ("critical", "watch")
    assert isinstance(line["exc_info"], KeyError)
