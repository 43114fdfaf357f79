"""Places of the tiles of a section: by the stage, and by what overlapping tiles both show."""

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import cast

import cv2
import numpy as np

from service.image_files.images import Pixels
from service.stitching.placing.positions import Groups, Shift, settled
from service.stitching.placing.shifts import find_shift
from service.stitching.tiles import TileReader
from service.stitching.values import Point, Seam, Tile, same_size

_FURTHEST_ERRORS = 4.0
"""Largest error of a distance that is looked for, in largest errors of a position: two tiles may be off by
one each, and the machine by twice what it is configured for. Chosen by hand."""
_THREADS = 2
"""Pairs that are measured at a time: a session may run on the same computer."""


@dataclass(frozen=True, slots=True)
class Errors:
    """Largest errors of position, m: of a move of the stage, and of the beam from where the stage stands."""

    stage_m: float
    beam_m: float

    def between(self, one: Tile, other: Tile) -> float:
        """Return the one that counts between two tiles."""
        return self.beam_m if one.stay == other.stay else self.stage_m


@dataclass(frozen=True, slots=True)
class Placed:
    """Tiles of a section where they belong.

    Attributes
    ----------
    tiles : tuple of Tile
    centers_m : tuple of (float, float)
        Settled centre of each, as the SEM has it.
    seams : tuple of Seam
        Pairs of tiles that overlap by their read-back.
    """

    tiles: tuple[Tile, ...]
    centers_m: tuple[Point, ...]
    seams: tuple[Seam, ...]


def place(tiles: Sequence[Tile], reader: TileReader, errors: Errors) -> Placed:
    """Place tiles by what overlapping ones both show, the others by the read-back of the stage.

    Raises
    ------
    ImageError
        A file went away meanwhile.
    """
    pairs = sorted(_overlapping(tiles))

    def measure(pair: tuple[int, int]) -> _Measured | None:
        one, other = tiles[pair[0]], tiles[pair[1]]
        return _measured(one, other, reader, _FURTHEST_ERRORS * errors.between(one, other))

    # Nearly all of it is in libraries that let other threads run.
    with ThreadPoolExecutor(_THREADS) as threads:
        measured = list(threads.map(measure, pairs))
    shifts = [
        Shift(n, m, found.off_m, found.likeness)
        for (n, m), found in zip(pairs, measured, strict=True)
        if found is not None
    ]
    read_m = np.array([tile.center_m for tile in tiles]).reshape(-1, 2)
    _, of = np.unique([tile.stay for tile in tiles], return_inverse=True)
    result = settled(read_m, shifts, errors.stage_m, Groups(of, errors.beam_m))
    agree = iter(result.agree.tolist())
    seams = []
    for (n, m), found in zip(pairs, measured, strict=True):
        seam = Seam(tiles[n].job, tiles[m].job)
        if found is not None:
            off_m = np.array(found.off_m)
            before, after = (
                float(np.hypot(*(centers[m] - centers[n] - off_m))) * 1e9
                for centers in (read_m, result.centers_m)
            )
            seam = replace(
                seam,
                measured_m=found.off_m,
                likeness=found.likeness,
                agrees=next(agree),
                read_back_nm=before,
                settled_nm=after,
            )
        seams.append(seam)
    return Placed(tuple(tiles), tuple((float(x), float(y)) for x, y in result.centers_m), tuple(seams))


@dataclass(frozen=True, slots=True)
class _Measured:
    off_m: Point
    likeness: float


def _overlapping(tiles: Sequence[Tile]) -> Iterator[tuple[int, int]]:
    """Yield the pairs of tiles that overlap by their read-back."""
    rects = np.array([tile.rect_m for tile in tiles]).reshape(-1, 4)
    for n in range(len(tiles) - 1):
        left, bottom, right, top = rects[n]
        rest = rects[n + 1 :]
        meet = (rest[:, 0] < right) & (rest[:, 2] > left) & (rest[:, 1] < top) & (rest[:, 3] > bottom)
        yield from ((n, n + 1 + int(m)) for m in np.flatnonzero(meet))


def _measured(one: Tile, other: Tile, reader: TileReader, furthest_m: float) -> _Measured | None:
    """Return the distance of two tiles, by what both show."""
    pixel_m = max(one.pixel_size_m, other.pixel_size_m)
    a, b = (_at_pixel_size(reader.read(tile), tile, pixel_m) for tile in (one, other))
    (ha, wa), (hb, wb) = a.shape, b.shape
    x = (other.center_m[0] - one.center_m[0]) / pixel_m
    y = (other.center_m[1] - one.center_m[1]) / pixel_m
    corner = x + wa / 2 - wb / 2, -y + ha / 2 - hb / 2
    found = find_shift(a, b, corner, furthest_m / pixel_m)
    if found is None or math.hypot(*found.shift_px) * pixel_m > furthest_m:
        return None
    right, down = found.shift_px
    return _Measured(((x + right) * pixel_m, (y - down) * pixel_m), found.likeness)


def _at_pixel_size(pixels: Pixels, tile: Tile, pixel_m: float) -> Pixels:
    """Return a tile with larger pixels, about the same centre."""
    if same_size(tile.pixel_size_m, pixel_m):
        return pixels
    share = tile.pixel_size_m / pixel_m
    columns, rows = (max(1, math.floor(size * share)) for size in tile.size_px)
    matrix = np.array([[1 / share, 0, 0], [0, 1 / share, 0]])
    # The middle stays where it is; warpAffine counts from pixel centres.
    matrix[:, 2] = np.array(tile.size_px) / 2 - 0.5 - (np.array([columns, rows]) / 2 - 0.5) / share
    smooth = cv2.GaussianBlur(pixels, (0, 0), 0.5 / share)
    way = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    found = cv2.warpAffine(smooth, matrix, (columns, rows), flags=way, borderMode=cv2.BORDER_REPLICATE)
    return cast("Pixels", found)
