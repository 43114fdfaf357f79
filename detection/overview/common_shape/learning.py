"""The shape of an overview's sections, learned from those that stand alone or can be parted."""

import math
from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from detection.overview import quads
from detection.overview.common_shape.parts import Division, divided, usual_division
from detection.overview.common_shape.regions import Region, quadrilateral_regions
from detection.overview.common_shape.rows import with_rows
from detection.overview.common_shape.shape import candidate_shapes, rectangles
from detection.overview.common_shape.strips import strips_in
from detection.overview.fit import fit_pose, fit_sides, inner_share, side_support
from detection.overview.ground import Ground, crowded_part, ground_of, reduced
from detection.overview.search import candidates
from detection.overview.selection import chosen
from detection.overview.settings import OverviewSettings
from detection.overview.values import Corners, Pixels, Shape

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
        plain = _plain(ground, shapes, settings) if ground is not None else None
        if plain is not None:
            return plain
        best = _best(pixels, shapes, settings) if shapes else None
        if best is not None:
            return best
        if scale == 1 or side >= _LARGEST_SIDE_PX:
            return None
        side *= 2


def _shapes(ground: Ground, settings: OverviewSettings) -> list[Shape]:
    regions = quadrilateral_regions(ground, settings.shape)
    corners = np.array([one.corners for one in regions]).reshape(-1, 4, 2)
    for reach in (4.0, 2.0):
        corners = fit_sides(ground, corners, settings.fit, reach)
    placed = [replace(one, corners=place) for one, place in zip(regions, corners, strict=True)]
    seen = _weighted(ground, placed, settings)
    ribbons = _weighted(ground, _in_ribbons(ground, settings), settings, 0)

    def parts_of(outlines: Sequence[Corners]) -> list[Region]:
        division = usual_division(ground, outlines, settings.parts)
        return _weighted(ground, _parts(division), settings, 0)

    return candidate_shapes([*seen, *ribbons], ground.scale, settings.shape, parts_of)


def _in_ribbons(ground: Ground, settings: OverviewSettings) -> list[Region]:
    """Return the sections in a row that make up regions, which may be bent."""
    regions = strips_in(ground, settings.shape.least_side_px**2)
    return [part for strips in regions for part in _parts(divided(strips, settings.parts))]


def _parts(division: Division) -> list[Region]:
    """Return the parts of a ribbon as regions."""
    return [
        Region(one, quads.area(one), 1.0, False, np.round(one).astype(np.int32)[:, None], sure=division.sure)
        for one in division.corners
    ]


def _weighted(
    ground: Ground, regions: Sequence[Region], settings: OverviewSettings, least_support: float | None = None
) -> list[Region]:
    """Return the regions with four sides that are seen, weighted by how well."""
    least = settings.shape.least_support if least_support is None else least_support
    corners = np.array([one.corners for one in regions]).reshape(-1, 4, 2)
    support, filled = side_support(ground, corners, settings.fit), inner_share(ground, corners)
    areas = [quads.area(one) for one in corners]
    return [
        replace(one, area=area, weight=_weight(area, sides.mean(), full))
        for one, area, sides, full in zip(regions, areas, support, filled, strict=True)
        if sides.min() >= least
    ]


def _plain(ground: Ground, shapes: Sequence[Shape], settings: OverviewSettings) -> Shape | None:
    """Return the shape whose examples are most of what lies on the substrate, if no other has many."""
    limits, whole = settings.shape, max(_large_foreground(ground), 1)
    areas = [one.examples * quads.area(np.array(one.corners_px)) * ground.scale**2 for one in shapes]
    some = [number for number, area in enumerate(areas) if area >= limits.some_explained * whole]
    if len(some) != 1 or areas[some[0]] < limits.least_explained * whole:
        return None
    shape = shapes[some[0]]
    return shape if len(shapes) == 1 or shape.examples >= limits.least_examples else None


def _large_foreground(ground: Ground) -> int:
    """Return the area of the foreground without dust, working pixels."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (9, 9))
    return int(cv2.morphologyEx(ground.inside.astype(np.uint8), cv2.MORPH_OPEN, kernel).sum())


def _best(pixels: Pixels, shapes: list[Shape], settings: OverviewSettings) -> Shape | None:
    """Return, of the shapes that explain about as much as any, the one that most regions have.

    A whole ribbon, or half a section, explains nearly as much as the section, but fewer regions agree on it.
    """
    limits = settings.shape
    explained = [_explained(pixels, one, settings) for one in shapes]
    if max(explained) < limits.least_explained:
        # In ribbons no section stands alone, but its sides are there.
        more = rectangles(shapes, limits)
        explained += [limits.made_up * _explained(pixels, one, settings) for one in more]
        shapes = [*shapes, *more]
    most = max(explained)
    if most <= 0:
        return None
    good = [one for one, share in zip(shapes, explained, strict=True) if share >= limits.as_good * most]
    # Wider ones by the side: parts of a section are as frequent as sections.
    return max(good, key=lambda one: one.examples * math.sqrt(quads.area(np.array(one.corners_px))))


def _explained(pixels: Pixels, shape: Shape, settings: OverviewSettings) -> float:
    """Return the share of the foreground, in the most crowded part, that the shape covers with good edges."""
    model = np.array(shape.corners_px)
    scale = min(1.0, settings.search.short_side_px / quads.sides(model).min())
    ground = ground_of(reduced(pixels, scale), scale, settings.ground)
    if ground is None or not ground.foreground.any():
        return 0.0
    ground = crowded_part(ground, settings.shape.part_px)
    lopsided = shape.symmetry_deg > 180
    ground, rows = with_rows(ground, model * scale, lopsided, settings, seen=True)
    places = np.concatenate([candidates(ground, model * scale, lopsided, settings.search), rows])
    places = fit_pose(ground, places, replace(settings.fit, reach_px=2.0))
    support, filled = side_support(ground, places, settings.fit), inner_share(ground, places)
    scores = (0.7 * support.mean(axis=1) + 0.3 * np.sort(support, axis=1)[:, 1]) * filled
    kept = chosen(places, scores, 0.1, settings.fit.least)
    covered = sum(quads.area(places[one]) * (scores[one] - 0.4) / 0.4 for one in kept)
    return float(covered / max(_large_foreground(ground), 1))


def _weight(area: float, support: float, filled: float) -> float:
    # The fourth power: three sections that touch fill most of a larger quadrilateral.
    return float(area * max(support - 0.3, 0.01) * filled**4)
