"""SBEMimage's logs: which tiles it has begun. Before it moves to a tile, a line of it is on the disk."""

import re
from collections.abc import Iterable
from pathlib import Path, PureWindowsPath

from service.errors import InputError

_MOVES = re.compile(rb"Moving to position of Tile ROI (\d+)\.(\d+)\.(\d+)\s*$", re.MULTILINE)
_MOST_BYTES = 1_000_000_000
"""Most that is read of one log; 100,000 tiles have about 60 MB."""

Tile = tuple[int, int, int]
"""Array index, ROI index and number of a tile."""


def begun_tiles(folder: Path) -> frozenset[Tile] | None:
    """Return the tiles that SBEMimage has begun; None if its logs cannot be seen.

    Parameters
    ----------
    folder : Path
        Base directory of a stack. One that is there and has no logs yet was never acquired.
    """
    if not folder.is_dir():
        return None
    found: set[Tile] = set()
    try:
        for log in _logs(folder):
            with log.open("rb") as file:
                text = file.read(_MOST_BYTES + 1)
            if len(text) > _MOST_BYTES:
                return None
            found.update((int(a), int(r), int(t)) for a, r, t in _MOVES.findall(text))
    except OSError:
        return None
    return frozenset(found)


def _logs(folder: Path) -> Iterable[Path]:
    logs = folder / "meta" / "logs"
    if not logs.is_dir():
        return ()
    return [one for one in logs.iterdir() if one.name.startswith("log_") and "mostrecent" not in one.name]


def local_folder(base_dir: str, seen_at: Path | None) -> Path:
    """Return where this computer sees SBEMimage's base directory.

    Parameters
    ----------
    base_dir : str
        As SBEMimage names it.
    seen_at : Path or None
        As a person names it here.

    Raises
    ------
    InputError
        The two have different names, so they are of different stacks: the logs of one would say nothing of
        the other.
    """
    if seen_at is None:
        return Path(base_dir)
    named = PureWindowsPath(base_dir).name
    if seen_at.absolute().name != named:
        raise InputError(
            f"--base-dir {seen_at}: SBEMimage's base directory is {base_dir}; name the folder {named} as this"
            " computer sees it"
        )
    return seen_at
