"""Rectilinear shapes as masks over a grid of unequal cells, and their decomposition; erosion of outlines."""

import math
from collections.abc import Iterable

import numpy as np
import shapely
from numpy.typing import NDArray

from planner.geometry.rects import TOLERANCE_M, RectM, cut, grown

_Cells = tuple[int, int, int, int]
"""Half-open block of cells: first column, first row, column after, row after."""


def edges(values: Iterable[float]) -> NDArray[np.float64]:
    """Sort values and drop those within the tolerance of the one before."""
    kept: list[float] = []
    for value in sorted(values):
        if not kept or value > kept[-1] + TOLERANCE_M:
            kept.append(value)
    return np.asarray(kept, dtype=np.float64)


def slots(cell_edges: NDArray[np.float64], low: float, high: float) -> slice:
    """Return the cells between two edges, clipped to the grid."""
    first, after = np.searchsorted(cell_edges, (low - TOLERANCE_M, high - TOLERANCE_M))
    last = len(cell_edges) - 1
    return slice(min(int(first), last), min(int(after), last))


def eroded(outline: shapely.Geometry, margin_m: float) -> shapely.Geometry:
    """Return a part of an outline in which rectangles may grow by a margin at each side and stay inside it.

    Near sides that are parallel to an axis it could be larger: corners move by more than sides.
    """
    # Mitred: round corners are polygons, which come somewhat nearer to an inner corner.
    return shapely.buffer(outline, -math.sqrt(2) * margin_m, join_style="mitre")


def decompose(
    xs: NDArray[np.float64],
    ys: NDArray[np.float64],
    mask: NDArray[np.bool_],
    overlap_m: float,
    least_m2: float = 0.0,
    worth: NDArray[np.float64] | None = None,
) -> tuple[RectM, ...]:
    """Decompose a rectilinear shape into rectangles that cover it.

    The largest of the maximal rectangles (those that cannot grow inside the shape) comes first, then
    repeatedly the one that adds most. Later ones are cut to the part that adds something, plus `overlap_m` of
    covered ground: images must overlap to be joined, and more would be exposed twice for nothing.

    Parameters
    ----------
    xs, ys : (C + 1,) and (R + 1,) arrays of float64
        Edges of the cells, ascending, m.
    mask : (R, C) array of bool
        Cells of the shape.
    overlap_m : float
        Overlap of neighbouring rectangles; less where the shape is too small for it.
    least_m2 : float
        Area that rectangles after the first must add; the rest of the shape is left out.
    worth : (R, C) array of float64, optional
        Weight of the area of each cell in the choice; equal by default.

    Returns
    -------
    tuple of RectM
        All inside the shape, none inside another.
    """
    rows, columns = np.nonzero(mask.any(axis=1))[0], np.nonzero(mask.any(axis=0))[0]
    if not len(rows):
        return ()
    bounds: _Cells = int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
    if mask[_block(bounds)].all():
        return (_rect(xs, ys, bounds),)

    cell_m2 = np.diff(ys)[:, None] * np.diff(xs)[None, :]
    if worth is not None:
        cell_m2 *= worth
    candidates = _maximal_blocks(mask)
    left = mask.copy()
    rects: list[RectM] = []
    while left.any():
        gains = [float((cell_m2 * left)[_block(c)].sum()) for c in candidates]
        if rects and max(gains) < least_m2:
            break
        best = candidates[int(np.argmax(gains))]
        rect = _rect(xs, ys, best)
        if rects:
            rect = cut(grown(_rect(xs, ys, _bounds(left, best)), overlap_m), rect)
        rects.append(rect)
        left[_block(best)] = False
    return tuple(rects)


def _block(cells: _Cells) -> tuple[slice, slice]:
    return slice(cells[1], cells[3]), slice(cells[0], cells[2])


def _rect(xs: NDArray[np.float64], ys: NDArray[np.float64], cells: _Cells) -> RectM:
    return float(xs[cells[0]]), float(ys[cells[1]]), float(xs[cells[2]]), float(ys[cells[3]])


def _bounds(mask: NDArray[np.bool_], cells: _Cells) -> _Cells:
    """Return the smallest block inside `cells` with all true cells of `mask` there."""
    part = mask[_block(cells)]
    rows, columns = np.nonzero(part.any(axis=1))[0], np.nonzero(part.any(axis=0))[0]
    x, y = cells[0], cells[1]
    return x + int(columns[0]), y + int(rows[0]), x + int(columns[-1]) + 1, y + int(rows[-1]) + 1


def _maximal_blocks(mask: NDArray[np.bool_]) -> list[_Cells]:
    """Return every block of cells inside the mask that cannot grow in it."""
    height = len(mask)
    blocks: list[_Cells] = []
    for top in range(height):
        column_full = np.ones(mask.shape[1], dtype=np.bool_)
        for after in range(top + 1, height + 1):
            column_full = column_full & mask[after - 1]
            if not column_full.any():
                break
            for first, end in _runs(column_full):
                grows_up = top > 0 and mask[top - 1, first:end].all()
                grows_down = after < height and mask[after, first:end].all()
                if not grows_up and not grows_down:
                    blocks.append((first, top, end, after))
    return blocks


def _runs(line: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return the half-open runs of true values."""
    steps = np.diff(np.concatenate(([0], line.astype(np.int8), [0])))
    starts, ends = np.nonzero(steps == 1)[0], np.nonzero(steps == -1)[0]
    return [(int(a), int(b)) for a, b in zip(starts, ends, strict=True)]
