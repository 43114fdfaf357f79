"""Focuses of beam and light, one a section."""

from dataclasses import dataclass
from enum import StrEnum


class FocusBeam(StrEnum):
    """What was focused."""

    ELECTRON = "electron"
    """By the working distance."""
    LIGHT = "light"
    """By the height of the objective."""


class FocusState(StrEnum):
    """What became of a focus."""

    BEGUN = "begun"
    """The program ended on the way: where the objective stands is not known."""
    USED = "used"
    OUTLIER = "outlier"
    """Found, but far off the plane of the other sections."""
    NOT_FOUND = "not_found"


@dataclass(frozen=True, slots=True)
class Focus:
    """A section that was focused on: where, what was found and what was made of it.

    Heights are working distances of the electron beam, or positions of the objective.
    """

    beam: FocusBeam
    section: str
    place_m: tuple[float, float]
    """As fluorescence sees it."""
    state: FocusState
    job: str | None = None
    start_m: float | None = None
    """Where it stood before, or was sent to begin with; None where that is not known."""
    found_m: float | None = None
    score: float | None = None
    """Sharpness there, by `detection.image_quality.sharpness`."""
    used_m: float | None = None
    """None where it was left as it stood."""
    exposures: int = 0
    """Of the light; the beam's are the machine's affair, but for the time that they take."""
    exposed_s: float = 0.0
    """Under light or beam."""
    reason: str | None = None
    id: int = 0
    """Number in the store; 0 before it is kept."""
