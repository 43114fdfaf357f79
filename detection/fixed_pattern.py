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

    @cached_property
    def ovals(self) -> tuple[Oval, ...]:
        """The ellipses in the boxes."""
        return tuple(oval_of(box, self.shape, self.pixel_size_um) for box in self.boxes)


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
    if not own.boxes or len(comparable) < FEWEST_VOTES:
        return ()
    moved_away = np.zeros(len(own.boxes), dtype=np.int64)
    votes = np.zeros(len(own.boxes), dtype=np.int64)
    seen_moved = np.zeros(len(own.boxes), dtype=np.bool_)
    levels: list[list[float]] = [[] for _ in own.boxes]
    for other in comparable:
        motion = own.place.onto(other.place)
        apart = _apart(own, motion)
        moved_away += apart
        same = apart & _met(own.sides, other.sides, SAME_PLACE)
        votes += same
        for n in np.flatnonzero(same):
            levels[n].append(float(other.residual[own.boxes[n].slices].mean()))
        seen_moved |= apart & _met(_moved_sides(own, motion), other.sides, SAME_CELL)
    fixed = ~seen_moved & (votes >= FEWEST_VOTES) & (votes >= VOTED_SHARE * moved_away)
    return tuple(
        own.boxes[n]
        for n in np.flatnonzero(fixed)
        if float(own.residual[own.boxes[n].slices].mean()) <= BRIGHTER * float(np.median(levels[n]))
    )


def _met(boxes: NDArray[np.int64], others: NDArray[np.int64], least_iou: float) -> NDArray[np.bool_]:
    """Whether any of the others overlaps a box so much, (N,); boxes as `Evidence.sides`."""
    x0, y0, x1, y1 = boxes[:, :, None]
    u0, v0, u1, v1 = others[:, None, :]
    width = np.maximum(np.minimum(x1, u1) - np.maximum(x0, u0), 0)
    height = np.maximum(np.minimum(y1, v1) - np.maximum(y0, v0), 0)
    shared = width * height
    union = (x1 - x0) * (y1 - y0) + (u1 - u0) * (v1 - v0) - shared
    return np.asarray(((shared > 0) & (shared >= least_iou * union)).any(axis=1))


def _moved_sides(own: Evidence, motion: Rigid) -> NDArray[np.int64]:
    """Boxes after a motion; what leaves the frame has no pixels."""
    result = np.zeros((4, len(own.boxes)), dtype=np.int64)
    for n, oval in enumerate(own.ovals):
        box = box_around(oval.moved(motion), own.shape, own.pixel_size_um)
        if box is not None:
            result[:, n] = box.as_tuple()
    return result


def _apart(own: Evidence, motion: Rigid) -> NDArray[np.bool_]:
    """Whether a motion takes each ellipse off its own place."""
    centers = np.array([oval.center_um for oval in own.ovals])
    half = np.array([oval.half_um for oval in own.ovals])
    return np.asarray((np.abs(motion.apply(centers) - centers) > 2 * FAR * half).any(axis=1))
