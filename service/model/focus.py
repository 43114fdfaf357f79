"""Focuses of beam and light, one per section."""

from dataclasses import dataclass
from enum import StrEnum


class FocusBeam(StrEnum):
    """Beam that was focused."""

    ELECTRON = "electron"
    """By the working distance."""
    LIGHT = "light"
    """By the height of the objective."""


class FocusState(StrEnum):
    """Outcome of a focus."""

    BEGUN = "begun"
    """The program ended before it was found: the position of the objective is not known."""
    USED = "used"
    OUTLIER = "outlier"
    """Found, but far off the plane of the other sections."""
    NOT_FOUND = "not_found"


@dataclass(frozen=True, slots=True)
class Focus:
    """A focus on one section: its place, the height found and the height used.

    Heights are working distances of the electron beam, or positions of the objective.
    """

    beam: FocusBeam
    section: str
    place_m: tuple[float, float]
    """As fluorescence sees it."""
    state: FocusState
    job: str | None = None
    start_m: float | None = None
    """Height before the search; None where it is not known."""
    found_m: float | None = None
    score: float | None = None
    """Sharpness there, by `detection.image_quality.sharpness`."""
    used_m: float | None = None
    """None where the height was left unchanged."""
    exposures: int = 0
    """Exposures to light; those to the beam are counted by the microscope, we count their time."""
    exposed_s: float = 0.0
    """Time under light or beam."""
    reason: str | None = None
    id: int = 0
    """Number in the store; 0 before it is stored."""
