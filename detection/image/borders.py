"""Borders of zeros around a frame, as registration and cropping leave them."""

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from detection.image.hit_table import HitTable, table_of
from detection.image.hits import Hit
from detection.image.shapes import convexity

SOLID_PX = 5
"""Side of the smallest square of zeros in a border: zeros of dark noise are not solid. Chosen by
hand; not measured."""
SMALLEST_SHARE = 1e-3
"""Share of the frame below which zeros are no border. Chosen by hand; not measured."""
SMALLEST_INSIDE_PX = 16
"""Smallest side of the picture inside a border: that of a frame, `frames.SMALLEST_SIDE_PX`."""
MAX_FILLED = 2**21
"""Pixels of a border that are filled at a time: 16 MB for each array of indices."""
CONVEX_SHARE = 0.98
"""Convexity of the picture inside a border: a rectangle has 1, less the steps of a turned edge; a subtracted
background leaves no convex picture. Chosen by hand; not measured."""


def zero_border(pixels: NDArray[np.generic]) -> NDArray[np.bool_] | None:
    """Find a border of zeros that is solid, along the edges, with a convex picture inside.

    Parameters
    ----------
    pixels : (rows, columns) array of uint8 or uint16

    Returns
    -------
    (rows, columns) array of bool or None
        True in the border; None if there is none.
    """
    zero = np.asarray(pixels == 0)
    if not (zero[0].any() or zero[-1].any() or zero[:, 0].any() or zero[:, -1].any()):
        return None
    square = np.ones((SOLID_PX, SOLID_PX), dtype=np.uint8)
    solid = cv2.morphologyEx(
        zero.astype(np.uint8), cv2.MORPH_OPEN, square, borderType=cv2.BORDER_CONSTANT, borderValue=0
    )
    _, numbers = cv2.connectedComponents(np.asarray(solid), connectivity=4)
    labels = np.asarray(numbers, np.int32)
    at_edge = np.zeros(int(labels.max()) + 1, dtype=np.bool_)
    for edge in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        at_edge[edge] = True
    at_edge[0] = False
    solid_border = at_edge.take(labels) | _whole_lines(zero)
    if not solid_border.any():
        return None
    border = _with_tips(zero, solid_border)
    if border.mean() < SMALLEST_SHARE or not _is_convex(~border):
        return None
    # More zeros within than not: a dark picture, or a subtracted background.
    return border if np.mean(zero[~border]) < 0.5 else None


def _with_tips(zero: NDArray[np.bool_], border: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Add the zeros that touch the border: the thin ends of the wedges of a rotated frame."""
    _, numbers = cv2.connectedComponents(zero.astype(np.uint8), connectivity=4)
    labels = np.asarray(numbers, np.int32)
    hanging = np.zeros(int(labels.max()) + 1, dtype=np.bool_)
    hanging[labels[border]] = True
    hanging[0] = False
    grown = hanging.take(labels)
    return grown if _is_convex(~grown) else border


def _whole_lines(zero: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the rows and columns along the edges that are all zero: borders of any width."""
    border = np.zeros_like(zero)
    for lines, target in ((zero, border), (zero.T, border.T)):
        full: NDArray[np.bool_] = np.asarray(lines.all(axis=1))
        if not full.all():
            target[: int(np.argmin(full))] = True
            target[len(full) - int(np.argmin(full[::-1])) :] = True
    return border


def _is_convex(inside: NDArray[np.bool_]) -> bool:
    lines = (np.flatnonzero(inside.any(axis=axis)) for axis in (0, 1))
    if any(not line.size or line[-1] - line[0] + 1 < SMALLEST_INSIDE_PX for line in lines):
        return False
    return convexity(inside) >= CONVEX_SHARE


def fill_border(values: NDArray[np.float32], border: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Fill a border with the picture mirrored at its edge, so that background and noise continue.

    Parameters
    ----------
    values : (rows, columns) array of float32
    border : (rows, columns) array of bool
        Not all true.
    """
    rows, columns = values.shape
    labels = cv2.distanceTransformWithLabels(
        border.astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )[1].ravel()
    # The nearest pixels touch the border: the rest of the picture need not be looked up.
    beside = np.asarray(cv2.dilate(border.astype(np.uint8), np.ones((3, 3), dtype=np.uint8))) > 0
    rim = np.flatnonzero(beside & ~border)
    place = np.zeros(int(labels.max()) + 1, dtype=np.int32)
    place[labels[rim]] = rim
    outside = np.flatnonzero(border)
    result = values.copy()
    for first in range(0, outside.size, MAX_FILLED):
        some = outside[first : first + MAX_FILLED]
        near_row, near_column = np.divmod(place[labels[some]], columns)
        row, column = np.divmod(some, columns)
        row, column = 2 * near_row - row, 2 * near_column - column
        lost = (row < 0) | (row >= rows) | (column < 0) | (column >= columns)
        row, column = np.where(lost, near_row, row), np.where(lost, near_column, column)
        lost = border[row, column]
        row, column = np.where(lost, near_row, row), np.where(lost, near_column, column)
        result.ravel()[some] = values[row, column]
    return result


def clip_to_border(hits: Sequence[Hit], border: NDArray[np.bool_]) -> HitTable:
    """Clip hits to the border; those that lie all within it are mirror images and are dropped."""
    table = table_of(hits)
    sums = np.asarray(cv2.integral(border.astype(np.uint8)))
    x0, y0, x1, y1 = table.boxes.T
    touched = sums[y1, x1] - sums[y0, x1] - sums[y1, x0] + sums[y0, x0] > 0
    boxes, seen_at_all = table.boxes.copy(), np.ones(len(table), np.bool_)
    for number in np.flatnonzero(touched).tolist():
        left, top, right, bottom = table.boxes[number].tolist()
        seen = ~border[top:bottom, left:right]
        rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
        if rows.size:
            boxes[number] = left + columns[0], top + rows[0], left + columns[-1] + 1, top + rows[-1] + 1
        else:
            seen_at_all[number] = False
    # What is known only as its box stays so.
    outers = np.where(table.has_outer[:, None], table.outers, boxes)
    return replace(table, boxes=boxes, outers=outers).chosen(seen_at_all)
