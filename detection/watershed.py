"""Background lines between markers, and the watershed of the paper's detector."""

import heapq

import cv2
import numpy as np
import scipy.ndimage as ndi
from numpy.typing import NDArray
from skimage.segmentation import watershed

EIGHT = np.ones((3, 3), dtype=np.uint8)
LINE_BAND_PX, REGION_BAND_PX = 3, 5
"""Width of the band that is flooded again: a gradient is rougher than a distance and needs more room."""
LINE = -1
UNSET = 0


def label_by_columns(mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Number the 8-connected regions of a mask from 1, in the order of their first pixel by columns.

    The order matters: merging of boxes in the paper's detector depends on it.
    """
    labels, _ = ndi.label(mask.T, structure=EIGHT)
    return np.ascontiguousarray(labels.T, dtype=np.int32)


def background_lines(markers: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Lines half-way between markers: the watershed lines of the distance to the nearest marker.

    That distance has no minima but the markers, so its basins are the zones of the nearest marker, which
    one distance transform gives at once; only the line between them is flooded.

    Parameters
    ----------
    markers : (rows, columns) array of bool

    Returns
    -------
    (rows, columns) array of bool
        Lines one pixel wide that separate the zones (8-connected); nothing for fewer than two markers.
    """
    labels = label_by_columns(markers)
    if labels.max() < 2:
        return np.zeros_like(markers)
    distance, (rows, columns) = ndi.distance_transform_edt(~markers, return_indices=True)
    zones = _with_lines(distance.astype(np.float32), markers, labels[rows, columns], LINE_BAND_PX)
    return np.asarray(zones == 0)


def marker_watershed(relief: NDArray[np.float32], markers: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Flood a relief from markers and leave a line, 0, between what comes from different ones.

    A fast flood without lines goes first; only a band along the borders of its regions is flooded again,
    with lines (Meyer, 'Topographic distance and watershed lines', Signal Processing 38 (1994) 113).

    Parameters
    ----------
    relief : (rows, columns) array of float32
    markers : (rows, columns) array of bool
        Each 8-connected region of it is one source.

    Returns
    -------
    (rows, columns) array of int32
        Regions numbered from 1 by columns, 0 on the lines; all 0 without markers.
    """
    sources = label_by_columns(markers)
    if not markers.any():
        return sources
    regions = np.asarray(watershed(relief, sources, connectivity=EIGHT))  # type: ignore[no-untyped-call]
    return _with_lines(relief, markers, regions, REGION_BAND_PX)


def _with_lines(
    relief: NDArray[np.float32], markers: NDArray[np.bool_], regions: NDArray[np.int32], band_px: int
) -> NDArray[np.int32]:
    """Flood a band along the borders of regions again, so that a line parts them."""
    band = np.ones((band_px, band_px), dtype=np.uint8)
    values = regions.astype(np.float32)
    lowest = np.asarray(cv2.erode(values, band, borderType=cv2.BORDER_REPLICATE))
    highest = np.asarray(cv2.dilate(values, band, borderType=cv2.BORDER_REPLICATE))
    settled = (lowest == highest) | markers
    return _flood(relief, np.where(settled, regions, UNSET).astype(np.int32))


def _flood(relief: NDArray[np.float32], labels: NDArray[np.int32]) -> NDArray[np.int32]:
    """Give every unset pixel the label that reaches it first; where two meet it is a line, returned as 0."""
    stride = labels.shape[1] + 2
    # A frame of line pixels spares a test for the edges; plain lists are faster than arrays by single item.
    place = np.pad(labels, 1, constant_values=LINE)
    touching = np.asarray(cv2.dilate((place > 0).astype(np.uint8), EIGHT)).astype(np.bool_)
    start = np.flatnonzero((place == UNSET) & touching).tolist()
    label: list[int] = place.ravel().tolist()
    height: list[float] = np.pad(relief, 1).ravel().tolist()
    around = (-stride - 1, -1, stride - 1, -stride, stride, -stride + 1, 1, stride + 1)
    queued = set(start)
    heap = [(height[pixel], age, pixel) for age, pixel in enumerate(start)]
    heapq.heapify(heap)
    age = len(start)
    while heap:
        level, _, pixel = heapq.heappop(heap)
        found = {label[pixel + step] for step in around} - {UNSET, LINE}
        if len(found) != 1:
            label[pixel] = LINE
            continue
        label[pixel] = found.pop()
        for step in around:
            other = pixel + step
            if label[other] == UNSET and other not in queued:
                queued.add(other)
                heapq.heappush(heap, (max(level, height[other]), age, other))
                age += 1
    flooded = np.array(label, dtype=np.int32).reshape(place.shape)[1:-1, 1:-1]
    return np.maximum(flooded, 0)
