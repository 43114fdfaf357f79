"""Electron overviews, and where they show that a field lies."""

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from detection.alignment.reasons import NotProven
from detection.alignment.values import Similarity

Point = tuple[float, float]


class OverviewState(StrEnum):
    """Outcome of an overview."""

    WAITING = "waiting"
    """Its job is still to be done."""
    USED = "used"
    """The frames of its stage position are placed by it."""
    LEFT = "left"
    """It was used until the stage left; the remaining frames have the guard of one that was not measured."""
    NOT_PROVEN = "not_proven"
    """It does not show well enough where the field lies: frames as planned."""
    NOT_USED = "not_used"
    """Not taken, or not usable: frames as planned."""


class NotUsed(StrEnum):
    """Reason for which an overview is not used."""

    NO_GROUND = "no_ground"
    """There is too little saved fluorescence around the stage position."""
    NOT_DONE = "not_done"
    """Its job was skipped or withdrawn, failed, or needs review."""
    STAGE_MOVED = "stage_moved"
    """The stage left the position: each move has an error of its own."""
    UNREADABLE = "unreadable"
    """Fluorescence or overview could not be read or compared."""
    BEYOND_REACH = "beyond_reach"
    """The beam or the stage does not reach the frames where the field lies."""
    TOO_LATE = "too_late"
    """A person held it, or moved it behind its frames: the session ended, or they did, without it."""
    ABORTED = "aborted"
    """The session was aborted before it was taken or used."""


@dataclass(frozen=True, slots=True)
class FieldPlace:
    """Measured place of a field, as long as the stage does not move.

    Positions are those of the fluorescence; the SEM sees them, by its calibration, elsewhere.

    Attributes
    ----------
    center_m : (float, float)
        Origin of `motion`.
    motion : Similarity
        From the fluorescence to where the SEM sees it, um.
    """

    center_m: Point
    motion: Similarity

    def seen_m(self, point_m: Point) -> Point:
        """Return the position at which the SEM sees a point of the fluorescence, m."""
        (x, y) = self.motion.apply((np.array([point_m]) - self.center_m) * 1e6)[0] * 1e-6 + self.center_m
        return float(x), float(y)

    def shown_m(self, seen_m: Point) -> Point:
        """Return the point of the fluorescence that the SEM sees at a position, m: inverse of `seen_m`."""
        shift_m = np.array(self.motion.shift_um) * 1e-6
        back = Similarity((0.0, 0.0), -self.motion.rotation_rad, 1 / self.motion.scale)
        (x, y) = back.apply(np.array([seen_m]) - self.center_m - shift_m)[0] + self.center_m
        return float(x), float(y)

    def misfit_m(self, size_m: tuple[float, float]) -> float:
        """Return the distance of a corner of an upright frame from that corner as the field lies, m."""
        half_m = math.hypot(*size_m) / 2
        turned = complex(math.cos(self.motion.rotation_rad), math.sin(self.motion.rotation_rad))
        return half_m * abs(turned * self.motion.scale - 1)


@dataclass(frozen=True, slots=True)
class Overview:
    """The overview of a stage position, and what came of it.

    Attributes
    ----------
    section : str
    stage_m : (float, float)
        Stage position, as fluorescence sees it.
    state : OverviewState
    field : str or None
        Field whose fluorescence it is compared with; None without ground for an overview.
    job : str or None
        None where it is not taken.
    reason : NotProven, NotUsed or None
        None while it waits, and where it is used.
    place : FieldPlace or None
        None where nothing was found. Not proven unless `proven_m` is there.
    proven_m : float or None
        Largest error of the place at any of the cells that it shows.
    id : int
        Number in the store; 0 before it is stored.
    """

    section: str
    stage_m: Point
    state: OverviewState
    field: str | None = None
    job: str | None = None
    reason: NotProven | NotUsed | None = None
    place: FieldPlace | None = None
    proven_m: float | None = None
    id: int = 0

    @property
    def offset_m(self) -> Point | None:
        """Distance by which the SEM sees the stage position off its fluorescence, x and y."""
        if self.place is None:
            return None
        x, y = self.place.seen_m(self.stage_m)
        return x - self.stage_m[0], y - self.stage_m[1]


def reason_of(value: str | None) -> NotProven | NotUsed | None:
    """Return the reason of a stored value.

    Raises
    ------
    ValueError
        It is none.
    """
    if value is None:
        return None
    return NotProven(value) if value in set(NotProven) else NotUsed(value)
