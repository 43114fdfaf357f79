"""Wheel and source distribution, built and compared."""

import tarfile
import zipfile
from pathlib import Path, PurePosixPath

from release.commands import ReleaseError, run

LEFT_OUT = (".github/", ".gitignore")
"""Tracked files that the source distribution does without: they serve the place of the repository."""


def build(python: Path, source: Path, folder: Path) -> tuple[Path, Path]:
    """Build source distribution and wheel of a checkout; returns both, the source distribution first."""
    run(python, "-m", "build", "--no-isolation", "--sdist", "--wheel", "--outdir", folder, source)
    (sdist,) = folder.glob("*.tar.gz")
    (wheel,) = folder.glob("*.whl")
    return sdist, wheel


def wheel_of(python: Path, sdist: Path, folder: Path) -> Path:
    """Unpack a source distribution into a folder, build the wheel there and return it."""
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    (source,) = (path for path in folder.iterdir() if path.is_dir())
    run(python, "-m", "build", "--no-isolation", "--wheel", "--outdir", folder, source)
    (wheel,) = folder.glob("*.whl")
    return wheel


def check_same(wheel: Path, other: Path) -> None:
    """Compare two wheels, file by file.

    Raises
    ------
    ReleaseError
        They differ; the message names the files.
    """
    contents, others = _contents(wheel), _contents(other)
    names = sorted(name for name in contents.keys() | others.keys() if contents.get(name) != others.get(name))
    if names:
        raise ReleaseError(f"{wheel} and {other} differ in {', '.join(names)}")


def _contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def check_complete(sdist: Path, tracked: list[str]) -> None:
    """Compare a source distribution with the tracked files: whoever has it can run every test.

    Raises
    ------
    ReleaseError
        A tracked file is missing, or one is there that is not tracked.
    """
    with tarfile.open(sdist) as archive:
        names = {str(PurePosixPath(*PurePosixPath(one.name).parts[1:])) for one in archive if one.isfile()}
    wanted = {name for name in tracked if not name.startswith(LEFT_OUT)}
    # Written by the build.
    names -= {"PKG-INFO"}
    names = {name for name in names if not name.startswith(LEFT_OUT)}
    if names != wanted:
        raise ReleaseError(
            f"{sdist.name}: missing {sorted(wanted - names)}, not tracked {sorted(names - wanted)}"
        )
