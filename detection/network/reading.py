"""Hits from the output of the network."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from detection.image.boxes import union_of
from detection.image.overlaps import areas, overlapping, overlapping_each_other
from detection.network.graph import FINER, SIDES
from detection.network.settings import (
    LEAST_VOTE,
    PLACE_PX,
    QUANTILES,
    READING,
    SIDE_UNIT_PX,
    ReadingSettings,
)
from detection.votes import Votes

Floats = NDArray[np.float32]
_BEFORE = np.array([[1, 1, 1], [1, 0, 0], [0, 0, 0]], np.uint8)
"""Neighbours of a place that come before it in reading order."""
_AFTER = np.ascontiguousarray(_BEFORE[::-1, ::-1])


@dataclass(frozen=True, slots=True)
class Reading:
    """Hits in the working grid, the best first.

    Attributes
    ----------
    boxes, outer : (hits, 4) array of float32
        x0, y0, x1, y1, px of the working grid: the most likely sides, and those that a cell exceeds on two of
        a hundred sides.
    score : (hits,) array of float32
        Highest score of the places of a hit, 0..1.
    """

    boxes: Floats
    outer: Floats
    score: Floats


def scores_of(found: Floats) -> Floats:
    """Return the score of each place, 0..1.

    Parameters
    ----------
    found : (outputs, rows, columns) array of float32
        Output of the network for one frame.

    Returns
    -------
    (FINER * rows, FINER * columns) array of float32
    """
    rows, columns = found.shape[1:]
    logits = found[: FINER**2].reshape(FINER, FINER, rows, columns).transpose(2, 0, 3, 1)
    # Below -80 it is 0, and its exponential would overflow.
    odds_against = np.exp(-np.maximum(logits, np.float32(-80)))
    return np.asarray(1 / (1 + odds_against), dtype=np.float32).reshape(FINER * rows, FINER * columns)


def read_hits(
    found: Floats, score: Floats, shape: tuple[int, int], stretch: float, settings: ReadingSettings = READING
) -> Reading:
    """Read hits: the best boxes first, each with what the others of its cell say.

    Every place that may lie in a cell has a box of its own. The best boxes are kept, one for each cell, as
    the average of the boxes that are alike. What no kept box covers makes hits of its own, or makes the outer
    box of a hit that it resembles larger, so that no place is lost.

    Parameters
    ----------
    found : (outputs, rows, columns) array of float32
    score : (places down, places across) array of float32
        See `scores_of`.
    shape : (int, int)
        Rows and columns of the working grid without its padding.
    stretch : float
        Factor on the spread of the sides; see `Calibration`.
    settings : ReadingSettings
    """
    down, across = (-(-side // PLACE_PX) for side in shape)
    within = np.ascontiguousarray(score[:down, :across])
    at = np.flatnonzero(within >= settings.least_score)
    if not len(at):
        return _none()
    rows, columns = _divided(at, across)
    chance = within.ravel().take(at)
    boxes = _boxes_of(found, rows, columns, shape)
    number = np.zeros(within.size, np.intp)
    number[at] = np.arange(len(at))
    # The quality of the places that are left, 0 elsewhere.
    left = np.zeros((down, across), np.float32)
    left.ravel()[at] = chance * _middleness(boxes, rows, columns)
    kept = _none()
    for _ in range(settings.most_rounds):
        at = np.flatnonzero(_peaks(left))
        if not len(at):
            break
        quality = left.ravel().take(at)
        left.ravel()[at] = 0
        order = np.argsort(-quality, kind="stable")
        peaks, quality = number.take(at.take(order)), quality.take(order)
        own = boxes[peaks]
        outer = _outer_of(found, rows.take(peaks), columns.take(peaks), shape, stretch)
        found_now = _averaged(_groups(own, settings), quality, own, outer, chance.take(peaks))
        kept = _more(kept, found_now, settings)
        _cover(left, found_now.boxes, shape)
    return kept


def read_votes(found: Floats, score: Floats, shape: tuple[int, int], shrink: int) -> Votes:
    """Read the votes of the places that may lie in cells; parameters as of `read_hits`.

    Parameters
    ----------
    found : (outputs, rows, columns) array of float32
    score : (places down, places across) array of float32
    shape : (int, int)
    shrink : int
        Pixels of the frame along each side of one of the working grid.
    """
    down, across = (-(-side // PLACE_PX) for side in shape)
    rows, columns = np.nonzero(score[:down, :across] >= LEAST_VOTE)
    scale = np.float32(shrink)
    middles = (np.stack([columns, rows], axis=1).astype(np.float32) + np.float32(0.5)) * (PLACE_PX * scale)
    boxes = _boxes_of(found, rows, columns, shape) * scale
    return Votes(middles, boxes, score[rows, columns], float(PLACE_PX * shrink))


def _more(kept: Reading, found: Reading, settings: ReadingSettings) -> Reading:
    """Add hits to those that were kept before; one of the same cell makes the outer box larger instead."""
    if not len(kept.boxes):
        return found
    first, second, inner = overlapping(kept.boxes, found.boxes, settings.same_overlap)
    alike = inner >= settings.same_overlap * (areas(kept.boxes)[first] + areas(found.boxes)[second] - inner)
    best = np.full(len(found.boxes), len(kept.boxes), np.intp)
    np.minimum.at(best, second[alike], first[alike])
    outer = kept.outer.copy()
    new = best == len(kept.boxes)
    own = best[~new]
    np.minimum.at(outer[:, :2], own, found.outer[~new, :2])
    np.maximum.at(outer[:, 2:], own, found.outer[~new, 2:])
    return Reading(
        np.concatenate([kept.boxes, found.boxes[new]]),
        np.concatenate([outer, found.outer[new]]),
        np.concatenate([kept.score, found.score[new]]),
    )


def _averaged(
    group: NDArray[np.intp], weight: Floats, boxes: Floats, outer: Floats, chance: Floats
) -> Reading:
    """Average the boxes of each group by weight; its score is the highest of it."""
    total = np.bincount(group, weight)
    means = [np.bincount(group, weight * side) / total for side in (*boxes.T, *outer.T)]
    highest = np.zeros(len(total), np.float32)
    np.maximum.at(highest, group, chance)
    sides = np.asarray(means, dtype=np.float32)
    return Reading(sides[:4].T, sides[4:].T, highest)


def _none() -> Reading:
    nothing = np.zeros((0, 4), np.float32)
    return Reading(nothing, nothing, np.zeros(0, np.float32))


def _boxes_of(
    found: Floats, rows: NDArray[np.intp], columns: NDArray[np.intp], shape: tuple[int, int]
) -> Floats:
    """Return the box of each place by its most likely sides, within the frame."""
    return _around(_steps(found, rows, columns, slice(0, 1))[:, 0], rows, columns, shape)


def _outer_of(
    found: Floats, rows: NDArray[np.intp], columns: NDArray[np.intp], shape: tuple[int, int], stretch: float
) -> Floats:
    """Return the box of each place by its largest sides, within the frame."""
    steps = _steps(found, rows, columns, slice(None))
    far = steps[:, 0] + steps[:, 1:].sum(axis=1) * np.float32(stretch)
    return _around(far, rows, columns, shape)


def _steps(found: Floats, rows: NDArray[np.intp], columns: NDArray[np.intp], quantiles: slice) -> Floats:
    """Return how much further than the quantile before it each quantile of a side is, px.

    Returns
    -------
    (SIDES, quantiles, places) array of float32
    """
    height, width = found.shape[1:]
    (row, fine_row), (column, fine_column) = _divided(rows, FINER), _divided(columns, FINER)
    at = ((fine_row * FINER + fine_column) * height + row) * width + column
    sides = found[FINER**2 :].reshape(SIDES, len(QUANTILES), FINER**2 * height * width)
    raw = sides[:, quantiles].take(at, axis=2)
    # Softplus, which the sum of positive steps is made of.
    steps: Floats = np.abs(raw)
    np.negative(steps, out=steps)
    np.exp(steps, out=steps)
    steps += 1
    np.log(steps, out=steps)
    steps += np.maximum(raw, 0, out=raw)
    steps *= np.float32(SIDE_UNIT_PX)
    return steps


def _divided(numbers: NDArray[np.intp], by: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return `numpy.divmod`, in a third of its time."""
    whole = numbers // by
    return whole, numbers - whole * by


