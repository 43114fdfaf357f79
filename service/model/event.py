"""Events of a session."""

from dataclasses import dataclass
from typing import Any

STAY = "stay"
"""Kind of the event of the first exposure since the stage moved, where the beam moves between frames."""

SEAM = "seam"
"""Kind of the event of a frame that could not be widened where it meets frames of an earlier stay."""

MISSING = "images_missing"
"""Kind of the event of images that the database has and the folder of the run has no more."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a session; `seq` has no gaps."""

    seq: int
    time_s: float
    """On the microscope's clock."""
    at: str
    """Wall clock, ISO 8601, UTC."""
    kind: str
    subject: str
    data: dict[str, Any]
