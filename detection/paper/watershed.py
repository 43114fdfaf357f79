"""Background lines between markers, and the watershed of the paper's detector."""

from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.segmentation import watershed

EIGHT = np.ones((3, 3), dtype=np.uint8)
"""The 8 neighbours of a pixel."""
COARSE = 2
"""Factor by which pixels are larger in the first flood: the smallest that saves anything."""
BAND_PX = 9
"""Width of the band along its borders that is flooded again on the pixels themselves. Chosen by hand; the
tests of this module compare the result with a flood of all pixels."""
SMALLEST_COARSE_PX = 64
"""Smaller frames are flooded at once: it is quick, and bands would cover them. Chosen by hand."""
SMALLEST_RECURSED_PX = 512
"""Smaller coarse floods are not split again: they are quick enough. Chosen by hand."""
T = TypeVar("T", np.float32, np.int32)


def label_by_columns(mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Number the 8-connected regions of a mask from 1, in the order of their first pixel by columns.

    The order matters: merging of boxes in the paper's detector depends on it.
    """
    # This algorithm goes pixel by pixel, so that its numbers follow the first pixels; others go by blocks.
    _, labels = cv2.connectedComponentsWithAlgorithm(
        cv2.transpose(mask.astype(np.uint8)), 8, cv2.CV_32S, cv2.CCL_SAUF
    )
    return np.asarray(cv2.transpose(np.asarray(labels)), dtype=np.int32)


def background_lines(markers: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the lines half-way between markers: watershed lines of the distance to the nearest marker.

    That distance has no minima but the markers, so its basins are the zones of the nearest marker, which
    one distance transform gives at once.

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
    distance, nearest = cv2.distanceTransformWithLabels(
        (~markers).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    # It numbers the pixels of the markers; each of those belongs to a marker:
    of_pixel = np.zeros(int(nearest.max()) + 1, dtype=np.int32)
    of_pixel[nearest[markers]] = labels[markers]
    return _lines_between(of_pixel[nearest], np.asarray(distance), markers)


def marker_watershed(relief: NDArray[np.float32], markers: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Flood a relief from markers and leave a line of 0 between the floods of different ones.

    A flood on pixels twice as large goes first (of a large frame, again the same way); only a band along the
    borders of its regions is flooded on the pixels themselves. The relief of the paper's detector is smooth
    over much more than that.

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
    regions = _flooded(relief, sources, SMALLEST_COARSE_PX)
    regions[_lines_between(regions, relief, markers)] = 0
    return regions


def _flooded(relief: NDArray[np.float32], sources: NDArray[np.int32], least_px: int) -> NDArray[np.int32]:
    """Flood from coarse to fine if each side has at least `least_px`, else at once."""
    if min(relief.shape) < least_px:
        return np.asarray(watershed(relief, sources, connectivity=EIGHT))  # type: ignore[no-untyped-call]
    settled, open_ = _coarsely_flooded(relief, sources)
    flooded = watershed(relief, settled * open_, connectivity=EIGHT, mask=open_)  # type: ignore[no-untyped-call]
    return np.asarray(np.where(open_, flooded, settled), np.int32)


def _coarsely_flooded(
    relief: NDArray[np.float32], sources: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Return the regions that a coarse flood settles, 0 elsewhere, and a mask of the pixels to flood on."""
    rows, columns = relief.shape
    coarse = _flooded(_highest_of_blocks(relief), _highest_of_blocks(sources), SMALLEST_RECURSED_PX)
    regions = np.repeat(np.repeat(coarse, COARSE, axis=0), COARSE, axis=1)[:rows, :columns]
    band = np.ones((BAND_PX, BAND_PX), dtype=np.uint8)
    # Half the size of the numbers themselves, where they fit.
    values: NDArray[np.uint16] | NDArray[np.float32] = (
        regions.astype(np.uint16) if int(coarse.max()) < 2**16 else regions.astype(np.float32)
    )
    unsettled = np.asarray(cv2.dilate(values, band) != cv2.erode(values, band))
    settled = np.where(unsettled | (sources > 0), sources, regions)
    # The flood of the band starts from the settled pixels beside it.
    open_ = np.asarray(cv2.dilate(unsettled.view(np.uint8), EIGHT)) > 0
    return settled, open_


def _highest_of_blocks(values: NDArray[T]) -> NDArray[T]:
    """Shrink to blocks: a ridge one pixel wide must not be averaged away, or the flood leaks."""
    rows, columns = values.shape
    if rows % COARSE or columns % COARSE:
        values = np.pad(values, ((0, -rows % COARSE), (0, -columns % COARSE)), mode="edge")
    parts = [values[y::COARSE, x::COARSE] for y in range(COARSE) for x in range(COARSE)]
    return np.asarray(np.maximum.reduce(parts))


def _lines_between(
    zones: NDArray[np.int32], relief: NDArray[np.float32], markers: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return the higher of any two touching pixels of different zones, never a marker."""
    height = np.where(markers, np.float32(-np.inf), relief)
    lines = np.zeros(zones.shape, dtype=np.bool_)
    rows, columns = zones.shape
    for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
        here = slice(0, rows - down), slice(max(-right, 0), columns - max(right, 0))
        there = slice(down, rows), slice(max(right, 0), columns - max(-right, 0))
        border = zones[here] != zones[there]
        higher = height[there] > height[here]
        lines[there] |= border & higher
        lines[here] |= border & ~higher
    return lines & ~markers
