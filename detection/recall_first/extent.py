"""How far a faint cell goes on beyond what of it stands out."""

import numpy as np
from numpy.typing import NDArray

Sides = tuple[int, int, int, int]
"""Top, bottom, left, right; half-open, px."""
GROUND_SHARE = 0.15
"""Of the mean light of a cell: so much light along a side speaks neither for the cell nor against it."""
PASSES = 2


def extended(sides: Sides, light: NDArray[np.float32], mean: float, most_px: int) -> Sides:
    """Move each side of a box outwards for as long as there is light beyond it.

    On each side the place is where light beyond it, less a share of the mean light of the cell, sums up to
    the most: the most likely place of the step (Page, 'Continuous inspection schemes', Biometrika 41 (1954)
    100). Averaged along a whole side, light is seen that no pixel shows.

    Parameters
    ----------
    sides : Sides
    light : (rows, columns) array of float32
        Frame above its background, 0 where it belongs to some cell.
    mean : float
        Mean light of the cell.
    most_px : int
        No side is moved further.
    """
    top, bottom, left, right = sides
    floor = GROUND_SHARE * mean
    first = sides
    for _ in range(PASSES):
        above = light[max(first[0] - most_px, 0) : first[0], left:right][::-1]
        below = light[first[1] : first[1] + most_px, left:right]
        top, bottom = first[0] - _further(above, floor), first[1] + _further(below, floor)
        before = light[top:bottom, max(first[2] - most_px, 0) : first[2]].T[::-1]
        after = light[top:bottom, first[3] : first[3] + most_px].T
        left, right = first[2] - _further(before, floor), first[3] + _further(after, floor)
    return top, bottom, left, right


def _further(beyond: NDArray[np.float32], floor: float) -> int:
    """Rows of light that belong to what is before the first."""
    if beyond.size == 0:
        return 0
    so_far = np.cumsum(beyond.mean(axis=1) - floor)
    best = int(np.argmax(so_far))
    return best + 1 if so_far[best] > 0 else 0
