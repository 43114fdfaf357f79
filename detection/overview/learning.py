"""The shape of an overview's sections, learned from those that stand alone or can be parted."""

from dataclasses import replace

import numpy as np

from detection.overview import quads
from detection.overview.fit import fit_sides, inner_share, side_support
from detection.overview.ground import Ground, ground_of, reduced
from detection.overview.regions import quadrilateral_regions
from detection.overview.settings import OverviewSettings
from detection.overview.shape import candidate_shapes
from detection.overview.values import Pixels, Shape

_LARGEST_SIDE_PX = 6400
"""Scale at which it is looked for last."""


def learn_shape(pixels: Pixels, settings: OverviewSettings) -> Shape | None:
    """Return the shape on which most regions agree; None if none looks like a section.

    Small sections are found at a finer scale, if at the first one there is nothing.
    """
    side = settings.first_side_px
    while True:
        scale = min(1.0, side / max(pixels.shape[:2]))
        ground = ground_of(reduced(pixels, scale), scale, settings.ground)
        shapes = _shapes(ground, settings) if ground is not None else []
        if shapes:
            return shapes[0]
        if scale == 1 or side >= _LARGEST_SIDE_PX:
            return None
        side *= 2


def _shapes(ground: Ground, settings: OverviewSettings) -> list[Shape]:
    regions = quadrilateral_regions(ground, settings.shape)
    corners = np.array([one.corners for one in regions]).reshape(-1, 4, 2)
    for reach in (4.0, 2.0):
        corners = fit_sides(ground, corners, settings.fit, reach)
    support, filled = side_support(ground, corners, settings.fit), inner_share(ground, corners)
    kept = [
        replace(
            one, corners=place, area=quads.area(place), weight=_weight(quads.area(place), sides.mean(), full)
        )
        for one, place, sides, full in zip(regions, corners, support, filled, strict=True)
        if sides.min() > settings.shape.least_support
    ]
    return candidate_shapes(kept, ground.scale, settings.shape)


def _weight(area: float, support: float, filled: float) -> float:
    # The fourth power: three sections that touch fill most of a larger quadrilateral.
    return float(area * max(support - 0.3, 0.01) * filled**4)
