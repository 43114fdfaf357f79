"""Sections found in a simulated overview, compared with the true ones."""

from dataclasses import dataclass

import shapely
from shapely import Polygon

from config.layout import ListedSection, ListLayout
from config.model import Config

LEAST_OVERLAP = 0.5
"""Intersection over union from which a section counts as found; at most one true section has it."""


@dataclass(frozen=True, slots=True)
class FoundSections:
    """Sections of an overview against the truth.

    Attributes
    ----------
    true, found, false : int
        Sections on the holder, those of them that were found, and outlines where there is none.
    least_overlap : float or None
        Intersection over union of the worst outline with its section; None if none was found.
    """

    true: int
    found: int
    false: int
    least_overlap: float | None


def found_sections(config: Config) -> FoundSections | None:
    """Return how many sections were found; None if the session did not begin with a simulated overview."""
    if config.simulator.layout is None or not isinstance(config.layout, ListLayout):
        return None
    true = {one.id: one.outline_um for one in config.simulator.layout.sections}
    if {one.id: one.outline_um for one in config.layout.sections} == true:
        # These were not found: a preview has only changed their fields.
        return None
    pairs = matches(config.layout, config.simulator.layout)
    return FoundSections(
        len(config.simulator.layout.sections),
        len(pairs),
        len(config.layout.sections) - len(pairs),
        min((overlap for _, overlap in pairs.values()), default=None),
    )


def matches(found: ListLayout, true: ListLayout) -> dict[str, tuple[str, float]]:
    """Return the true section of each that was found, with their intersection over union, by its id."""
    shapes = [_shape(one) for one in true.sections]
    tree = shapely.STRtree(shapes)
    pairs: dict[str, tuple[str, float]] = {}
    taken = set[int]()
    for one in found.sections:
        own = _shape(one)
        for k in map(int, tree.query(own, "intersects")):
            overlap = own.intersection(shapes[k]).area / own.union(shapes[k]).area
            if overlap > LEAST_OVERLAP and k not in taken:
                taken.add(k)
                pairs[one.id] = (true.sections[k].id, float(overlap))
    return pairs


def _shape(one: ListedSection) -> Polygon:
    return Polygon(one.outline_um or ())
