"""Sections whose common side is hardly seen: one that is placed for certain tells where the next one begins.

In a ribbon two neighbours may be equally dark, and the tissue inside has edges of its own.
"""

import numpy as np
from numpy.typing import NDArray

from detection.overview.edges import with_lines
from detection.overview.fit import fit_pose, side_support
from detection.overview.ground import Ground
from detection.overview.settings import FitSettings
from detection.overview.values import Corners, Mask

_ROUNDS = 6
"""From a section that is certain this many neighbours are placed, one after another."""


def settled(
    ground: Ground, corners: Corners, support: NDArray[np.float64], settings: FitSettings
) -> tuple[Corners, NDArray[np.float64]]:
    """Fit outlines with hardly seen sides again, beside those that are certain.

    Parameters
    ----------
    ground : Ground
    corners : (N, 4, 2) array
        Outlines that were chosen, working pixels.
    support : (N, 4) array
        Of their sides.
    settings : FitSettings

    Returns
    -------
    corners : (N, 4, 2) array
    support : (N, 4) array
        A side where a neighbour begins counts as seen.
    """
    corners, support = corners.copy(), support.copy()
    certain = support.min(axis=1) >= settings.certain
    for _ in range(_ROUNDS):
        near = ~certain & _beside(corners, certain, settings)
        if not near.any():
            break
        sides = np.stack([corners[certain], np.roll(corners[certain], -1, axis=1)], axis=2)
        known = with_lines(ground, sides.reshape(-1, 2, 2))
        corners[near] = fit_pose(known, corners[near], settings)
        support[near] = side_support(known, corners[near], settings)
        certain |= near
    return corners, support


def _beside(corners: Corners, certain: Mask, settings: FitSettings) -> Mask:
    """Return which outlines have a side about where one that is certain has the opposite side."""
    middles = (corners + np.roll(corners, -1, axis=1)) / 2
    outward = middles - corners.mean(axis=1, keepdims=True)
    outward /= np.maximum(np.linalg.norm(outward, axis=2, keepdims=True), 1e-6)
    theirs, facing = middles[certain].reshape(-1, 2), outward[certain].reshape(-1, 2)
    found = np.zeros(len(corners), np.bool_)
    if not len(theirs):
        return found
    for number in np.flatnonzero(~certain):
        away = np.linalg.norm(middles[number][:, None] - theirs[None], axis=2)
        opposite = outward[number] @ facing.T < -0.9
        found[number] = bool((opposite & (away <= settings.reach_px + 2)).any())
    return found
