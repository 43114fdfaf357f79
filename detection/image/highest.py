"""Highest value of a plane inside each of many boxes."""

import numpy as np
from numpy.typing import NDArray

from detection.image.boxes import Sides

_FEW = 64
"""Boxes of about one size from which on all are looked at together: one takes 2 us on a core of 2024, the
maximum of two planes of 512 x 512 some 100."""
_PIXELS_PER_BOX = 900
"""Pixels of the plane for each box below which that is worth the maxima of some six whole planes."""


def highest_in(plane: NDArray[np.float32], sides: Sides) -> NDArray[np.float32]:
    """Return the highest value in each box, minus infinity for a box beside the plane.

    A box of any size is covered by four of the next smaller powers of two, and of those the maximum of all
    places comes from few maxima of whole planes (a sparse table).

    Parameters
    ----------
    plane : (rows, columns) array of float32
    sides : (boxes, 4) array of int64
        x0, y0, x1, y1 of each box; boxes may reach beyond the plane.

    Returns
    -------
    (boxes,) array of float32
    """
    rows, columns = plane.shape
    x0, y0 = np.maximum(sides[:, :2], 0).T
    x1, y1 = np.minimum(sides[:, 2:], (columns, rows)).T
    found = np.full(len(sides), -np.inf, np.float32)
    inside = (x0 < x1) & (y0 < y1)
    if plane.size < _PIXELS_PER_BOX * len(sides):
        inside = _together(plane, found, (x0, y0, x1, y1), inside)
    highest = np.maximum.reduce
    for one, left, top, right, end in zip(
        *(column[inside].tolist() for column in (np.arange(len(sides)), x0, y0, x1, y1)), strict=True
    ):
        found[one] = highest(plane[top:end, left:right], axis=None)
    return found


def _together(
    plane: NDArray[np.float32],
    found: NDArray[np.float32],
    sides: tuple[NDArray[np.int64], ...],
    inside: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Write the highest values of boxes of sizes that many have, and return True for those that are left."""
    x0, y0, x1, y1 = sides
    # The exponent of the largest power of two within each side.
    across = np.where(inside, np.frexp(x1 - x0)[1] - 1, -1)
    down = np.frexp(np.maximum(y1 - y0, 1))[1] - 1
    left = np.array(inside)
    wide = plane
    for doubling in range(int(across.max(initial=-1)) + 1):
        wide = wide if doubling == 0 else _doubled(wide, 2 ** (doubling - 1), 1)
        here = across == doubling
        counts = np.bincount(down[here], minlength=1)
        if counts.max() < _FEW:
            continue
        tall = wide
        for taller in range(int(np.flatnonzero(counts >= _FEW)[-1]) + 1):
            tall = tall if taller == 0 else _doubled(tall, 2 ** (taller - 1), 0)
            if counts[taller] < _FEW:
                continue
            at = np.flatnonzero(here & (down == taller))
            low, top, right, end = x0[at], y0[at], x1[at] - 2**doubling, y1[at] - 2**taller
            found[at] = np.maximum(
                np.maximum(tall[top, low], tall[top, right]), np.maximum(tall[end, low], tall[end, right])
            )
            left[at] = False
    return left


def _doubled(highest: NDArray[np.float32], by: int, axis: int) -> NDArray[np.float32]:
    """Return the maxima of spans twice as long, where they lie within the plane."""
    if axis:
        return np.maximum(highest[:, :-by], highest[:, by:])
    return np.maximum(highest[:-by], highest[by:])
