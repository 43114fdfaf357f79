"""Bright parts of a frame that the network does not show."""

import cv2
import numpy as np
from numpy.typing import NDArray

from detection.combined.settings import COMBINED, CombinedSettings
from detection.image.boxes import Sides, sides_on_grid, union_of
from detection.image.shapes import disc
from detection.image.working_grid import WorkingGrid


def left_over(
    mask: NDArray[np.bool_],
    shown: Sides,
    grid: WorkingGrid,
    settings: CombinedSettings = COMBINED,
) -> NDArray[np.bool_]:
    """Return the pixels that stand out beyond the boxes of the network.

    The rim of a cell, which reaches a little beyond its box, is no cell of its own: what goes on from a box
    counts only where it is wide enough.

    Parameters
    ----------
    mask : (rows, columns) array of bool
        Pixels of the working grid that stand out.
    shown : (hits, 4) array of int64
        Sides of the largest boxes of the hits of the network, px of the frame.
    grid : WorkingGrid
    settings : CombinedSettings
    """
    sides = sides_on_grid(shown, grid.shrink)
    covered = union_of(sides, (mask.shape[0], mask.shape[1])).astype(np.uint8)
    left = (mask & (covered == 0)).astype(np.uint8)
    if not left.any():
        return np.asarray(left > 0)
    count, labels = cv2.connectedComponents(left, connectivity=8)
    beside = np.asarray(cv2.dilate(covered, np.ones((3, 3), np.uint8)))
    goes_on = np.zeros(count, np.uint8)
    goes_on[np.asarray(labels)[beside > 0]] = 1
    rims = goes_on.take(labels) & left
    radius_px = max(round(settings.rim_um / grid.pixel_um), 1)
    wide = np.asarray(cv2.morphologyEx(rims, cv2.MORPH_OPEN, disc(radius_px)))
    return np.asarray(((left & (1 - rims)) | wide) > 0)
