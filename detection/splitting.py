"""Touching cells taken apart by the h-maxima of the distance to their edge."""

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.morphology import reconstruction
from skimage.segmentation import watershed

from detection.boxes import BoxPx

WORKING_PIXEL_UM = 0.5
NECK_UM = 0.75
NECK_SHARE = 0.2
SMALLEST_TO_SPLIT_UM = 6.0


def split_touching(mask: NDArray[np.bool_], pixel_size_um: float) -> list[NDArray[np.bool_]]:
    """Take a region apart where it has a neck.

    The neck must be narrower than the parts on both sides: half its width lies below the largest distance
    to the edge in either part by at least 0.75 um and a fifth of that distance.

    Parameters
    ----------
    mask : (rows, columns) array of bool
        One connected region.
    pixel_size_um : float

    Returns
    -------
    list of (rows, columns) array of bool
        Parts that share no pixel and together make the region: nothing is lost.
    """
    rows, columns = mask.shape
    if min(rows, columns) * pixel_size_um < SMALLEST_TO_SPLIT_UM:
        return [mask]
    step = max(int(WORKING_PIXEL_UM / pixel_size_um), 1)
    # A margin of nothing, so that the edge of the crop is an edge of the region too.
    small = np.pad(mask[::step, ::step].astype(np.uint8), 1)
    pixel_um = step * pixel_size_um
    distance_um = np.asarray(cv2.distanceTransform(small, cv2.DIST_L2, 5), dtype=np.float32) * pixel_um
    drop = np.maximum(NECK_UM, NECK_SHARE * distance_um)
    filled = np.asarray(
        reconstruction(distance_um - drop, distance_um),  # type: ignore[no-untyped-call]
        dtype=np.float32,
    )
    peaks = (distance_um - filled >= drop * 0.999) & (small > 0)
    count, markers = cv2.connectedComponents(peaks.astype(np.uint8), connectivity=8)
    if count <= 2:
        return [mask]
    zones = np.asarray(
        watershed(-distance_um, markers, mask=small > 0),  # type: ignore[no-untyped-call]
        dtype=np.int32,
    )[1:-1, 1:-1]
    full = np.repeat(np.repeat(zones, step, axis=0), step, axis=1)[:rows, :columns]
    parts = [mask & (full == label) for label in range(1, count)]
    return _with_leftovers(mask, [part for part in parts if part.any()])


def _with_leftovers(mask: NDArray[np.bool_], parts: list[NDArray[np.bool_]]) -> list[NDArray[np.bool_]]:
    """Give pixels that the coarse grid missed to the nearest part."""
    labels = np.zeros(mask.shape, dtype=np.uint8)
    for number, part in enumerate(parts, start=1):
        labels[part] = number
    missing = mask & (labels == 0)
    if missing.any():
        apart = [cv2.distanceTransform((~part).astype(np.uint8), cv2.DIST_L2, 5) for part in parts]
        nearest = np.argmin(np.stack(apart), axis=0) + 1
        labels[missing] = nearest[missing]
    return [labels == number for number in range(1, len(parts) + 1)]


def box_of(mask: NDArray[np.bool_], left: int, top: int) -> BoxPx:
    """Box around the true pixels of a crop whose first pixel lies at column `left`, row `top`."""
    columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    return BoxPx(
        left + int(columns[0]), top + int(rows[0]), left + int(columns[-1]) + 1, top + int(rows[-1]) + 1
    )
