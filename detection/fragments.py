"""Neighbouring boxes that may be pieces of one cell, imaged as one.

A cell whose cytoplasm is thin or dim on one side comes as several hits with a gap that no threshold reaches.
The hits stay what they are; what is imaged is the box around them all.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from detection.image.boxes import BoxPx, union_fraction

CROWDED = 0.3
"""Share of the frame in boxes from which neighbours are other cells rather than pieces of one."""
WITHIN_UM = 1.5
"""Gap between pieces."""
ONE_CELL = 1.5
"""Size of what may be one cell, over the size usual in the frame: pieces make the usual size too small.
Of development cells of contrast above 1, .977 were imaged whole without this, .980 with 1.2, .984 with 1.5
and .985 with 1.7, which images more."""
MOST_ADDED = 0.3
"""Share of the box around pieces that lies in none of them: pieces of one cell leave little of it free."""
USUAL_PERCENTILE = 75
"""Of the larger sides of the boxes: most cuts miss the middle of a cell."""
SPECK_UM = 3.0
FEWEST = 4
USUAL_CELL_UM = 12.0
"""Where fewer boxes are larger than specks; HeLa cells are 10 to 17 um across."""
LEAST_USUAL_UM = 8.0

Sides = NDArray[np.int64]


def fragment_groups(boxes: Sequence[BoxPx], shape: tuple[int, int], pixel_size_um: float) -> list[list[int]]:
    """Group boxes that may be pieces of one cell.

    Parameters
    ----------
    boxes : sequence of BoxPx
        Of one frame, without a margin.
    shape : (int, int)
        Rows and columns of the frame.
    pixel_size_um : float

    Returns
    -------
    list of list of int
        Indices of the boxes of each group of two or more, each box in one group at most.
    """
    if len(boxes) < 2 or union_fraction(boxes, shape) > CROWDED:
        return []
    sides = np.array([box.as_tuple() for box in boxes], dtype=np.int64)
    most_px = ONE_CELL * _usual_px(sides, pixel_size_um)
    members = [[index] for index in range(len(boxes))]
    left = np.ones(len(boxes), dtype=np.bool_)
    index = 0
    while index < len(boxes):
        partner = _partner(sides, index, left, most_px, WITHIN_UM / pixel_size_um) if left[index] else None
        if partner is None:
            index += 1
            continue
        sides[index, :2] = np.minimum(sides[index, :2], sides[partner, :2])
        sides[index, 2:] = np.maximum(sides[index, 2:], sides[partner, 2:])
        members[index] += members[partner]
        left[partner] = False
    return [sorted(group) for group, is_left in zip(members, left, strict=True) if is_left and len(group) > 1]


def _usual_px(sides: Sides, pixel_size_um: float) -> float:
    size = sides[:, 2:] - sides[:, :2]
    cells = size.max(axis=1)[size.min(axis=1) * pixel_size_um >= SPECK_UM]
    if cells.size < FEWEST:
        return USUAL_CELL_UM / pixel_size_um
    return max(float(np.percentile(cells, USUAL_PERCENTILE)), LEAST_USUAL_UM / pixel_size_um)


def _partner(
    sides: Sides, index: int, left: NDArray[np.bool_], most_px: float, within_px: float
) -> int | None:
    """Which other box makes one cell with this one: the one that adds the least."""
    low = np.minimum(sides[:, :2], sides[index, :2])
    high = np.maximum(sides[:, 2:], sides[index, 2:])
    inner = np.minimum(sides[:, 2:], sides[index, 2:]) - np.maximum(sides[:, :2], sides[index, :2])
    whole = np.prod(high - low, axis=1)
    area = np.prod(sides[:, 2:] - sides[:, :2], axis=1)
    added = 1 - (area + area[index] - np.prod(np.maximum(inner, 0), axis=1)) / whole
    may = left & (added <= MOST_ADDED)
    may &= ((high - low).max(axis=1) <= most_px) & (inner.min(axis=1) >= -within_px)
    may[index] = False
    candidates = np.flatnonzero(may)
    return int(candidates[np.argmin(added[candidates])]) if candidates.size else None
