"""Smoothing of some of the values, which are carried over the gaps between them."""

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

WIDENINGS = (4.0, 2.0, 1.0)
"""Factors of the width asked for, in this order: the widest reaches into the largest gaps. Chosen by hand.
Sweep: x 0.7 whole -.009, area -.03, empty +.005; x 1.4 whole -.009, dim whole -.11, dim area -.18. See
`detection.recall_first.settings` for the sweep."""
TRUST = 0.1
"""Weight of the wider average, as a share of a full surroundings: a tenth is little to go by. Chosen by
hand. Sweep: x 0.7 little; x 1.4 whole -.009."""


@dataclass(frozen=True, slots=True, eq=False)
class Smoother:
    """Smoothing of the values in a mask, as often as wanted.

    Attributes
    ----------
    where : (rows, columns) array of bool
        True for the values that count.
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
        """Smooth the values that count, and carry them into the gaps.

        Parameters
        ----------
        values : (rows, columns) array of float32

        Returns
        -------
        (rows, columns) array of float32
            The median of all values if none counts.
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
