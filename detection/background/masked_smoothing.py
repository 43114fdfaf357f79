"""Smoothing with gaps: only some of the values count, and they are carried over the others."""

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

WIDENINGS = (4.0, 2.0, 1.0)
"""Times as wide as asked for, in this order: the widest reaches into the largest gaps."""
TRUST = 0.1
"""A tenth of the surroundings is little to go by: there the wider average has its say."""


@dataclass(frozen=True, slots=True, eq=False)
class Smoother:
    """Smooths what lies where a mask holds, as often as wanted.

    Attributes
    ----------
    where : (rows, columns) array of bool
        What counts.
    sigma_px : float
        Standard deviation of the Gaussian.
    """

    where: NDArray[np.bool_]
    sigma_px: float
    weight: NDArray[np.float32] = field(init=False)
    _shares: tuple[NDArray[np.float32], ...] = field(init=False)

    def __post_init__(self) -> None:
        weight = self.where.astype(np.float32)
        object.__setattr__(self, "weight", weight)
        object.__setattr__(self, "_shares", tuple(self._blurred(weight, wide) for wide in WIDENINGS))

    def __call__(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Smooth the values that count, and carry them into the gaps from ever further away.

        Parameters
        ----------
        values : (rows, columns) array of float32

        Returns
        -------
        (rows, columns) array of float32
            The median of all values everywhere, where none counts.
        """
        if not self.where.any():
            return np.full_like(values, float(np.median(values)))
        counted = values * self.weight
        result = np.full_like(values, float(values[self.where].mean()))
        for widening, share in zip(WIDENINGS, self._shares, strict=True):
            trust = np.float32(TRUST / widening)
            total = self._blurred(counted, widening)
            result = np.asarray((total + trust * result) / (share + trust), dtype=np.float32)
        return result

    def _blurred(self, image: NDArray[np.float32], widening: float) -> NDArray[np.float32]:
        sigma = self.sigma_px * widening
        return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REFLECT))
