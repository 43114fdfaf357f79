"""Connected regions, their shapes, and discs to change them with."""

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


def components(mask: NDArray[np.uint8]) -> tuple[int, NDArray[np.int32], NDArray[np.int32]]:
    """Label connected regions (8 neighbours) by the algorithm that counts their pixels most quickly.

    Returns
    -------
    count : int
        Regions, and the rest of the mask, which is number 0.
    labels : (rows, columns) array of int32
    stats : (count, 5) array of int32
        Left, top, width, height, area of each, px, as by `cv2.connectedComponentsWithStats`.
    """
    count, labels, stats, _ = cv2.connectedComponentsWithStatsWithAlgorithm(
        mask, 8, cv2.CV_32S, cv2.CCL_GRANA
    )
    return count, np.asarray(labels, dtype=np.int32), np.asarray(stats, dtype=np.int32)


def disc(radius_px: int) -> NDArray[np.uint8]:
    """Return a disc of 1 as structuring element, ``2 radius_px + 1`` on a side."""
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius_px + 1,) * 2), dtype=np.uint8)
