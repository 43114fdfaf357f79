"""Pairs of boxes that may be of one cell, found without comparing each box with all others."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.intp]
Floats = NDArray[np.float32]
_LEAST_STEP_PX = 2.0
"""Side of the smallest squares: there is a number for each, however far apart the boxes lie."""

_FEW_PAIRS = 4096
"""Pairs up to which all are compared: quicker than squares, which take some .3 ms however few boxes."""


def overlapping(
    a: Floats, b: Floats, least_share: float, *, later: bool = False
) -> tuple[Numbers, Numbers, Floats]:
    """Return the pairs of boxes, one of each list, that share much of their area.

    In a crowd a few of thousands of boxes overlap with one. So the boxes of the second list are sorted into
    squares of about their size, and only those in squares near a box are compared with it.

    Parameters
    ----------
    a, b : (N, 4) and (M, 4) array of float32
        x0, y0, x1, y1 of each box.
    least_share : float
        0..1; of all pairs those are sure to be among the result that share this part of the area of both
        together, or half of either.
    later : bool
        Of these only pairs whose second box has the higher number: of one list with itself, half of them.

    Returns
    -------
    first, second : (pairs,) array of int
        Numbers of the boxes in the two lists, in the order of the first.
    shared : (pairs,) array of float32
        Area, above 0.
    """
    nothing = np.zeros(0, np.intp)
    if not (len(a) and len(b)):
        return nothing, nothing, np.zeros(0, np.float32)
    if len(a) * len(b) <= _FEW_PAIRS:
        return _of_all(a, b, np.arange(len(b)), later=later)
    largest = (b[:, 2:] - b[:, :2]).max(axis=1)
    # One list of squares for each doubling of size, so that a large box does not make all squares large.
    doublings = np.ceil(np.log2(np.maximum(largest, 1))).astype(int)
    # Boxes that share this much along a side have centres no further apart than that of the larger side.
    apart = np.float32(1 - min(least_share, 0.5))
    found = []
    for step in np.unique(doublings).tolist():
        chosen = np.flatnonzero(doublings == step)
        few = len(a) * len(chosen) <= _FEW_PAIRS
        found.append(
            _of_all(a, b, chosen, later=later) if few else _near(a, b, chosen, 2.0**step, apart, later=later)
        )
    first, second, shared = (np.concatenate(each) for each in zip(*found, strict=True))
    if len(found) > 1:
        order = np.argsort(first, kind="stable")
        first, second, shared = first[order], second[order], shared[order]
    return first, second, shared


def _of_all(a: Floats, b: Floats, chosen: Numbers, *, later: bool) -> tuple[Numbers, Numbers, Floats]:
    """Return all pairs of boxes of `a` and of those chosen of `b` that share anything."""
    side = np.minimum(a[:, None, 2:], b[chosen, 2:]) - np.maximum(a[:, None, :2], b[chosen, :2])
    shares = (side > 0).all(axis=2)
    if later:
        shares &= chosen > np.arange(len(a))[:, None]
    first, number = np.nonzero(shares)
    return first, chosen[number], side[first, number, 0] * side[first, number, 1]


def areas(boxes: Floats) -> Floats:
    """Return the area of each box, never 0, so that it may divide."""
    size = boxes[:, 2:] - boxes[:, :2]
    return np.asarray(np.maximum(size[:, 0] * size[:, 1], np.float32(1e-6)), np.float32)


def _near(
    a: Floats, b: Floats, chosen: Numbers, size: float, apart: np.float32, *, later: bool
) -> tuple[Numbers, Numbers, Floats]:
    """Return pairs of boxes of `a` and of those chosen of `b`, none of which is larger than `size`."""
    step = max(size / 2, _LEAST_STEP_PX)
    squares = np.floor((b[chosen, :2] + b[chosen, 2:]) / 2 / step).astype(np.intp)
    least = squares.min(axis=0)
    squares -= least
    across, down = (squares.max(axis=0) + 1).tolist()
    keys = squares[:, 1] * across + squares[:, 0]
    order = np.argsort(keys, kind="stable")
    chosen = chosen[order]
    # Number of the first box of each square, in the order of squares.
    starts = np.zeros(across * down + 1, np.intp)
    np.cumsum(np.bincount(keys, minlength=across * down), out=starts[1:])
    middle = (a[:, :2] + a[:, 2:]) / 2
    reach = apart * np.maximum(a[:, 2:] - a[:, :2], np.float32(size)) + np.float32(1e-3)
    low = np.maximum(np.floor((middle - reach) / step).astype(np.intp) - least, 0)
    high = np.minimum(np.floor((middle + reach) / step).astype(np.intp) - least, (across - 1, down - 1))
    rows = np.where((high >= low).all(axis=1), high[:, 1] - low[:, 1] + 1, 0)
    one = np.repeat(np.arange(len(a)), rows)
    row = (low[one, 1] + _counted(rows)) * across
    start = starts[row + low[one, 0]]
    count = starts[row + high[one, 0] + 1] - start
    some = count > 0
    one, start, count = one[some], start[some], count[some]
    first, second = np.repeat(one, count), chosen[np.repeat(start, count) + _counted(count)]
    if later:
        some = np.flatnonzero(second > first)
        first, second = first[some], second[some]
    width = _shared_side(a, b, first, second, 0)
    some = np.flatnonzero(width > 0)
    first, second, width = first[some], second[some], width[some]
    height = _shared_side(a, b, first, second, 1)
    some = np.flatnonzero(height > 0)
    return first[some], second[some], width[some] * height[some]


def _shared_side(a: Floats, b: Floats, first: Numbers, second: Numbers, axis: int) -> Floats:
    """Return how much of a side each pair shares, 0 or less where that is nothing."""
    ends = np.minimum(a[:, axis + 2].take(first), b[:, axis + 2].take(second))
    return np.asarray(ends - np.maximum(a[:, axis].take(first), b[:, axis].take(second)), np.float32)


def _counted(counts: NDArray[Any]) -> Numbers:
    """Return 0, 1, ... for each of the counts, one after the other."""
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    return np.asarray(np.arange(total) - np.repeat(ends - counts, counts), np.intp)
