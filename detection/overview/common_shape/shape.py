"""The shape that all sections of an array share."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations_with_replacement

import numpy as np

from detection.overview import quads
from detection.overview.common_shape.regions import Region
from detection.overview.settings import ShapeSettings
from detection.overview.values import Corners, Shape

_FEW = 10
"""Outlines up to which each one changes their median: by hand."""


def candidate_shapes(
    regions: Sequence[Region],
    scale: float,
    settings: ShapeSettings,
    parts_of: Callable[[Sequence[Corners]], Sequence[Region]] = lambda _: (),
) -> list[Shape]:
    """Return the shapes on which regions agree, the one that explains most first.

    Parameters
    ----------
    regions : sequence of Region
        The same section may be there several times, from masks of several thresholds.
    scale : float
        Working pixels per pixel of the overview.
    settings : ShapeSettings
    parts_of : callable, optional
        Returns the regions into which outlines of one shape divide; none if they are sections.
    """
    left = list(regions)
    shapes: list[tuple[float, Shape]] = []
    for _ in range(3 * settings.most_shapes):
        if not left or len(shapes) == settings.most_shapes:
            break
        sizes = np.log([_size(one.corners) for one in left])
        near = (np.abs(sizes[:, None] - sizes[None]) <= settings.tolerance).all(axis=2)
        weights = near @ np.array([one.weight for one in left])
        best = int(weights.argmax())
        alike = [one for one, same in zip(left, near[best], strict=True) if same]
        group = _distinct(alike)
        outlines = [one.corners for one in sorted(group, key=lambda one: -one.match)]
        left = [one for one, same in zip(left, near[best], strict=True) if not same]
        if parts := parts_of(outlines):
            left += parts
            continue
        sure = len(_distinct([one for one in alike if one.sure])) >= min(settings.least_examples, len(group))
        shape = replace(_common(outlines, scale, settings), sure=sure)
        shapes.append((sum(one.weight for one in group), shape))
    return [shape for _, shape in sorted(shapes, key=lambda pair: -pair[0])]


def rectangles(shapes: Sequence[Shape], settings: ShapeSettings) -> list[Shape]:
    """Return the rectangles of all pairs of sides that shapes have, those already there left out."""
    lengths: list[float] = []
    for one in shapes:
        for side in _size(np.array(one.corners_px)):
            if all(abs(np.log(side / other)) > settings.tolerance for other in lengths):
                lengths.append(side)
    known = [np.log(_size(np.array(one.corners_px))) for one in shapes]
    found = []
    for height, width in combinations_with_replacement(sorted(lengths), 2):
        size = np.log((height, width))
        if width > settings.most_aspect * height or any(
            np.abs(size - one).max() < settings.tolerance for one in known
        ):
            continue
        found.append(_common([_rectangle(width, height)], 1.0, settings))
    return found[: settings.most_rectangles]


def shape_of(outlines: Sequence[Corners], settings: ShapeSettings) -> Shape:
    """Return the shape of outlines that a person gave, in pixels of the overview."""
    return _common([quads.clockwise(one) for one in outlines], 1.0, settings)


def learned_again(shape: Shape, outlines: Corners, settings: ShapeSettings) -> Shape:
    """Return the shape of outlines (N, 4, 2), in pixels of the overview, that were found with another."""
    again = _common(list(outlines), 1.0, settings)
    return replace(again, examples=max(shape.examples, again.examples), sure=shape.sure)


def _rectangle(width: float, height: float) -> Corners:
    return np.array([[-width, -height], [width, -height], [width, height], [-width, height]]) / 2


def _size(corners: Corners) -> tuple[float, float]:
    """Return the mean lengths of both pairs of opposite sides, the shorter first."""
    first, second, third, fourth = quads.sides(corners)
    shorter, longer = sorted((float(first + third) / 2, float(second + fourth) / 2))
    return shorter, longer


def _distinct(regions: Sequence[Region]) -> list[Region]:
    """Return one region for each place, the best of those there."""
    kept: list[Region] = []
    for one in sorted(regions, key=lambda region: -region.match):
        if not any(quads.shared(one.corners, other.corners) > 0.3 * one.area for other in kept):
            kept.append(one)
    return kept


def _common(outlines: Sequence[Corners], scale: float, settings: ShapeSettings) -> Shape:
    """Return the median of the outlines, each turned to fit the others best."""
    reference = _long_side_up(outlines[0])
    for _ in range(3):
        turned = [
            min(_turns(one), key=lambda corners: quads.difference(corners, reference)) for one in outlines
        ]
        reference = np.median(np.stack(turned), axis=0)
        reference = quads.upright(reference)
    # Turned to fit each other, even rectangles seem a little lopsided; a shape is so if that fits far better.
    even = (reference + quads.upright(np.roll(reference, 2, axis=0))) / 2
    off = float(np.median(_off_others(turned, reference)))
    off_even = float(np.median([quads.difference(one, even) for one in turned]))
    symmetry = 360.0
    if off_even <= settings.lopsided * off + settings.lopsided_px:
        reference, symmetry = even, 180.0
        # Edges of the tissue beside a faint side tilt it: a parallelogram needs better evidence.
        width, height = quads.sides(even)[:2]
        straight = _rectangle(width, height)
        off_straight = float(np.median([quads.difference(one, straight) for one in turned]))
        if off_straight <= settings.skewed * off_even + settings.skewed_share * min(width, height):
            reference = straight
        first, second = quads.sides(reference)[:2]
        if abs(np.log(first / second)) <= settings.tolerance / 2:
            symmetry = 90.0
    lengths = np.array([quads.sides(one) for one in turned])
    off = np.abs(np.log(lengths / quads.sides(reference))).mean(axis=1)
    corners = tuple((float(x), float(y)) for x, y in reference / scale)
    return Shape(corners, symmetry, float(np.median(off)), len(outlines))


def _off_others(turned: Sequence[Corners], reference: Corners) -> list[float]:
    """Return how far each outline is from the median of the others: from its own it is too near, of a few."""
    if not 1 < len(turned) <= _FEW:
        return [quads.difference(one, reference) for one in turned]
    others = [np.median(np.stack([*turned[:n], *turned[n + 1 :]]), axis=0) for n in range(len(turned))]
    return [quads.difference(one, quads.upright(other)) for one, other in zip(turned, others, strict=True)]


def _long_side_up(corners: Corners) -> Corners:
    lengths = quads.sides(corners)
    return quads.upright(np.roll(corners, -int(lengths.argmax()), axis=0))


def _turns(corners: Corners) -> list[Corners]:
    return [quads.upright(np.roll(corners, turn, axis=0)) for turn in range(4)]
