"""Several files as one overview: its tiles, or its channels."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from detection.overview.values import Pixels
from service.errors import InputError
from service.input_files import read_text
from service.mapping.overview.reading import LONGEST_PX, MOST_PIXELS, read_picture

CHANNELS = "channels"
_GRID = re.compile(r"(\d{1,3})x(\d{1,3})")
_MOST_BYTES = 10_000_000


def read_overview(paths: Sequence[Path], layout: str | None) -> Pixels:
    """Read an overview.

    Parameters
    ----------
    paths : sequence of Path
        One or more files.
    layout : str or None
        ``channels``; ``4x3`` for tiles without overlap, 4 columns by 3 rows, row by row; or a CSV file with a
        line ``name,x_px,y_px`` for each tile: the position of its upper left corner. Not for one file.

    Raises
    ------
    InputError
        Raised when a file cannot be read, or the layout does not fit the files; one sentence.
    """
    if not paths:
        raise InputError("there is no overview; name one or more files")
    if layout is None:
        if len(paths) > 1:
            raise InputError(
                f"there are {len(paths)} files; say what they are of one overview:"
                " --layout channels, --layout COLUMNSxROWS, or --layout FILE.csv with their positions"
            )
        return read_picture(paths[0])
    if layout == CHANNELS:
        return _channels(paths)
    grid = _GRID.fullmatch(layout)
    pictures = [read_picture(path) for path in paths]
    if grid is not None:
        return _tiles(pictures, _grid_places(pictures, paths, int(grid[1]), int(grid[2])), paths)
    return _tiles(pictures, _listed_places(paths, Path(layout)), paths)


def _channels(paths: Sequence[Path]) -> Pixels:
    pictures = [read_picture(path) for path in paths]
    first = pictures[0]
    for path, other in zip(paths, pictures, strict=True):
        if other.shape[:2] != first.shape[:2] or other.dtype != first.dtype:
            raise InputError(
                f"{path}: has another size or type than {paths[0]}; channels of one overview are alike"
            )
    return np.concatenate([one.reshape(*one.shape[:2], -1) for one in pictures], axis=2)


def _grid_places(
    pictures: Sequence[Pixels], paths: Sequence[Path], columns: int, rows: int
) -> list[tuple[int, int]]:
    if columns * rows != len(paths):
        raise InputError(
            f"--layout {columns}x{rows} has {columns * rows} tiles, but there are {len(paths)} files"
        )
    height, width = pictures[0].shape[:2]
    for path, other in zip(paths, pictures, strict=True):
        if other.shape[:2] != (height, width):
            raise InputError(
                f"{path}: has another size than {paths[0]}; give the positions of tiles in a CSV file"
            )
    return [(number % columns * width, number // columns * height) for number in range(len(paths))]


def _listed_places(paths: Sequence[Path], table: Path) -> list[tuple[int, int]]:
    lines = [line.strip() for line in read_text(table, _MOST_BYTES).splitlines()]
    places: dict[str, tuple[int, int]] = {}
    for number, line in enumerate(lines, start=1):
        if not line or line.startswith("#") or (number == 1 and line.replace(" ", "") == "name,x_px,y_px"):
            continue
        name, *position = (part.strip() for part in line.split(","))
        try:
            x, y = (float(one) for one in position)
            places[name] = (round(x), round(y))
        except (ValueError, OverflowError):
            raise InputError(f"{table}: line {number} is no name,x_px,y_px") from None
    for path in paths:
        if path.name not in places:
            raise InputError(f"{table}: has no line for {path.name}")
    return [places[path.name] for path in paths]


def _tiles(pictures: Sequence[Pixels], places: Sequence[tuple[int, int]], paths: Sequence[Path]) -> Pixels:
    """Return the tiles in one picture; where they overlap, the later one; black where there is none."""
    first = pictures[0]
    for path, other in zip(paths, pictures, strict=True):
        if other.shape[2:] != first.shape[2:] or other.dtype != first.dtype:
            raise InputError(f"{path}: has another type than {paths[0]}; tiles of one overview are alike")
    left, top = min(x for x, _ in places), min(y for _, y in places)
    right = max(x + one.shape[1] for (x, _), one in zip(places, pictures, strict=True))
    bottom = max(y + one.shape[0] for (_, y), one in zip(places, pictures, strict=True))
    width, height = right - left, bottom - top
    if max(width, height) > LONGEST_PX or width * height > MOST_PIXELS:
        raise InputError(f"the tiles span {width} x {height} pixels; at most {LONGEST_PX} a side are read")
    whole = np.zeros((height, width, *first.shape[2:]), first.dtype)
    for (x, y), one in zip(places, pictures, strict=True):
        whole[y - top : y - top + one.shape[0], x - left : x - left + one.shape[1]] = one
    return whole
