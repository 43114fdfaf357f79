"""Sections that overlap: their common ground goes to one of them."""

from dataclasses import replace

import shapely
from shapely import Polygon as Shape
from shapely.geometry.base import BaseGeometry

from service.mapping.values import SectionList

_TOUCHING_UM2 = 1.0
"""Smaller common ground is rounding. Chosen by hand."""


def with_own_ground(found: SectionList) -> tuple[SectionList, tuple[tuple[str, str], ...]]:
    """Cut the outlines of sections that overlap, so that no ground is imaged for both.

    Parameters
    ----------
    found : SectionList
        In stage um.

    Returns
    -------
    SectionList
        The section that comes first keeps the common ground.
    tuple of (str, str)
        Pairs that overlapped, the one that keeps the ground first.
    """
    shapes = [Shape() if one.outline is None else Shape(one.outline) for one in found.sections]
    tree = shapely.STRtree(shapes)
    sections, pairs = list(found.sections), list[tuple[str, str]]()
    for n, one in enumerate(found.sections):
        own: BaseGeometry = shapes[n]
        for other in sorted(int(k) for k in tree.query(own, "intersects") if k < n):
            if own.intersection(shapes[other]).area > _TOUCHING_UM2:
                pairs.append((sections[other].id, one.id))
                # Grown by a nanometre, so that rounding leaves nothing in common.
                own = own.difference(shapes[other].buffer(0.002, join_style="mitre"))
        if own is shapes[n]:
            continue
        parts = [part for part in getattr(own, "geoms", [own]) if part.area > _TOUCHING_UM2]
        if parts:
            shapes[n] = Shape(max(parts, key=lambda part: part.area).exterior)
            outline = tuple((float(x), float(y)) for x, y in shapes[n].exterior.coords[:-1])
            sections[n] = replace(one, outline=outline)
    return replace(found, sections=tuple(sections)), tuple(pairs)
