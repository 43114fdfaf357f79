"""Merging of boxes as the authors' program does it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from detection.image.boxes import BoxPx, around


@dataclass(frozen=True, slots=True)
class MergedBox:
    """Box after merging.

    Attributes
    ----------
    box : BoxPx
    index : int
        Index of the box that it grew from.
    merged : bool
        True if another box was merged into it.
    """

    box: BoxPx
    index: int
    merged: bool


def merge_boxes(boxes: Sequence[BoxPx], share: float) -> list[MergedBox]:
    """Merge boxes if one covers at least `share` of the other.

    Three habits of the authors' program are kept, because the boxes depend on them: areas count one pixel
    more in width and height, every comparison is between the original boxes, so that of several merged boxes
    only the last extends the result, and the order of the boxes decides which is merged into which.

    Parameters
    ----------
    boxes : sequence of BoxPx
        In the order of their regions, by columns.
    share : float
        0..1, of the area of either box.

    Returns
    -------
    list of MergedBox
        In the order of the boxes.
    """
    sides = np.array([box.as_tuple() for box in boxes], dtype=np.int64).reshape(-1, 4)
    x0, y0, x1, y1 = sides.T
    area = (x1 - x0 + 1) * (y1 - y0 + 1)
    active = np.ones(len(boxes), dtype=np.bool_)
    left = []
    for i, box in enumerate(boxes):
        if not active[i]:
            continue
        later = slice(i + 1, None)
        width = np.minimum(x1[i], x1[later]) - np.maximum(x0[i], x0[later]) + 1
        height = np.minimum(y1[i], y1[later]) - np.maximum(y0[i], y0[later]) + 1
        shared = np.maximum(width, 0) * np.maximum(height, 0)
        taken = active[later] & (shared >= share * np.minimum(area[i], area[later]))
        if not taken.any():
            left.append(MergedBox(box, i, merged=False))
            continue
        last = boxes[i + 1 + int(np.flatnonzero(taken)[-1])]
        active[later] &= ~taken
        left.append(MergedBox(around(box, last), i, merged=True))
    return left
