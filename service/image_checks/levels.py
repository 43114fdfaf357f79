"""Grey levels of an image, counted once for all checks that ask for them."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Levels:
    """Pixels of an image by their grey level.

    Attributes
    ----------
    counts : array of float
        Number of pixels of each level, from 0 on.
    """

    counts: NDArray[np.float64]

    @cached_property
    def low(self) -> int:
        """Smallest level of the image."""
        return int(np.flatnonzero(self.counts)[0])

    @cached_property
    def high(self) -> int:
        """Largest level of the image."""
        return int(np.flatnonzero(self.counts)[-1])

    @cached_property
    def median(self) -> float:
        """Median level; between two levels where as many pixels are on either side."""
        below = np.cumsum(self.counts)
        count = int(below[-1])
        middle = np.searchsorted(below, [(count - 1) // 2, count // 2], side="right")
        return float(middle.mean())

    def share(self, first: int, last: int) -> float:
        """Return the share of pixels from one level to another, both included."""
        return float(self.counts[max(0, first) : last + 1].sum() / self.counts.sum())


def levels_of(pixels: NDArray[np.integer[Any]]) -> Levels:
    """Count the grey levels of an image of 8 or 16 bits."""
    levels = int(np.iinfo(pixels.dtype).max) + 1
    counts = cv2.calcHist([np.ascontiguousarray(pixels)], [0], None, [levels], [0, levels])
    return Levels(counts.ravel().astype(np.float64))
