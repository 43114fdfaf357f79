"""Light and detail of a fluorescence frame: numbers that change slowly if light or focus do."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

_SIGMAS_PX = (1.0, 2.5, 6.0)
"""Blurs whose differences are the fine and the coarse detail: only the fine one is lost soon. In simulated
sections their ratio is .54, with a standard deviation of 8 %, and .08 out of focus by .5 um; in the three
real frames .39 to .44."""
_LEAST_OVER_NOISE = 3.0
"""Coarse detail over that of noise below which a frame has too few structures to tell. Chosen by hand."""
_BLOCK_PX = 32
_FLAT = 1.5
"""Spread of the means of blocks over that of noise alone below which a frame shows no light: it is 1 without
light; simulated frames without any cell have 4 and more, by the uneven light. Chosen by hand."""
_LEAST_LIGHT_ADU, _LEAST_LIGHT = 0.5, 0.05
"""Light above that of a dark frame, in grey levels and over the noise of a pixel, that counts. Chosen by
hand, low: the means of two frames differ by .003 of that noise, and a field that is nearly dark must
end no run."""


@dataclass(frozen=True, slots=True)
class FrameLevels:
    """Light and detail of a frame.

    Attributes
    ----------
    light_adu : float
        Median above the offset, grey levels.
    detail : float or None
        Energy of fine over that of coarse detail, without that of noise: light and number of cells do not
        change it. None where the frame has too little of either.
    """

    light_adu: float
    detail: float | None


def frame_levels(pixels: NDArray[np.uint8] | NDArray[np.uint16], offset_adu: float) -> FrameLevels:
    """Measure a frame.

    Parameters
    ----------
    pixels : (rows, columns) array
    offset_adu : float
        Grey level without light.
    """
    grey = pixels.astype(np.float32)
    noise = _noise_variance(grey)
    fine, middle, coarse = (cv2.GaussianBlur(grey, (0, 0), sigma) for sigma in _SIGMAS_PX)
    finer, coarser = float((fine - middle).var()), float((middle - coarse).var())
    of_finer, of_coarser = (noise * passed for passed in _PASSED)
    detail = None
    if coarser > _LEAST_OVER_NOISE * of_coarser and coarser > 0:
        detail = max(finer - of_finer, 0.0) / (coarser - of_coarser)
    return FrameLevels(_median_adu(pixels) - offset_adu, detail)


def is_flat(pixels: NDArray[np.uint8] | NDArray[np.uint16]) -> bool:
    """Return True if a frame, (rows, columns), shows nothing but noise."""
    rows, columns = (size // _BLOCK_PX for size in pixels.shape)
    if rows * columns < 2:
        return False
    grey = pixels.astype(np.float32)
    blocks = grey[: rows * _BLOCK_PX, : columns * _BLOCK_PX].reshape(rows, _BLOCK_PX, columns, _BLOCK_PX)
    spread = float(blocks.mean(axis=(1, 3)).std())
    return spread <= _FLAT * math.sqrt(_noise_variance(grey)) / _BLOCK_PX


def shows_light(
    lit: NDArray[np.uint8] | NDArray[np.uint16], dark: NDArray[np.uint8] | NDArray[np.uint16]
) -> bool:
    """Return True if a frame is brighter than one that was taken with the light off."""
    noise_adu = math.sqrt(_noise_variance(dark.astype(np.float32)))
    above_adu = float(np.mean(lit)) - float(np.mean(dark))
    return above_adu > max(_LEAST_LIGHT_ADU, _LEAST_LIGHT * noise_adu)


def _median_adu(pixels: NDArray[np.uint8] | NDArray[np.uint16]) -> float:
    """Return the median, interpolated within its grey level: of a dim background a whole level is much."""
    level = math.floor(np.median(pixels))
    below, at = np.count_nonzero(pixels < level), np.count_nonzero(pixels == level)
    return level if at == 0 else level - 0.5 + (pixels.size / 2 - below) / at


def _noise_variance(grey: NDArray[np.float32]) -> float:
    """Return the variance of white noise, by the mask of Immerkaer (Comput. Vis. Image Underst. 64, 1996)."""
    mask = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    return float(cv2.filter2D(grey, -1, mask).var()) / 36


def _passed(narrow: float, wide: float) -> float:
    """Return the share of the variance of white noise that a difference of Gaussians lets pass."""
    point = np.zeros((63, 63), np.float32)
    point[31, 31] = 1
    difference = cv2.GaussianBlur(point, (0, 0), narrow) - cv2.GaussianBlur(point, (0, 0), wide)
    return float((difference**2).sum())


_PASSED = _passed(*_SIGMAS_PX[:2]), _passed(*_SIGMAS_PX[1:])
