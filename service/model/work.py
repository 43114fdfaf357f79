"""Steps that take time, and the totals of a way to image."""

from dataclasses import dataclass
from enum import StrEnum

from planner.estimate import Work


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


@dataclass(frozen=True, slots=True)
class WayTotals:
    """Totals of one way to image sections."""

    method: str
    chosen: bool
    """True for the way in use."""
    work: Work
    exposed_m2: float
    """Ground under at least one frame."""
    sections: int = 0
    """Sections that have a frame."""
