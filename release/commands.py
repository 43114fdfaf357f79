"""Programs that a release runs."""

import subprocess
from pathlib import Path


class ReleaseError(Exception):
    """A check of the release failed, or a program that it needs."""


def run(*words: str | Path, folder: Path | None = None) -> str:
    """Run a program and return its standard output.

    Raises
    ------
    ReleaseError
        Its status is not 0; the message has all that it printed.
    """
    done = subprocess.run(
        [str(word) for word in words],
        cwd=folder,
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise ReleaseError(
            f"{' '.join(map(str, words))}: status {done.returncode}\n{done.stdout}{done.stderr}"
        )
    return done.stdout
