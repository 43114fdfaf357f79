"""Outlines that were fitted, before they are judged."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detection.overview.ground import Ground
from detection.overview.values import Corners, Shape, ShapeDoubt


@dataclass(frozen=True, slots=True)
class Fits:
    """Outlines that were fitted, working pixels.

    Attributes
    ----------
    ground : Ground
    shape : Shape
    corners, free : (N, 4, 2) array
        With the common shape, and with sides that each moved to its own edge.
    support : (N, 4) array
        Of the sides, 0 to 1.
    filled, scores : (N,) array
        Share of the inside that is no substrate, and how well the outline is supported, 0 to 1.
    doubt : ShapeDoubt or None
        Reason for which the common shape may be wrong, as far as it is known.
    """

    ground: Ground
    shape: Shape
    corners: Corners
    free: Corners
    support: NDArray[np.float64]
    filled: NDArray[np.float64]
    scores: NDArray[np.float64]
    doubt: ShapeDoubt | None = None
