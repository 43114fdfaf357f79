"""Cells of a session under another policy, as records to store; equal to `under_policy` of each."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from config.work import DetectionConfig
from detection.image.hits import Decision
from drivers.pose import grown_rect
from service import wording_cells
from service.model.review import FoundCells, Revised
from service.planning.review.many_cells import Floats, ManyCells
from service.planning.review.margins import Ground

Indices = NDArray[np.intp]

_NOTHING = (0.0, 0.0, 0.0, 0.0)
_ONE_PX = ((1.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0), (0.0, 0.0, 0.0, 1.0))
"""Growth of each side by a pixel."""


def revised(
    found: FoundCells,
    ground_of: Callable[[str, str], Ground],
    old: DetectionConfig,
    new: DetectionConfig,
    by: str,
) -> list[Revised]:
    """Return what another policy changes of cells as found.

    Parameters
    ----------
    found : FoundCells
    ground_of : callable
        Returns the ground of a section and a field.
    old, new : DetectionConfig
        That of the configuration, and the one to put in force.
    by : str
        Name for the reasons.

    Returns
    -------
    list of Revised
        One for each cell that is neither fixed nor imaged exactly as found.
    """
    many = ManyCells.of(found, ground_of)
    moves = many.moves(old, new)
    free = ~np.array(found.fixed, dtype=bool)
    which = np.flatnonzero(free & (moves.outwards_px.any(axis=1) | moves.dropped | moves.revived))
    outwards_px, revived, of_cell = moves.outwards_px[which], moves.revived[which], many.of_cell[which]
    boxes, rects = _of(found.boxes_px, which), _of(found.rects_m, which)
    shown_px = np.where(revived[:, None], boxes, _of(found.images_px, which))
    shown_m = np.where(revived[:, None], rects, _of(found.images_m, which))
    images_px = _grown_px(shown_px, outwards_px, many.grounds, of_cell)
    images_m = _hull(_grown_m(shown_m, outwards_px, many.grounds, of_cell), rects)
    return [
        _revised(found, *values, new, by)
        for values in zip(
            which.tolist(),
            moves.dropped[which].tolist(),
            revived.tolist(),
            images_px.astype(np.int64).tolist(),
            images_m.tolist(),
            strict=True,
        )
    ]


def _revised(
    found: FoundCells,
    n: int,
    is_dropped: bool,
    is_revived: bool,
    box_px: list[int],
    rect_m: list[float],
    policy: DetectionConfig,
    by: str,
) -> Revised:
    cell, confidence = found.ids[n], found.confidence[n]
    if is_dropped:
        said = wording_cells.below_floor_of(confidence, policy.min_confidence, by)
        return Revised(cell, None, None, said, Decision.BELOW_FLOOR.value)
    if is_revived:
        said = wording_cells.above_floor_of(confidence, policy.min_confidence, by)
        decision = Decision.DOUBTFUL if confidence < policy.doubtful_below else Decision.KEPT
        return Revised(cell, box_px, rect_m, said, decision.value)
    return Revised(cell, box_px, rect_m, wording_cells.margins_of(found.reasons[n], by), found.decisions[n])


def _grown_px(boxes: Floats, outwards_px: Floats, grounds: Sequence[Ground], of_cell: Indices) -> Floats:
    sizes = np.array([ground.frame.size_px for ground in grounds], dtype=np.float64).reshape(-1, 2)[of_cell]
    low = np.maximum(0.0, boxes[:, :2] - outwards_px[:, :2])
    return np.hstack([low, np.minimum(sizes, boxes[:, 2:] + outwards_px[:, 2:])])


def _grown_m(rects: Floats, outwards_px: Floats, grounds: Sequence[Ground], of_cell: Indices) -> Floats:
    """Grow rectangles on the stage, inside the saved ground."""
    by_side = np.array(
        [[grown_rect(ground.frame.pose, _NOTHING, side) for side in _ONE_PX] for ground in grounds]
    ).reshape(-1, 4, 4)[of_cell]
    # No matrix product, which may round otherwise than `grown_rect`.
    grown = rects + (outwards_px[:, :, None] * by_side).sum(axis=1)
    whole = np.array([ground.whole_m for ground in grounds], dtype=np.float64).reshape(-1, 4)[of_cell]
    inside = np.hstack([np.maximum(grown[:, :2], whole[:, :2]), np.minimum(grown[:, 2:], whole[:, 2:])])
    saved = (inside[:, :2] < inside[:, 2:]).all(axis=1, keepdims=True)
    return np.where(saved, inside, grown)


def _hull(one: Floats, other: Floats) -> Floats:
    low, high = np.minimum(one[:, :2], other[:, :2]), np.maximum(one[:, 2:], other[:, 2:])
    return np.hstack([low, high])


def _of(values: Sequence[Sequence[float]], which: Indices) -> Floats:
    return np.array(values, dtype=np.float64).reshape(-1, 4)[which]
