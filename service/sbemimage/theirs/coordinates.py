"""SBEMimage's coordinates: its stage, um, and the SEM image that lies over it, um, y downwards."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Coordinates:
    """Stage calibration of SBEMimage: stage = scale * shear-free rotation * SEM.

    Attributes
    ----------
    scale : (float, float)
        Of the X and Y motor; negative where an axis runs the other way.
    rotation_rad : (float, float)
        Of the X and Y motor against the image.

    Raises
    ------
    ValueError
        The two axes would coincide, or a scale is zero.
    """

    scale: tuple[float, float] = (1.0, 1.0)
    rotation_rad: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        numbers = (*self.scale, *self.rotation_rad)
        if not all(math.isfinite(one) for one in numbers) or abs(np.linalg.det(self._matrix())) < 1e-6:
            raise ValueError("the stage calibration has axes that coincide, or a scale of zero")

    def _matrix(self) -> NDArray[np.float64]:
        x, y = self.rotation_rad
        turn = np.array([[math.cos(y), -math.sin(y)], [math.sin(x), math.cos(x)]])
        return np.asarray(np.diag(self.scale) @ turn / (math.cos(x - y) or 1e-12))

    def to_sem(self, stage_um: NDArray[np.float64]) -> NDArray[np.float64]:
        """Convert stage positions (N, 2) to SEM coordinates, um."""
        return np.asarray(stage_um @ np.linalg.inv(self._matrix()).T)

    def to_stage(self, sem_um: NDArray[np.float64]) -> NDArray[np.float64]:
        """Convert SEM coordinates (N, 2) to stage positions, um."""
        return np.asarray(sem_um @ self._matrix().T)
