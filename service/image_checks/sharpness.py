"""Noise of an electron image, and how sharp it is beside others of the same settings; never by itself.

Sharpness is the detail of some 6 px over that of some 25 px, along the rows, at the median of the blocks that
have any, or in all of them together if that is more: what is sharp in few places is in focus. Faint and
strong stain give the same, and a nucleus hardly another than its surroundings. Blur takes from the first and
leaves the second. Even and odd rows have noise of their own, and the brightness of a row is no detail: what
two rows share is the specimen.
"""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from service.image_checks.order import median_of, quantiles_of

Floats = NDArray[np.float32]
Band = tuple[float, float]
"""Standard deviations of the two Gaussians, along the rows, whose difference is a band of detail, px."""

_FINE: Band = (1.0, 2.0)
"""Chosen by hand, as the numbers below."""
_COARSE: Band = (4.0, 8.0)
_BLOCK_PX = 64
_LEAST_BLOCKS = 12
_OVER_NOISE = 6.0
"""Coarse detail of a block that counts, in standard deviations of what noise gives it."""
_LEAST_DETAIL = 0.25
"""The same, grey levels squared: less is rounding."""
_PRECISE = 0.05
"""Largest standard error of a sharpness by noise; good images have .2 to .6."""


def noise_of(image: Floats) -> float:
    """Return the standard deviation of the noise of a pixel, grey levels.

    By what its neighbours share in no direction (Immerkaer, Comput. Vis. Image Underst. 64 (1996) 300), at
    the median, so that edges do not count.
    """
    return 1.4826 * median_of(_unshared(image))


def beam_noise_of(image: Floats) -> float:
    """Return the noise of the noisiest tenth of a row, at the median of the rows, as a standard deviation.

    Without a beam it is that of the detector in all pixels of most rows. An image that is mostly saturated
    has the noise of the beam in the rest of it.
    """
    # 1.645 standard deviations have a tenth of a normal distribution beyond them.
    return median_of(quantiles_of(_unshared(image), 0.9)) / 1.645


def _unshared(image: Floats) -> Floats:
    """Return what pixels share with none of their neighbours, as large as noise, of every so many rows."""
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    # Two million pixels are precise enough.
    step = max(1, math.isqrt(image.size // 2_000_000))
    return np.asarray(np.abs(cv2.filter2D(image, -1, kernel)[::step, ::step]) / np.float32(6), np.float32)


def sharpness_of(image: Floats, noise: float) -> float | None:
    """Return the sharpness of an image; None if it has too little detail, or too much noise, to tell.

    Parameters
    ----------
    image : (rows, columns) array of float32
    noise : float
        By `noise_of`.
    """
    if min(image.shape) < 2 * _BLOCK_PX:
        return None
    fine, coarse = _energy(image, _FINE), _energy(image, _COARSE)
    power, error = noise_power(noise, _COARSE)
    clear = coarse > max(power, _OVER_NOISE * error, _LEAST_DETAIL)
    count = int(clear.sum())
    if count < _LEAST_BLOCKS:
        return None
    _, error = noise_power(noise, _FINE)
    # The standard error of the median of so many blocks.
    if 1.25 * error / float(np.median(coarse[clear])) / math.sqrt(count) > _PRECISE:
        return None
    of_blocks = float(np.median(fine[clear] / coarse[clear]))
    of_all = float(fine[clear].sum() / coarse[clear].sum())
    return max(of_blocks, of_all)


def detail_of(image: Floats, band: Band) -> Floats:
    """Return the detail of an image in a band along the rows, grey levels."""
    narrow, wide = (
        cv2.GaussianBlur(image, (0, 0), sigmaX=sigma, sigmaY=0.01, borderType=cv2.BORDER_REFLECT_101)
        for sigma in band
    )
    return np.asarray(narrow - wide, np.float32)


def _energy(image: Floats, band: Band) -> Floats:
    """Return the energy of a band in each block, without what noise gives it, grey levels squared."""
    rows, columns = (side // _BLOCK_PX for side in image.shape)
    part = detail_of(image, band)[: rows * _BLOCK_PX, : columns * _BLOCK_PX]
    shared = part[0::2] * part[1::2]
    return np.asarray(shared.reshape(rows, _BLOCK_PX // 2, columns, _BLOCK_PX).mean(axis=(1, 3)), np.float32)


def noise_power(noise: float, band: Band) -> tuple[float, float]:
    """Return the energy of noise in a band, and the standard deviation of what it adds to a block."""
    narrow, wide = band
    # Integral of the square of the difference of two Gaussians in one dimension.
    kernel = 1 / narrow + 1 / wide - 2 * math.sqrt(2) / math.hypot(narrow, wide)
    power = noise**2 / (2 * math.sqrt(math.pi)) * kernel
    independent = _BLOCK_PX**2 / 2 / (2 * math.sqrt(2 * math.pi) * narrow)
    return power, power / math.sqrt(independent)