def _around(far: Floats, rows: NDArray[np.intp], columns: NDArray[np.intp], shape: tuple[int, int]) -> Floats:
    """Return the boxes whose sides lie so far from the middle of each place, within the frame."""
    x, y = (np.asarray((at + 0.5) * PLACE_PX, np.float32) for at in (columns, rows))
    limits = np.array([shape[1], shape[0], shape[1], shape[0]], np.float32)[:, None]
    left, top, right, bottom = far
    at = np.stack([x - left, y - top, x + right, y + bottom])
    np.minimum(np.maximum(at, 0, out=at), limits, out=at)
    return at.T


def _middleness(boxes: Floats, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Floats:
    """Return 1 for a place in the middle of its box, less towards its sides (FCOS, Tian et al. 2019)."""
    x, y = (columns + 0.5) * PLACE_PX, (rows + 0.5) * PLACE_PX
    left, right = np.maximum(x - boxes[:, 0], 0.1), np.maximum(boxes[:, 2] - x, 0.1)
    top, bottom = np.maximum(y - boxes[:, 1], 0.1), np.maximum(boxes[:, 3] - y, 0.1)
    share = np.minimum(left, right) / np.maximum(left, right)
    share *= np.minimum(top, bottom) / np.maximum(top, bottom)
    return np.asarray(np.sqrt(share), dtype=np.float32)


def _peaks(quality: Floats) -> NDArray[np.bool_]:
    """Return the places above 0 that no neighbour (3 x 3) exceeds; of equals the first in reading order."""
    before = np.asarray(cv2.dilate(quality, _BEFORE, borderType=cv2.BORDER_CONSTANT, borderValue=0))
    after = np.asarray(cv2.dilate(quality, _AFTER, borderType=cv2.BORDER_CONSTANT, borderValue=0))
    return np.asarray((quality > before) & (quality >= after) & (quality > 0))


def _groups(boxes: Floats, settings: ReadingSettings) -> NDArray[np.intp]:
    """Return the group of each box, those of one cell together; boxes come in order, the best first."""
    # Only those after a box that leads a group can still join it.
    first, second, inner = overlapping_each_other(boxes, settings.same_overlap)
    area = areas(boxes)
    other = area[second]
    alike = inner >= settings.same_overlap * (area[first] + other - inner)
    alike |= inner >= settings.inside_share * other
    first, second = first[alike], second[alike]
    order = np.argsort(first, kind="stable")
    leader = [-1] * len(boxes)
    for best, number in zip(first[order].tolist(), second[order].tolist(), strict=True):
        if leader[best] < 0 and leader[number] < 0:
            leader[number] = best
    led = np.asarray(leader, np.intp)
    group = np.cumsum(led < 0) - 1
    return np.where(led < 0, group, group[led])


def _cover(left: Floats, boxes: Floats, shape: tuple[int, int]) -> None:
    """Set to 0 the places whose middle lies in a box, or beyond the frame beside one."""
    ends = np.rint(boxes / PLACE_PX)
    # Of the last place of an odd side, the frame ends in the middle.
    ends[:, 2:] += (boxes[:, 2:] >= (shape[1], shape[0])) & (ends[:, 2:] * PLACE_PX < (shape[1], shape[0]))
    left[union_of(ends.astype(np.int64), (left.shape[0], left.shape[1]))] = 0
