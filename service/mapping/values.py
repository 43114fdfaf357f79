"""Sections as a list or an overview gives them, in pixels of the overview or in stage micrometres."""

import math
from dataclasses import dataclass
from enum import StrEnum

Point = tuple[float, float]
Polygon = tuple[Point, ...]


class Unit(StrEnum):
    """Unit and plane of the positions of a list."""

    PX = "px"
    """Pixels of the overview: x right, y down."""
    UM = "um"
    """Stage positions, um: X right, Y up."""


@dataclass(frozen=True, slots=True)
class MappedSection:
    """One section.

    Attributes
    ----------
    id : str
        Such as S0012, for section 12 of MagFinder.
    center : (float, float)
    rotation_deg : float or None
        Counter-clockwise as one looks at the overview or the stage; 0: the first edge of the outline runs to
        the right. None: unknown.
    outline : tuple of (x, y) or None
        Corners.
    regions : tuple of polygons
        Regions of interest.
    focus_points : tuple of (x, y)
        Where MagFinder users want the beam focused; kept for other programs.
    magnet : (float, float) or None
        Position of the magnetic resin; kept for other programs.
    """

    id: str
    center: Point
    rotation_deg: float | None = None
    outline: Polygon | None = None
    regions: tuple[Polygon, ...] = ()
    focus_points: Polygon = ()
    magnet: Point | None = None


@dataclass(frozen=True, slots=True)
class PointPair:
    """A landmark: its position in the overview, px, and on the stage, um (None: not measured yet)."""

    id: str
    overview_px: Point
    stage_um: Point | None = None


@dataclass(frozen=True, slots=True)
class SectionList:
    """Sections of one holder.

    Attributes
    ----------
    unit : Unit
    sections : tuple of MappedSection
        In the order of cutting, if it is known.
    in_cutting_order : bool
        False: the order of cutting is unknown.
    stage_order : tuple of str
        Ids in the order in which the stage should visit them; empty: not stated.
    landmarks : tuple of PointPair
    """

    unit: Unit
    sections: tuple[MappedSection, ...]
    in_cutting_order: bool = False
    stage_order: tuple[str, ...] = ()
    landmarks: tuple[PointPair, ...] = ()


def angle_of(rotation_deg: float) -> float:
    """Return the direction in which the first edge faces, as MagFinder states it: 90 if not rotated."""
    return _wrapped(rotation_deg + 90)


def rotation_of(angle_deg: float) -> float:
    """Return the rotation of a section from MagFinder's angle, -180 to 180 degrees."""
    return _wrapped(angle_deg - 90)


def first_edge_deg(outline: Polygon, unit: Unit) -> float:
    """Return the direction of the first edge of an outline, counter-clockwise as one sees it, degrees."""
    (x0, y0), (x1, y1) = outline[:2]
    return math.degrees(math.atan2(y0 - y1 if unit is Unit.PX else y1 - y0, x1 - x0))


def _wrapped(degrees: float) -> float:
    return math.remainder(degrees, 360.0)
