"""Share of what lies on the substrate that outlines account for."""

from collections.abc import Sequence

import cv2
import numpy as np

from detection.overview.ground import Ground
from detection.overview.values import Corners

_DUST_PX = 9


def covered_share(ground: Ground, outlines: Sequence[Corners]) -> float:
    """Return the share of the foreground, without dust, that outlines in working pixels cover, 0 to 1."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_DUST_PX, _DUST_PX))
    large = np.asarray(cv2.morphologyEx(ground.foreground.astype(np.uint8), cv2.MORPH_OPEN, kernel)) > 0
    covered = np.zeros(large.shape, np.uint8)
    for one in outlines:
        cv2.fillConvexPoly(covered, np.round(one).astype(np.int32), 1)
    return float((large & (covered > 0)).sum() / max(large.sum(), 1))
