"""What is fixed in the camera and not in the specimen: it stays where it is while the cells move."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from detection.boxes import BoxPx
from detection.rigid import Oval, Rigid, box_around, oval_of
from detection.tracks import Place

REASON = "not imaged: fixed in the camera"
SAME_PLACE = 0.5
SAME_CELL = 0.25
FEWEST_VOTES = 2
VOTED_SHARE = 0.6
FAR = 0.75
"""Of the diameter: what has moved less is at the same place either way."""
BRIGHTER = 1.3


@dataclass(frozen=True)
class Evidence:
    """What a section says about what is fixed.

    Attributes
    ----------
    place : Place
    boxes : tuple of BoxPx
        Detections of this section alone, without a margin.
    residual : (rows, columns) array of float32
        Its frame without background.
    pixel_size_um : float
    """

    place: Place
    boxes: tuple[BoxPx, ...]
    residual: NDArray[np.float32]
    pixel_size_um: float

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.residual.shape[0], self.residual.shape[1]

    @cached_property
    def sides(self) -> NDArray[np.int64]:
        """``x0, y0, x1, y1`` of the boxes, (4, N), px."""
        return np.array([box.as_tuple() for box in self.boxes], dtype=np.int64).reshape(-1, 4).T


def fixed_boxes(own: Evidence, others: Sequence[Evidence]) -> tuple[BoxPx, ...]:
    """Find the detections of a section that are fixed in the camera.

    A detection is one if most of the sections whose ground has moved under it show the same detection at the
    same pixels, two of them at least. It is none if any of them shows something where the specimen has moved
    it, or if it is clearly brighter than in the others: then a cell may lie there as well, and is imaged.

    Parameters
    ----------
    own : Evidence
    others : sequence of Evidence
        Those of its chain and of the same kind of frame count.

    Returns
    -------
    tuple of BoxPx
    """
    comparable = [
        other
        for other in others
        if other.place.chain == own.place.chain
        and other.place.index != own.place.index
        and (other.shape, other.pixel_size_um) == (own.shape, own.pixel_size_um)
    ]
    return tuple(box for box in own.boxes if _is_fixed(box, own, comparable))


def _is_fixed(box: BoxPx, own: Evidence, others: Sequence[Evidence]) -> bool:
    oval = oval_of(box, own.shape, own.pixel_size_um)
    moved_away, votes, levels = 0, 0, []
    for other in others:
        motion = own.place.onto(other.place)
        there = oval.moved(motion)
        if not _apart(oval, motion):
            continue
        moved_away += 1
        if _met(box, other, SAME_PLACE):
            votes += 1
            levels.append(float(other.residual[box.slices].mean()))
        moved_box = box_around(there, own.shape, own.pixel_size_um)
        if moved_box is not None and _met(moved_box, other, SAME_CELL):
            return False
    if votes < FEWEST_VOTES or votes < VOTED_SHARE * moved_away:
        return False
    return float(own.residual[box.slices].mean()) <= BRIGHTER * float(np.median(levels))


def _met(box: BoxPx, other: Evidence, least_iou: float) -> bool:
    """Whether a section has a detection that overlaps a box so much."""
    x0, y0, x1, y1 = other.sides
    width = np.minimum(box.x1, x1) - np.maximum(box.x0, x0)
    height = np.minimum(box.y1, y1) - np.maximum(box.y0, y0)
    shared = np.maximum(width, 0) * np.maximum(height, 0)
    union = (x1 - x0) * (y1 - y0) + box.area_px - shared
    return bool((shared >= least_iou * union).any())


def _apart(oval: Oval, motion: Rigid) -> bool:
    """Whether a motion takes an ellipse off its own place."""
    moved = motion.apply(np.array([oval.center_um]))[0] - oval.center_um
    return bool((np.abs(moved) > 2 * FAR * np.array(oval.half_um)).any())
