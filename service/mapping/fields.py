"""Fluorescence fields that cover an outline or a region of each section."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import shapely
from shapely import Polygon as Shape

from config.layout import ListedSection, ListLayout
from service.errors import InputError
from service.mapping.values import MappedSection, Point, Polygon, SectionList, Unit

MOST_FIELDS = 10_000
"""Fields of one section that a layout takes."""


@dataclass(frozen=True, slots=True)
class FieldGrid:
    """Size, overlap and margin of the fields of a section.

    Attributes
    ----------
    field_size_um : (float, float)
        Width and height of a field.
    overlap_percent : float
        Overlap of neighbouring fields, 0 to 50.
    margin_um : float
        Distance by which the fields reach beyond the outline on every side.
    """

    field_size_um: tuple[float, float]
    overlap_percent: float = 10.0
    margin_um: float = 20.0


def fields_over(polygon: Polygon, grid: FieldGrid) -> tuple[Point, ...]:
    """Return the centres of the fewest fields, row by row, that cover a polygon and its margin.

    Rows are parallel to X, since the camera does not turn. They run from the top, in alternating directions.

    Parameters
    ----------
    polygon : tuple of (x, y)
        Stage um.
    grid : FieldGrid

    Returns
    -------
    tuple of (x, y)
        Stage um.

    Raises
    ------
    InputError
        Raised when they are far more than `MOST_FIELDS`.
    """
    # GEOS gives up on margins near the smallest number there is.
    shape = Shape(polygon).buffer(round(grid.margin_um, 3), join_style="mitre")
    share = 1 - grid.overlap_percent / 100
    x0, y0, x1, y1 = shape.bounds
    whole = (x1 - x0) * (y1 - y0) / math.prod(side * share for side in grid.field_size_um)
    if whole > 10 * MOST_FIELDS:
        raise InputError(f"would need {whole:.0f} fields, more than {MOST_FIELDS}; are its positions in um?")
    centers: list[Point] = []
    rows = list(_spans(y0, y1, grid.field_size_um[1], share))
    for row, (y, low, high) in enumerate(reversed(rows)):
        strip = shape.intersection(shapely.box(x0, low, x1, high))
        left, _, right, _ = strip.bounds
        found = [(x, y) for x, _, _ in _spans(left, right, grid.field_size_um[0], share)]
        centers += found if row % 2 == 0 else found[::-1]
    return tuple(centers)


def _spans(low: float, high: float, size: float, share: float) -> Iterator[tuple[float, float, float]]:
    """Yield centre and own part of each of the fewest intervals that cover low to high."""
    step = size * share
    count = max(1, math.ceil((high - low - (size - step)) / step - 1e-9))
    first = (low + high) / 2 - step * (count - 1) / 2
    for n in range(count):
        center = first + n * step
        yield (
            center,
            low if n == 0 else center - step / 2,
            high if n == count - 1 else center + step / 2,
        )


def carried(found: SectionList, source: str) -> SectionList:
    """Return a list in which every section has the regions of one, carried by centre and rotation.

    Parameters
    ----------
    found : SectionList
    source : str
        Id of the section on which the regions are drawn.

    Raises
    ------
    InputError
        Raised when that section is missing or has no regions, or the rotation of one is unknown.
    """
    by_id = {one.id: one for one in found.sections}
    if source not in by_id:
        raise InputError(
            f"there is no section {source} in the list, whose regions could be carried to the others"
        )
    drawn = by_id[source]
    if not drawn.regions:
        raise InputError(f"section {source} has no regions; draw one on it, or leave out --regions-of")
    return replace(
        found, sections=tuple(replace(one, regions=_moved(drawn, one, found.unit)) for one in found.sections)
    )


def _moved(drawn: MappedSection, to: MappedSection, unit: Unit) -> tuple[Polygon, ...]:
    if drawn is to:
        return drawn.regions
    for one in (drawn, to):
        if one.rotation_deg is None:
            raise InputError(
                f"the rotation of section {one.id} is unknown; regions are carried by centre and angle_deg"
            )
    assert drawn.rotation_deg is not None
    assert to.rotation_deg is not None
    turn = math.radians(to.rotation_deg - drawn.rotation_deg) * (1 if unit is Unit.UM else -1)
    cos, sin = math.cos(turn), math.sin(turn)
    matrix = np.array([[cos, -sin], [sin, cos]])
    moved = []
    for region in drawn.regions:
        points = (np.array(region) - drawn.center) @ matrix.T + to.center
        moved.append(tuple((float(x), float(y)) for x, y in points))
    return tuple(moved)


def layout_of(found: SectionList, grid: FieldGrid, over_regions: bool) -> ListLayout:
    """Return the layout of a configuration: sections in the order of the list, with their fields.

    Parameters
    ----------
    found : SectionList
        In stage um.
    grid : FieldGrid
    over_regions : bool
        Cover the regions of each section in place of its outline.

    Raises
    ------
    InputError
        Raised when a section has no region to cover, or one needs too many fields.
    """
    return ListLayout(kind="list", sections=tuple(_listed(one, grid, over_regions) for one in found.sections))


def _listed(one: MappedSection, grid: FieldGrid, over_regions: bool) -> ListedSection:
    if over_regions and not one.regions:
        raise InputError(
            f"section {one.id} has no region to cover; --regions-of carries those of one section to all"
        )
    shapes: Sequence[Polygon] = one.regions if over_regions else (one.outline,) if one.outline else ()
    try:
        centers = [center for shape in shapes for center in fields_over(shape, grid)] or [one.center]
        if len(centers) > MOST_FIELDS:
            raise InputError(
                f"would need {len(centers)} fields, more than {MOST_FIELDS}; are its positions in um?"
            )
    except InputError as error:
        raise InputError(f"section {one.id} {error}") from None
    return ListedSection(
        id=one.id,
        center_um=_rounded(one.center),
        field_overlap_percent=grid.overlap_percent,
        angle_deg=None if one.rotation_deg is None else round(one.rotation_deg, 4),
        outline_um=None if one.outline is None else tuple(map(_rounded, one.outline)),
        field_centers_um=tuple(dict.fromkeys(map(_rounded, centers))),
    )


def _rounded(point: Point) -> Point:
    """Round to a nanometre, far below the error of any stage."""
    return round(point[0], 3), round(point[1], 3)
