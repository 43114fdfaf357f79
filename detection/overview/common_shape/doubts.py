"""Doubts about the shape that was learned."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from detection.overview import quads
from detection.overview.common_shape.across import middle_line
from detection.overview.common_shape.coverage import covered_share
from detection.overview.common_shape.parts import Division, shows_nothing
from detection.overview.ground import Ground
from detection.overview.settings import OverviewSettings
from detection.overview.values import Corners, Shape, ShapeDoubt


def shape_doubt(
    ground: Ground,
    shape: Shape,
    sections: Sequence[Corners],
    others: Sequence[Corners],
    division: Division,
    settings: OverviewSettings,
) -> ShapeDoubt | None:
    """Return a reason for which the shape of outlines, the best first, may be wrong.

    Parameters
    ----------
    ground : Ground
    shape : Shape
        As it was learned.
    sections, others : sequence of (4, 2) array
        Sections, and doubtful outlines, working pixels.
    division : Division
        Of the sections.
    settings : OverviewSettings
    """
    limits = settings.parts
    if not sections:
        return ShapeDoubt.ANOTHER if others else None
    if not shape.sure or not division.sure or division.parts > 1 or _has_parts(sections, others, settings):
        return ShapeDoubt.PARTS
    if len(sections) < limits.few and shows_nothing(ground, sections, limits):
        return ShapeDoubt.PARTS
    if parted_at(ground, sections, settings) is not None:
        return ShapeDoubt.PARTS
    if shape.examples < settings.shape.least_examples:
        return ShapeDoubt.FEW
    if covered_share(ground, sections) < limits.least_covered:
        return ShapeDoubt.ANOTHER
    return None


def parted_at(ground: Ground, outlines: Sequence[Corners], settings: OverviewSettings) -> int | None:
    """Return the axis along which most outlines have a line across the middle, if they show nothing else.

    See `middle_line`. Where tissue is seen, its likeness tells two sections from one.
    """
    clear, axis = middle_line(ground, np.array(outlines), settings.fit)
    return axis if clear >= settings.parts.middle_line else None


def _has_parts(sections: Sequence[Corners], others: Sequence[Corners], settings: OverviewSettings) -> bool:
    """Return True if enough has one side of a section and half or a third of the other.

    Of pairs taken for sections, every ribbon of an odd number leaves a half. One half among many is torn.
    """
    shape = np.median([_sides(one) for one in sections], axis=0)
    parts = sum(_is_part(_sides(one) / shape[[[0, 1], [1, 0]]], settings.parts.row_gap) for one in others)
    return parts > settings.parts.torn_share * len(sections)


def _is_part(ratio: NDArray[np.float64], near: float) -> bool:
    """Return True for sides, over those of the shape either way round, if one is whole and one a part."""
    return any(
        abs(same - 1) <= near and min(abs(part * parts - 1) for parts in (2, 3)) <= near
        for same, part in (*ratio, *ratio[:, ::-1])
    )


def _sides(corners: Corners) -> Corners:
    first, second, third, fourth = quads.sides(corners)
    return np.array([(first + third) / 2, (second + fourth) / 2])
