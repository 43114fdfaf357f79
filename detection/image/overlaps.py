"""Pairs of boxes that may be of one cell, found without comparing each box with all others."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.intp]
Floats = NDArray[np.float32]
Pairs = tuple[Numbers, Numbers, Floats]
_LEAST_STEP_PX = 2.0
"""Side of the smallest squares: there is a number for each, however far apart the boxes lie."""

_FEW_PAIRS = 4096
"""Pairs up to which all are compared: quicker than squares, which take some .3 ms however few boxes."""


def overlapping(a: Floats, b: Floats, least_share: float) -> tuple[Numbers, Numbers, Floats]:
    """Return the pairs of boxes, one of each list, that share much of their area.

    In a crowd a few of thousands of boxes overlap with one. So the boxes of the longer list are sorted into
    squares of about their size, and only those in squares near a box are compared with it.

    Parameters
    ----------
    a, b : (N, 4) and (M, 4) array of float32
        x0, y0, x1, y1 of each box.
    least_share : float
        0..1; of all pairs those are sure to be among the result that share this part of the area of both
        together, or half of either.

    Returns
    -------
    first, second : (pairs,) array of int
        Numbers of the boxes in the two lists, in no particular order.
    shared : (pairs,) array of float32
        Area, above 0.
    """
    if len(a) > len(b):
        second, first, shared = overlapping(b, a, least_share)
        return first, second, shared
    sides = np.ascontiguousarray(a.T), np.ascontiguousarray(b.T)
    if len(a) * len(b) <= _FEW_PAIRS:
        return _of_all(*sides)
    doublings, every = _doublings(sides[1]), np.arange(len(a))
    return _joined(
        _of(*sides, every, np.flatnonzero(doublings == step), step, least_share)
        for step in np.unique(doublings).tolist()
    )


def overlapping_each_other(boxes: Floats, least_share: float) -> tuple[Numbers, Numbers, Floats]:
    """Return the pairs of boxes of one list that share much of their area, the lower number first.

    Parameters and what is returned are otherwise as of `overlapping`.
    """
    sides = np.ascontiguousarray(boxes.T)
    if len(boxes) ** 2 <= _FEW_PAIRS:
        first, second, shared = _of_all(sides, sides)
        once = np.flatnonzero(first < second)
        return first[once], second[once], shared[once]
    doublings = _doublings(sides)
    found = []
    for step in np.unique(doublings).tolist():
        # Smaller ones are looked for by the larger ones of their pairs.
        own, others = np.flatnonzero(doublings == step), np.flatnonzero(doublings <= step)
        first, second, shared = _of(sides, sides, own, others, step, least_share)
        once = np.flatnonzero((doublings.take(second) < step) | (first < second))
        first, second = first[once], second[once]
        found.append((np.minimum(first, second), np.maximum(first, second), shared[once]))
    return _joined(found)


def _doublings(sides: Floats) -> Numbers:
    """Return a number for the size of each box: one more for twice as large ones."""
    largest = np.maximum(sides[2] - sides[0], sides[3] - sides[1])
    return np.asarray(np.ceil(np.log2(np.maximum(largest, 1))), np.intp)


def _joined(found: Iterable[Pairs]) -> Pairs:
    nothing = np.zeros(0, np.intp)
    each = [*found] or [(nothing, nothing, np.zeros(0, np.float32))]
    first, second, shared = (np.concatenate(column) for column in zip(*each, strict=True))
    return first, second, shared


def _of(a: Floats, b: Floats, some: Numbers, others: Numbers, doubling: int, least_share: float) -> Pairs:
    """Return pairs of some boxes of `a` and others of `b`, none of these larger than by its doubling."""
    a, b = a.take(some, axis=1), b.take(others, axis=1)
    if len(some) * len(others) <= _FEW_PAIRS:
        first, second, shared = _of_all(a, b)
    else:
        # Boxes that share this much along a side have centres no further apart than that of the larger side.
        first, second, shared = _near(a, b, 2.0**doubling, np.float32(1 - min(least_share, 0.5)))
    return some.take(first), others.take(second), shared


def _of_all(a: Floats, b: Floats) -> Pairs:
    """Return all pairs of boxes that share anything."""
    width, height = (
        np.minimum(a[axis + 2][:, None], b[axis + 2]) - np.maximum(a[axis][:, None], b[axis])
        for axis in (0, 1)
    )
    at = np.flatnonzero((width > 0) & (height > 0))
    first, second = np.divmod(at, b.shape[1])
    return first, second, width.ravel()[at] * height.ravel()[at]


def areas(boxes: Floats) -> Floats:
    """Return the area of each box, never 0, so that it may divide."""
    size = boxes[:, 2:] - boxes[:, :2]
    return np.asarray(np.maximum(size[:, 0] * size[:, 1], np.float32(1e-6)), np.float32)


def _near(a: Floats, b: Floats, size: float, apart: np.float32) -> Pairs:
    """Return pairs of boxes that may share much, none of those of `b` larger than `size`."""
    step = max(size / 2, _LEAST_STEP_PX)
    x, y = (np.floor((low + high) / 2 / step).astype(np.intp) for low, high in ((b[0], b[2]), (b[1], b[3])))
    left, top = int(x.min()), int(y.min())
    across, down = int(x.max()) - left + 1, int(y.max()) - top + 1
    keys = (y - top) * across + (x - left)
    order = np.argsort(keys, kind="stable")
    # Number of the first box of each square, in the order of squares.
    starts = np.zeros(across * down + 1, np.intp)
    np.cumsum(np.bincount(keys, minlength=across * down), out=starts[1:])
    x0, x1 = _squares_near(a[0], a[2], size, apart, step, left, across)
    y0, y1 = _squares_near(a[1], a[3], size, apart, step, top, down)
    rows = np.where(x1 >= x0, np.maximum(y1 - y0 + 1, 0), 0)
    one = np.repeat(np.arange(len(rows)), rows)
    row = (y0.take(one) + _counted(rows)) * across
    start = starts.take(row + x0.take(one))
    count = starts.take(row + x1.take(one) + 1) - start
    first = np.repeat(one, count)
    second = order.take(np.repeat(start, count) + _counted(count))
    width = _shared_side(a, b, first, second, 0)
    some = np.flatnonzero(width > 0)
    first, second, width = first.take(some), second.take(some), width.take(some)
    height = _shared_side(a, b, first, second, 1)
    some = np.flatnonzero(height > 0)
    return first.take(some), second.take(some), width.take(some) * height.take(some)


def _squares_near(
    low: Floats, high: Floats, size: float, apart: np.float32, step: float, first: int, count: int
) -> tuple[Numbers, Numbers]:
    """Return the first and the last square, along one side, in which the centre of a near box may lie."""
    middle, reach = (low + high) / 2, apart * np.maximum(high - low, np.float32(size)) + np.float32(1e-3)
    near = (np.floor(end / step).astype(np.intp) - first for end in (middle - reach, middle + reach))
    return np.maximum(next(near), 0), np.minimum(next(near), count - 1)


def _shared_side(a: Floats, b: Floats, first: Numbers, second: Numbers, axis: int) -> Floats:
    """Return how much of a side each pair shares, 0 or less where that is nothing."""
    ends = np.minimum(a[axis + 2].take(first), b[axis + 2].take(second))
    return np.asarray(ends - np.maximum(a[axis].take(first), b[axis].take(second)), np.float32)


def _counted(counts: NDArray[Any]) -> Numbers:
    """Return 0, 1, ... for each of the counts, one after the other."""
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    return np.asarray(np.arange(total) - np.repeat(ends - counts, counts), np.intp)
