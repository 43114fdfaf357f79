"""Splitting of touching cells by the h-maxima of the distance to their edge."""

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.morphology import reconstruction
from skimage.segmentation import watershed

from detection.image.shapes import convexity
from detection.recall_first.settings import RECALL_FIRST, SplittingSettings


def split_touching(
    mask: NDArray[np.bool_], pixel_um: float, settings: SplittingSettings = RECALL_FIRST.splitting
) -> list[NDArray[np.bool_]]:
    """Split a region where it has a neck.

    The neck must be narrower than the parts on both sides: half its width lies below the largest distance
    to the edge in either part by at least 0.75 um and a fifth of that distance (the default settings).

    Parameters
    ----------
    mask : (rows, columns) array of bool
        One connected region.
    pixel_um : float
        Best about 0.4 um: finer costs time and finds no more.
    settings : SplittingSettings

    Returns
    -------
    list of (rows, columns) array of bool
        Parts that cover the region without overlap.
    """
    rows, columns = mask.shape
    if min(rows, columns) * pixel_um < settings.smallest_um or convexity(mask) >= settings.convex_share:
        return [mask]
    # An empty margin, so that the edge of the crop is an edge of the region too.
    small = np.pad(mask.astype(np.uint8), 1)
    distance_um = np.asarray(cv2.distanceTransform(small, cv2.DIST_L2, 5), dtype=np.float32) * pixel_um
    drop = np.maximum(settings.neck_um, settings.neck_share * distance_um)
    filled = np.asarray(
        reconstruction(distance_um - drop, distance_um),  # type: ignore[no-untyped-call]
        dtype=np.float32,
    )
    peaks = (distance_um - filled >= drop * 0.999) & (small > 0)
    count, markers = cv2.connectedComponents(peaks.astype(np.uint8), connectivity=8)
    if count <= 2:
        return [mask]
    zones = np.asarray(
        watershed(-distance_um, markers, mask=small > 0, connectivity=2),  # type: ignore[no-untyped-call]
        dtype=np.int32,
    )[1:-1, 1:-1]
    return [zones == label for label in range(1, count)]


def rejoin_fragments(parts: list[NDArray[np.bool_]], cell_px: float) -> list[NDArray[np.bool_]]:
    """Rejoin parts that fit into one cell: arcs of a ring, lobes of a ragged outline.

    Parameters
    ----------
    parts : list of (rows, columns) array of bool
    cell_px : float
        Expected size of a cell, px.
    """
    parts = list(parts)
    boxes = [cv2.boundingRect(part.astype(np.uint8)) for part in parts]
    i = 0
    while i < len(parts):
        for j in range(i + 1, len(parts)):
            left, top = min(boxes[i][0], boxes[j][0]), min(boxes[i][1], boxes[j][1])
            right = max(boxes[i][0] + boxes[i][2], boxes[j][0] + boxes[j][2])
            bottom = max(boxes[i][1] + boxes[i][3], boxes[j][1] + boxes[j][3])
            if max(right - left, bottom - top) <= cell_px:
                parts[i] = parts[i] | parts.pop(j)
                boxes[i] = (left, top, right - left, bottom - top)
                boxes.pop(j)
                i = -1
                break
        i += 1
    return parts
