"""Steps that take time, and ways to image with the work that each takes."""

from dataclasses import dataclass
from enum import StrEnum

from planner.cost import Work


class Step(StrEnum):
    """Steps of a session that take time, besides the dwell of the beam."""

    FRAME = "frame"
    """An electron image, less dwell and move: overhead of the scan, checks, saving."""
    MOVE = "move"
    """A move of the stage, settling included."""
    FLUORESCENCE = "fluorescence"
    """A fluorescence frame, saving included, less the move."""
    FOCUS = "focus"
    """The automatic focus of the beam, less the scan that shows it."""
    LIGHT_FOCUS = "light_focus"
    """A whole search for the focus of the light."""
    PUMP_TO_PARTIAL = "pump_to_partial"
    PUMP_TO_HIGH = "pump_to_high"


ALL_CELLS = "all-cells"
"""The way in which no cell is left out, in place of a method of the planner; only where some are."""


@dataclass(frozen=True, slots=True)
class Way:
    """A way to image sections, with the work that it takes.

    Attributes
    ----------
    method : str
        Method of the planner, or `ALL_CELLS`.
    chosen : bool
        True if the sections are imaged in this way; the others are for comparison.
    work : Work
    exposed_m2 : float
        Area under at least one frame.
    sections : int
        Sections that have a frame.
    raster_sections : int
        Those of them that a full raster images no slower.
    """

    method: str
    chosen: bool
    work: Work
    exposed_m2: float
    sections: int = 0
    raster_sections: int = 0
