"""Values of the search for sections."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32]
Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]
Corners = NDArray[np.float64]
"""(4, 2): corners x, y of a quadrilateral, px, clockwise as seen on the screen (y down)."""


class Doubt(StrEnum):
    """Reason for which a person should look at an outline."""

    SIDES = "sides"
    """The chance that it is right is low: sides are not clearly seen, or another place fits as well."""
    INCOMPLETE = "incomplete"
    """Substrate shows inside it: the section may be torn or folded."""
    CUT = "cut"
    """The picture or the glass ends there."""
    OVERLAP = "overlap"
    """It shares much of its ground with a section that is seen better."""
    SHAPE = "shape"
    """Something about as large as a section, but of another shape."""


class ShapeDoubt(StrEnum):
    """Reason for which the shape that was learned may be wrong."""

    PARTS = "parts"
    """Each outline may hold several sections without a gap."""
    FEW = "few"
    """It was learned from too few regions: it may be that of something else."""
    ANOTHER = "another"
    """Most of what lies on the substrate does not clearly have this one."""


class Nothing(StrEnum):
    """Reason for which an overview has no outlines."""

    EMPTY = "empty"
    """It has no contrast at all."""
    SATURATED = "saturated"
    """Nearly all of it is white."""
    BLURRED = "blurred"
    """It shows things, but no sharp edges."""
    NO_SECTIONS = "no_sections"
    """No quadrilaterals of one size, with four edges."""


@dataclass(frozen=True, slots=True)
class Outline:
    """Outline of a section.

    Attributes
    ----------
    corners_px : ((float, float), ...)
        Four corners x, y, clockwise as seen on the screen; the first side, from corner 0 to corner 1, is the
        same side of every section, as far as the shape can tell.
    angle_deg : float
        Direction in which the first side faces, counter-clockwise from the x axis as seen on the screen,
        -180 to 180.
    confidence : float
        Chance that it shares at least .8 of the union with a true section, 0 to 1.
    sides : (float, float, float, float)
        Share of each side that is supported by an edge, 0 to 1; the first from corner 0 to corner 1.
    filled : float
        Share of the inside that differs from the substrate, 0 to 1.
    doubt : Doubt or None
        None for a section that needs no second look.
    """

    corners_px: tuple[tuple[float, float], ...]
    angle_deg: float
    confidence: float
    sides: tuple[float, float, float, float]
    filled: float
    doubt: Doubt | None = None

    @property
    def center_px(self) -> tuple[float, float]:
        """Mean of the corners."""
        x, y = np.mean(self.corners_px, axis=0)
        return float(x), float(y)


@dataclass(frozen=True, slots=True)
class Shape:
    """Outline that all sections of an array share.

    Attributes
    ----------
    corners_px : ((float, float), ...)
        About its centre, in pixels of the overview, the first side facing up.
    symmetry_deg : float
        Smallest turn that leaves it as it is, to within the scatter of sections: 90, 180 or 360.
    scatter : float
        Usual difference of a side between two sections, share.
    examples : int
        Regions that it was learned from.
    sure : bool
        False where most of them are parts of ribbons, and the picture does not prove those.
    """

    corners_px: tuple[tuple[float, float], ...]
    symmetry_deg: float
    scatter: float
    examples: int
    sure: bool = True


@dataclass(frozen=True, slots=True)
class Found:
    """Sections that an overview shows.

    Attributes
    ----------
    sections, doubtful : tuple of Outline
        The doubtful are not among the sections.
    shape : Shape or None
        None where nothing was found.
    nothing : Nothing or None
        Reason for which there are no sections; None where there are.
    shape_doubt : ShapeDoubt or None
        Reason for which all of it may be wrong; None for a shape that a person gave.
    """

    sections: tuple[Outline, ...] = ()
    doubtful: tuple[Outline, ...] = ()
    shape: Shape | None = None
    nothing: Nothing | None = None
    shape_doubt: ShapeDoubt | None = None
