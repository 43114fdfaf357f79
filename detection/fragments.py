"""Neighbouring boxes that may be fragments of one cell, imaged as one.

A cell whose cytoplasm is thin or dim on one side gives several hits with a gap below any threshold. The hits
stay as they are; the box around them all is imaged. Hits with an outer box need none of this: joining those
of the network as well cut no fewer cells of development frames, and imaged .02 more of their area.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from detection.image.boxes import BoxPx, union_fraction

CROWDED = 0.3
"""Share of the frame in boxes from which neighbours are other cells rather than fragments of one. Chosen
by hand. Sweep: x 0.7 whole -.009, area -.03; x 1.4 little. See `detection.recall_first.settings` for
the sweep."""
MAX_GAP_UM = 1.5
"""Largest gap between fragments. Chosen by hand. Sweep: x 0.7 and x 1.4 change little."""
MAX_CELL_SIZE = 1.5
"""Largest size of one cell, over the size usual in the frame: fragments make the usual size too small. Of
development cells of contrast above 1, .977 were imaged whole without this, .980 with 1.2, .984 with 1.5
and .985 with 1.7, which images more. Sweep: x 0.7 whole -.009, area -.03; x 1.4 area +.06."""
MAX_ADDED = 0.3
"""Largest share of the box around fragments that lies in none of them: fragments of one cell leave little
of it free. Chosen by hand. Sweep: x 0.7 whole -.009, area -.02; x 1.4 area +.04."""
USUAL_PERCENTILE = 75
"""Percentile of the larger sides of the boxes: most cuts miss the middle of a cell; see
`RegionSettings.usual_percentile`. Sweep: x 0.7 whole -.009, area -.03; x 1.4 area +.06."""
SPECK_UM = 3.0
"""Boxes narrower than this say nothing of the usual size: `RegionSettings.punctum_um`. Sweep: x 0.7 and x
1.4 change little."""
MIN_BOXES = 4
"""Boxes from which on they give the usual size; `RegionSettings.min_clear_cells`. Sweep: x 0.7 and x 1.4
change little."""
DEFAULT_CELL_UM = 12.0
"""Size of a cell in frames with fewer; HeLa cells are 10 to 17 um across. Sweep: x 0.7 and x 1.4 change
little."""
MIN_USUAL_UM = 8.0
"""The usual size is never less; `RegionSettings.min_usual_um`. Sweep: x 0.7 and x 1.4 change little."""

Sides = NDArray[np.int64]
"""(boxes, 4): x0, y0, x1, y1 of each box, px."""


def fragment_groups(boxes: Sequence[BoxPx], shape: tuple[int, int], pixel_size_um: float) -> list[list[int]]:
    """Group boxes that may be fragments of one cell.

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
    most_px = MAX_CELL_SIZE * _usual_px(sides, pixel_size_um)
    members = [[index] for index in range(len(boxes))]
    left = np.ones(len(boxes), dtype=np.bool_)
    index = 0
    while index < len(boxes):
        partner = _partner(sides, index, left, most_px, MAX_GAP_UM / pixel_size_um) if left[index] else None
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
    if cells.size < MIN_BOXES:
        return DEFAULT_CELL_UM / pixel_size_um
    return max(float(np.percentile(cells, USUAL_PERCENTILE)), MIN_USUAL_UM / pixel_size_um)


def _partner(
    sides: Sides, index: int, left: NDArray[np.bool_], most_px: float, within_px: float
) -> int | None:
    """Return the other box that may be of the same cell and adds the least area, or None."""
    low = np.minimum(sides[:, :2], sides[index, :2])
    high = np.maximum(sides[:, 2:], sides[index, 2:])
    inner = np.minimum(sides[:, 2:], sides[index, 2:]) - np.maximum(sides[:, :2], sides[index, :2])
    whole = np.prod(high - low, axis=1)
    area = np.prod(sides[:, 2:] - sides[:, :2], axis=1)
    added = 1 - (area + area[index] - np.prod(np.maximum(inner, 0), axis=1)) / whole
    may = left & (added <= MAX_ADDED)
    may &= ((high - low).max(axis=1) <= most_px) & (inner.min(axis=1) >= -within_px)
    may[index] = False
    candidates = np.flatnonzero(may)
    return int(candidates[np.argmin(added[candidates])]) if candidates.size else None
