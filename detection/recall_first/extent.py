"""Extent of a faint cell beyond its significant pixels."""

import numpy as np
from numpy.typing import NDArray

from detection.recall_first.settings import RECALL_FIRST, GrowthSettings

Sides = tuple[int, int, int, int]
"""Top, bottom, left, right; half-open, px."""


def extended(
    sides: Sides,
    intensity: NDArray[np.float32],
    mean: float,
    max_px: int,
    settings: GrowthSettings = RECALL_FIRST.growth,
) -> Sides:
    """Move each side of a box outwards as long as there is intensity beyond it.

    The new side is where the sum of the intensity beyond it, less a share of the mean of the cell, is
    largest: the most likely place of the step (Page, 'Continuous inspection schemes', Biometrika 41 (1954)
    100). The average along a whole side shows intensity that no single pixel shows.

    Parameters
    ----------
    sides : Sides
    intensity : (rows, columns) array of float32
        Frame above its background, 0 in the pixels of cells.
    mean : float
        Mean intensity of the cell.
    max_px : int
        Limit for each side.
    settings : GrowthSettings
    """
    top, bottom, left, right = sides
    floor = settings.extension_background_share * mean
    first = sides
    for _ in range(settings.extension_passes):
        above = intensity[max(first[0] - max_px, 0) : first[0], left:right][::-1]
        below = intensity[first[1] : first[1] + max_px, left:right]
        top, bottom = first[0] - _further(above, floor), first[1] + _further(below, floor)
        before = intensity[top:bottom, max(first[2] - max_px, 0) : first[2]].T[::-1]
        after = intensity[top:bottom, first[3] : first[3] + max_px].T
        left, right = first[2] - _further(before, floor), first[3] + _further(after, floor)
    return top, bottom, left, right


def _further(beyond: NDArray[np.float32], floor: float) -> int:
    """Rows that belong to the cell before the first of them."""
    if beyond.size == 0:
        return 0
    so_far = (np.add.reduce(beyond, axis=1) / beyond.shape[1] - floor).cumsum()
    best = int(so_far.argmax())
    return best + 1 if so_far[best] > 0 else 0
