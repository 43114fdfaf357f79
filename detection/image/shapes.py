"""Shapes of regions, and discs to change them with."""

import cv2
import numpy as np
from numpy.typing import NDArray


def convexity(mask: NDArray[np.bool_]) -> float:
    """Return the share of its convex hull that a region fills, 0..1; 1 for an empty region."""
    rows = np.flatnonzero(mask.any(axis=1))
    if not rows.size:
        return 1.0
    # The ends of each row have the same hull as all the pixels, and are far fewer.
    filled = mask[rows]
    first, last = filled.argmax(axis=1), mask.shape[1] - 1 - filled[:, ::-1].argmax(axis=1)
    ends = np.stack([np.concatenate([first, last]), np.concatenate([rows, rows])], axis=1).astype(np.int32)
    hull = np.zeros(mask.shape, dtype=np.uint8)
    cv2.fillConvexPoly(hull, np.asarray(cv2.convexHull(ends), dtype=np.int32), 1)
    return int(np.count_nonzero(filled)) / int(np.count_nonzero(hull))


def disc(radius_px: int) -> NDArray[np.uint8]:
    """Return a disc of 1 as structuring element, ``2 radius_px + 1`` on a side."""
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius_px + 1,) * 2), dtype=np.uint8)
