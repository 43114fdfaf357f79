"""Values of the alignment of a field."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detection.alignment.reasons import NotProven


@dataclass(frozen=True, slots=True)
class Picture:
    """An image with square pixels.

    Attributes
    ----------
    pixels : (rows, columns) array of numbers
    pixel_size_um : float
    """

    pixels: NDArray[np.generic]
    pixel_size_um: float

    @property
    def grid(self) -> tuple[tuple[int, int], float]:
        """Shape and pixel size."""
        return (self.pixels.shape[0], self.pixels.shape[1]), self.pixel_size_um


@dataclass(frozen=True, slots=True)
class Similarity:
    """A turn and a scaling about the origin, then a shift, in the plane: um, X right, Y up.

    Attributes
    ----------
    shift_um : (float, float)
    rotation_rad : float
        Counter-clockwise.
    scale : float
    """

    shift_um: tuple[float, float] = (0.0, 0.0)
    rotation_rad: float = 0.0
    scale: float = 1.0

    def apply(self, points_um: NDArray[np.floating]) -> NDArray[np.float64]:
        """Move points (N, 2), um."""
        cos, sin = self.scale * math.cos(self.rotation_rad), self.scale * math.sin(self.rotation_rad)
        return np.asarray(points_um @ np.array([[cos, sin], [-sin, cos]]) + self.shift_um, dtype=np.float64)

    def distance_um(self, other: "Similarity", points_um: NDArray[np.floating]) -> float:
        """Return the largest distance between the images of one of the points (N, 2), um."""
        return float(np.hypot(*(self.apply(points_um) - other.apply(points_um)).T).max())


@dataclass(frozen=True, slots=True)
class Evidence:
    """Evidence for an alignment.

    Attributes
    ----------
    peak_sd : float
        Height of the correlation at the best position, standard deviations of the correlation elsewhere.
    rival_sd : float
        The same at the best position elsewhere.
    chance_sd : float
        The same at the best position for unrelated images: the mirrored fluorescence.
    halves_um : float
        Largest distance, at the cells, between the positions that two halves of the cells give.
    precision_um : float
        Standard error at the worst of the cells, from the scatter between parts of them.
    parts : int
        Parts of cells that took part.
    """

    peak_sd: float = 0.0
    rival_sd: float = 0.0
    chance_sd: float = 0.0
    halves_um: float = math.inf
    precision_um: float = math.inf
    parts: int = 0


@dataclass(frozen=True, slots=True)
class Alignment:
    """Position of a field in its overview.

    Attributes
    ----------
    motion : Similarity or None
        From the plane of the fluorescence to that of the overview, each with its origin in the middle of its
        image; None where nothing was found. Use it only if it is proven.
    proven_um : float or None
        Largest error of the motion at any of the cells; None if nothing is proven.
    reason : NotProven or None
        None if it is proven.
    evidence : Evidence
    """

    motion: Similarity | None
    proven_um: float | None
    reason: NotProven | None
    evidence: Evidence
