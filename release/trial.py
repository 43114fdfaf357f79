"""A trial of the wheelhouse as a microscope's computer has it: a new environment, no network."""

import json
import shutil
from pathlib import Path

from release.commands import ReleaseError, run

_COARSE = "{sem: {pixel_size_nm: 66}, fluorescence: {frame_px: [256, 256]}}\n"
"""A session in seconds."""


def alone() -> list[str]:
    """Return the words that run a program without any network, its own loopback included.

    Raises
    ------
    ReleaseError
        This computer lets nobody make a network namespace.
    """
    unshare = shutil.which("unshare")
    if unshare is None:
        raise ReleaseError("the trial without a network needs unshare, of the package util-linux")
    words = [unshare, "--map-root-user", "--net", "--"]
    run(*words, "true")
    return words


def install(python: Path, house: Path, environment: Path) -> Path:
    """Install a wheelhouse as its README.txt says, without a network; returns the interpreter."""
    run(*alone(), python, "-m", "venv", environment)
    interpreter = environment / "bin" / "python"
    run(
        *alone(),
        *(interpreter, "-m", "pip", "install", "--quiet", "--isolated", "--no-index"),
        *("--find-links", house / "wheels", "--require-hashes", "-r", house / "requirements.txt"),
    )
    run(interpreter, "-m", "pip", "check")
    return interpreter


def try_without_network(interpreter: Path, folder: Path) -> str:
    """Run a session and load the console; returns in a few words how the session ended.

    Raises
    ------
    ReleaseError
        A program failed, or the session did not end well.
    """
    folder.mkdir()
    (folder / "coarse.yaml").write_text(_COARSE, encoding="utf-8")
    program = interpreter.with_name("ilemtrack")
    version = run(*alone(), program, "--version", folder=folder).strip()
    run(*alone(), interpreter, "-c", "import nicegui, service.console.app", folder=folder)
    options = ("--config", "coarse.yaml", "--sections", "1", "--fields", "1", "--out", "run", "--json")
    said = run(*alone(), program, "dry-run", *options, folder=folder)
    summary = json.loads(said)
    if summary["end_state"] != "done" or summary["cells"] == 0:
        raise ReleaseError(f"the session ended with {summary['end_state']} and {summary['cells']} cells")
    return f"{version}, session {summary['end_state']} with {summary['cells']} cells"
