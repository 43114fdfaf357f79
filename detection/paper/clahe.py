"""Contrast limited adaptive histogram equalisation (CLAHE) as the paper's detector uses it.

OpenCV's rounds its result to the 256 levels of its input, which makes flat steps of a feature's gradient and
moves watershed lines; this one quantises the input only.
"""

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

TILES = 8
"""Tiles along each side: the default of `adapthisteq` in MATLAB, the language of the authors' program."""
LEVELS = 256
"""Bins of a histogram: the default of `adapthisteq`."""
CLIP = 0.01
"""Clip limit: the default of `adapthisteq`."""


def clahe(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Equalise contrast tile by tile: 8 x 8 tiles, 256 levels, clip limit 0.01.

    Source: Zuiderveld, 'Contrast limited adaptive histogram equalization', Graphics Gems IV (1994) 474.

    Parameters
    ----------
    image : (rows, columns) array of float32
        0..1, at least one pixel per tile.

    Returns
    -------
    (rows, columns) array of float32
        0..1.
    """
    rows, columns = image.shape
    tile_rows, tile_columns = -(-rows // TILES), -(-columns // TILES)
    missing_rows, missing_columns = tile_rows * TILES - rows, tile_columns * TILES - columns
    levels = np.asarray(image * (LEVELS - 1) + 0.5, dtype=np.uint8)
    before = (missing_rows // 2, missing_columns // 2)
    after = (missing_rows - before[0], missing_columns - before[1])
    levels = np.pad(levels, list(zip(before, after, strict=True)), mode="symmetric")
    curves = _tile_curves(levels, tile_rows, tile_columns)
    equalised = _between_tiles(levels, curves, tile_rows, tile_columns)
    return equalised[before[0] : before[0] + rows, before[1] : before[1] + columns]


def _tile_curves(levels: NDArray[np.uint8], tile_rows: int, tile_columns: int) -> NDArray[np.float32]:
    """Transfer curve of every tile, (TILES, TILES, LEVELS), from its clipped histogram."""
    pixels = tile_rows * tile_columns
    lowest = -(-pixels // LEVELS)
    limit = lowest + round(CLIP * (pixels - lowest))
    tiles = levels.reshape(TILES, tile_rows, TILES, tile_columns).swapaxes(1, 2).reshape(TILES**2, pixels)
    counts = np.stack([np.bincount(tile, minlength=LEVELS) for tile in tiles])
    curves = np.asarray(np.cumsum(_clipped(counts, limit), axis=1) / pixels, dtype=np.float32)
    return curves.reshape(TILES, TILES, LEVELS)


def _clipped(counts: NDArray[np.int64], limit: int) -> NDArray[np.int64]:
    """Cut histograms, one in each row, at `limit` and deal out what was cut, evenly, up to the limit."""
    cut = np.minimum(counts, limit)
    excess = (counts - cut).sum(axis=1)
    share = (excess // LEVELS)[:, None]
    dealt = np.where(counts > limit - share, limit, counts + share)
    left_over = excess - (dealt - cut).sum(axis=1)
    for row, left in zip(dealt, left_over.tolist(), strict=True):
        while left > 0:
            open_bins = np.flatnonzero(row < limit)
            if open_bins.size == 0:
                break
            chosen = open_bins[:: max(open_bins.size // left, 1)][:left]
            row[chosen] += 1
            left -= chosen.size
    return dealt


def _between_tiles(
    levels: NDArray[np.uint8], curves: NDArray[np.float32], tile_rows: int, tile_columns: int
) -> NDArray[np.float32]:
    """Apply the curves of the four nearest tiles to each pixel, weighted by nearness."""
    up, down, from_up = _neighbours(levels.shape[0], tile_rows)
    left, right, from_left = _neighbours(levels.shape[1], tile_columns)
    equalised = np.empty(levels.shape, dtype=np.float32)
    # Within a block the same four curves hold, so each is a table to look up in.
    for rows in _blocks(up, down):
        lower = from_up[rows, None]
        for columns in _blocks(left, right):
            block, across = levels[rows, columns], from_left[None, columns]
            four = curves[[up[rows][0], down[rows][0]]][:, [left[columns][0], right[columns][0]]]
            (a, b), (c, d) = ([np.asarray(cv2.LUT(block, curve)) for curve in pair] for pair in four)
            top, bottom = a + across * (b - a), c + across * (d - c)
            equalised[rows, columns] = top + lower * (bottom - top)
    return equalised


def _blocks(first: NDArray[np.intp], second: NDArray[np.intp]) -> list[slice]:
    """Return the runs along one axis in which the tiles before and after stay the same."""
    changes = np.flatnonzero((np.diff(first) != 0) | (np.diff(second) != 0)) + 1
    edges = [0, *changes.tolist(), len(first)]
    return [slice(low, high) for low, high in pairwise(edges)]


def _neighbours(pixels: int, tile_px: int) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """Return the tile before and after each pixel of one axis, and its distance from the first, 0..1."""
    place = (np.arange(pixels) + 0.5) / tile_px - 0.5
    first = np.floor(place).astype(np.intp)
    return (
        np.clip(first, 0, TILES - 1),
        np.clip(first + 1, 0, TILES - 1),
        np.asarray(place - first, dtype=np.float32),
    )
