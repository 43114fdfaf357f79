"""Lines across outlines: where most of an array show one in the middle, each may hold two sections."""

import numpy as np
from numpy.typing import NDArray

from detection.overview.fit import side_support
from detection.overview.ground import Ground
from detection.overview.settings import FitSettings
from detection.overview.values import Corners

_PARTS = 12
"""Lines are looked at at twelfths of a side."""
_BESIDE = (3, 4, 8, 9)
"""Those that must show nothing: neighbours of the middle see its line, those at the ends the sides."""
_NOTHING = 0.1
"""Support up to which nothing is seen: plain faint sections .01 (seeds 111, 112), tissue .1 to .5.
A first rule without this limit doubted the shape of a published wafer, wrongly."""


def middle_line(ground: Ground, corners: Corners, settings: FitSettings) -> tuple[float, int]:
    """Return the support of a line across the middle, and its axis, where no line is seen beside it.

    Tissue has edges anywhere; the side between two plain sections lies in the middle alone.

    Parameters
    ----------
    ground : Ground
    corners : (N, 4, 2) array
        Outlines, working pixels.
    settings : FitSettings

    Returns
    -------
    support : float
        0 to 1: that of most outlines, for the axis where it is larger; 0 where other lines are seen.
    axis : int
        0 for a line along the first side, 1 along the second.
    """
    if not len(corners):
        return 0.0, 0
    found = []
    for axis in (0, 1):
        turned = np.roll(corners, -axis, axis=1)
        middle, *beside = (
            float(np.median(side_support(ground, _from(turned, part / _PARTS), settings)[:, 0]))
            for part in (_PARTS // 2, *_BESIDE)
        )
        found.append((middle if max(beside) <= _NOTHING else 0.0, axis))
    return max(found)


def halved(corners: Corners, axis: int) -> Corners:
    """Return the halves (2 N, 4, 2) of outlines (N, 4, 2) on both sides of a line along a side."""
    turned = np.roll(corners, -axis, axis=1)
    middle = (turned + turned[:, [3, 2, 1, 0]]) / 2
    upper = np.stack([turned[:, 0], turned[:, 1], middle[:, 1], middle[:, 0]], axis=1)
    return np.concatenate([upper, _from(turned, 0.5)])


def _from(corners: Corners, share: float) -> NDArray[np.float64]:
    """Return the outlines from a share of the height down: their first sides are the lines across."""
    left = corners[:, 0] + share * (corners[:, 3] - corners[:, 0])
    right = corners[:, 1] + share * (corners[:, 2] - corners[:, 1])
    return np.stack([left, right, corners[:, 2], corners[:, 3]], axis=1)
