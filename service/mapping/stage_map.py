"""The map from the overview to the stage."""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
Model = Literal["similarity", "affine"]


class Caution(StrEnum):
    """Reasons to look twice at a map."""

    TWO_PAIRS = "two_pairs"
    ON_A_LINE = "on_a_line"
    WRONG_PAIRS = "wrong_pairs"
    MIRRORED = "mirrored"


@dataclass(frozen=True, slots=True)
class StageMap:
    """An affine map from overview pixels to stage um.

    Attributes
    ----------
    linear : (2, 2) array
        um per px.
    shift_um : (2,) array
        Stage position of the overview's upper left corner.
    """

    linear: NDArray[np.float64]
    shift_um: NDArray[np.float64]

    def to_stage(self, points_px: Points) -> Points:
        """Convert overview pixels (N, 2) to stage positions, um."""
        return np.asarray(np.asarray(points_px, dtype=np.float64) @ self.linear.T + self.shift_um)

    def rotated_deg(self, rotation_deg: float) -> float:
        """Return the rotation on the stage of what is rotated in the overview, both counter-clockwise."""
        turn = math.radians(rotation_deg)
        x, y = self.linear @ (math.cos(turn), -math.sin(turn))
        return math.degrees(math.atan2(y, x))

    @property
    def um_per_px(self) -> float:
        """Pixel size of the overview, um: the root of the area of a pixel."""
        return math.sqrt(abs(float(np.linalg.det(self.linear))))

    @property
    def mirrored(self) -> bool:
        """True if the overview is a mirror image of the stage; rows run against Y in any case."""
        return bool(np.linalg.det(self.linear) > 0)


@dataclass(frozen=True, slots=True)
class StageFit:
    """A fitted map.

    Attributes
    ----------
    map : StageMap
    model : {'similarity', 'affine'}
    residuals_um : (N, 2) array
        Measured stage position of each landmark minus its position by the map.
    wrong : tuple of int
        Indices of landmarks that do not agree with the others; the map leaves them out.
    rms_um : float
        Root mean square length of the residuals of the others.
    left_out_um : (N,) array
        Distance of each landmark from its position by a map fitted without it; NaN where too few are left.
    cautions : tuple of Caution
    """

    map: StageMap
    model: Model
    residuals_um: Points
    wrong: tuple[int, ...]
    rms_um: float
    left_out_um: NDArray[np.float64]
    cautions: tuple[Caution, ...]

    @property
    def left_out_rms_um(self) -> float | None:
        """Leave-one-out error of the agreeing landmarks, um; None if it is unknown."""
        kept = np.delete(self.left_out_um, list(self.wrong))
        kept = kept[np.isfinite(kept)]
        return float(np.sqrt((kept**2).mean())) if len(kept) else None
