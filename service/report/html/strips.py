"""Strips of cells through their sections in the report, as `ilemtrack stitch` has made them."""

import base64
from dataclasses import dataclass
from pathlib import Path

from service.session.folders.run_folder import RunFolder

ALL_BYTES = 12_000_000
"""Most bytes of all strips together; longer runs show the first cells. Chosen by hand: a cell of 30 sections
takes .3 MB."""


@dataclass(frozen=True, slots=True)
class Strip:
    """A strip: the track of its cell, and the picture as a data URI."""

    track: str
    uri: str


def strips_of(folder: RunFolder) -> tuple[tuple[Strip, ...], int]:
    """Return the strips of a run, in the order of their tracks, and the number of those that are left out."""
    found: list[Strip] = []
    used = left_out = 0
    for path in sorted(folder.stitched_cells.glob("T*.jpg"), key=lambda path: (len(path.stem), path.stem)):
        content = _bytes_of(path)
        if content is None:
            continue
        used += len(content)
        if used > ALL_BYTES:
            left_out += 1
            continue
        found.append(Strip(path.stem, "data:image/jpeg;base64," + base64.b64encode(content).decode()))
    return tuple(found), left_out


def _bytes_of(path: Path) -> bytes | None:
    """Return the content of a picture; None if it cannot be read now."""
    try:
        return path.read_bytes()
    except OSError:
        return None
