"""Tab completion: the script of each shell, and what it asks the program."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(sys.executable).with_name("ilemtrack")


def ask(**variables: str) -> "subprocess.CompletedProcess[str]":
    """Start the program as the script of a shell does."""
    return subprocess.run(
        [PROGRAM], capture_output=True, text=True, env=os.environ | variables, timeout=200, check=False
    )


def script(shell: str) -> str:
    return ask(_ILEMTRACK_COMPLETE=f"source_{shell}").stdout


def test_bash_completes_commands(tmp_path: Path) -> None:
    (tmp_path / "script").write_text(script("bash"), encoding="utf-8")
    code = (
        f'source "{tmp_path / "script"}"; COMP_WORDS=(ilemtrack queue ho); COMP_CWORD=2;'
        f' _ilemtrack_completion "{PROGRAM}"; echo "${{COMPREPLY[@]}}"'
    )
    done = subprocess.run(["bash", "-c", code], capture_output=True, text=True, timeout=200, check=False)
    assert (done.stdout, done.stderr) == ("hold\n", "")


def test_bash_completes_options() -> None:
    done = ask(_ILEMTRACK_COMPLETE="complete_bash", COMP_WORDS="ilemtrack events --f", COMP_CWORD="2")
    assert (done.returncode, done.stdout.split()) == (0, ["--follow"])


def test_zsh_completes_commands() -> None:
    done = ask(_ILEMTRACK_COMPLETE="complete_zsh", _TYPER_COMPLETE_ARGS="ilemtrack stat")
    assert (done.returncode, done.stdout) == (0, "_arguments '*: :((\"status\"))'\n")


def test_fish_is_answered_by_the_exit_status() -> None:
    for words, status in (("ilemtrack stat", 0), ("ilemtrack status nonsense", 1)):
        done = ask(
            _ILEMTRACK_COMPLETE="complete_fish",
            _TYPER_COMPLETE_FISH_ACTION="is-args",
            _TYPER_COMPLETE_ARGS=words,
        )
        assert done.returncode == status, words


def test_fish_completes_options() -> None:
    done = ask(
        _ILEMTRACK_COMPLETE="complete_fish",
        _TYPER_COMPLETE_FISH_ACTION="get-args",
        _TYPER_COMPLETE_ARGS="ilemtrack queue move --",
    )
    assert {"--before", "--first", "--last"} <= set(done.stdout.split())


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_understands_its_script(shell: str, tmp_path: Path) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    path = tmp_path / "script"
    path.write_text(script(shell), encoding="utf-8")
    assert "_ILEMTRACK_COMPLETE=complete_" in path.read_text(encoding="utf-8")
    done = subprocess.run([program, "-n", path], capture_output=True, text=True, timeout=200, check=False)
    assert (done.returncode, done.stderr) == (0, "")
