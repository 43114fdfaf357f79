"""Pairs of boxes that share pixels, found without comparing each box with all others."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.intp]


def overlapping(
    a: NDArray[np.float32], b: NDArray[np.float32]
) -> tuple[Numbers, Numbers, NDArray[np.float32]]:
    """Return the pairs of boxes, one of each list, that share area.

    In a crowd a few of thousands of boxes overlap with one. So the boxes of the second list are sorted into
    squares of about their size, and only those in squares near a box are compared with it.

    Parameters
    ----------
    a, b : (N, 4) and (M, 4) array of float32
        x0, y0, x1, y1 of each box.

    Returns
    -------
    first, second : (pairs,) array of int
        Numbers of the boxes in the two lists, in the order of the first, then of the second.
    shared : (pairs,) array of float32
        Area, above 0.
    """
    nothing = np.zeros(0, np.intp)
    if not (len(a) and len(b)):
        return nothing, nothing, np.zeros(0, np.float32)
    largest = np.maximum((b[:, 2:] - b[:, :2]).max(axis=1), 1.0)
    # One list of squares for each doubling of size, so that a large box does not make all squares large.
    doublings = np.ceil(np.log2(largest)).astype(int)
    found = [
        _near(a, b, np.flatnonzero(doublings == step), 2.0**step) for step in np.unique(doublings).tolist()
    ]
    first, second = (np.concatenate(numbers) for numbers in zip(*found, strict=True))
    side = np.minimum(a[first, 2:], b[second, 2:]) - np.maximum(a[first, :2], b[second, :2])
    share = (side > 0).all(axis=1)
    first, second, side = first[share], second[share], side[share]
    order = np.lexsort((second, first))
    return first[order], second[order], np.asarray(side[:, 0] * side[:, 1], np.float32)[order]


def areas(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the area of each box, never 0, so that it may divide."""
    size = boxes[:, 2:] - boxes[:, :2]
    return np.asarray(np.maximum(size[:, 0] * size[:, 1], np.float32(1e-6)), np.float32)


def _near(
    a: NDArray[np.float32], b: NDArray[np.float32], chosen: Numbers, size: float
) -> tuple[Numbers, Numbers]:
    """Return pairs of boxes of `a` and of those chosen of `b`, no larger than `size`, that may overlap."""
    corners = np.floor(b[chosen, :2] / size).astype(np.intp)
    least = corners.min(axis=0)
    corners -= least
    across, down = (corners.max(axis=0) + 1).tolist()
    squares = corners[:, 1] * across + corners[:, 0]
    order = np.argsort(squares, kind="stable")
    squares = squares[order]
    low = np.maximum(np.floor(a[:, :2] / size - 1).astype(np.intp) - least, 0)
    high = np.minimum(np.floor(a[:, 2:] / size).astype(np.intp) - least, (across - 1, down - 1))
    near = (high >= low).all(axis=1)
    rows = np.where(near, high[:, 1] - low[:, 1] + 1, 0)
    one = np.repeat(np.arange(len(a)), rows)
    row = (low[one, 1] + _counted(rows)) * across
    start = np.searchsorted(squares, row + low[one, 0])
    count = np.searchsorted(squares, row + high[one, 0], side="right") - start
    return np.repeat(one, count), chosen[order[np.repeat(start, count) + _counted(count)]]


def _counted(counts: NDArray[Any]) -> Numbers:
    """Return 0, 1, ... for each of the counts, one after the other."""
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    return np.asarray(np.arange(total) - np.repeat(ends - counts, counts), np.intp)
