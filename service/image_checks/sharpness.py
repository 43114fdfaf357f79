"""Sharpness of an electron image beside others of the same settings; never by itself.

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

from service.image_checks.bands import Band, fewer_columns

Floats = NDArray[np.float32]

_TOGETHER = 4
"""Columns of which means are enough for the coarse band."""
_FINE = Band(1.0, 2.0)
"""Chosen by hand, as the numbers below."""
_COARSE = Band(4.0 / _TOGETHER, 8.0 / _TOGETHER)
_BLOCK_PX = 64
_LEAST_BLOCKS = 12
_OVER_NOISE = 9.0
"""Coarse detail of a block that counts, in standard deviations of what noise gives it."""
_LEAST_DETAIL = 0.25
"""The same, grey levels squared: less is rounding."""
_PRECISE = 0.035
"""Largest standard error of a sharpness by noise; good images have .2 to .6."""


def sharpness_of(image: Floats, noise: float) -> float | None:
    """Return the sharpness of an image; None if it has too little detail, or too much noise, to tell.

    Parameters
    ----------
    image : (rows, columns) array of float32
    noise : float
        Standard deviation of a pixel, grey levels, by `service.image_checks.noise`.
    """
    if min(image.shape) < 2 * _BLOCK_PX:
        return None
    rows, columns = (side // _BLOCK_PX * _BLOCK_PX for side in image.shape)
    whole = image[:rows, :columns]
    coarse = _energy(_COARSE.of(fewer_columns(whole, _TOGETHER)), _BLOCK_PX // _TOGETHER)
    power = _COARSE.noise_gain * noise**2 / _TOGETHER
    error = power * math.sqrt(_COARSE.correlated_px / (_BLOCK_PX**2 / 2 / _TOGETHER))
    clear = coarse > max(power, _OVER_NOISE * error, _LEAST_DETAIL)
    count = int(clear.sum())
    if count < _LEAST_BLOCKS:
        return None
    error = _FINE.noise_gain * noise**2 * math.sqrt(_FINE.correlated_px / (_BLOCK_PX**2 / 2))
    # The standard error of the median of so many blocks.
    if 1.25 * error / float(np.median(coarse[clear])) / math.sqrt(count) > _PRECISE:
        return None
    fine = _energy(_FINE.of(whole), _BLOCK_PX)
    of_blocks = float(np.median(fine[clear] / coarse[clear]))
    of_all = float(fine[clear].sum() / coarse[clear].sum())
    return max(of_blocks, of_all)


def _energy(detail: Floats, columns: int) -> Floats:
    """Return the energy that even and odd rows share in blocks of so many columns, grey levels squared."""
    shared = detail[0::2] * detail[1::2]
    blocks = shared.shape[1] // columns, 2 * shared.shape[0] // _BLOCK_PX
    return np.asarray(cv2.resize(shared, blocks, interpolation=cv2.INTER_AREA), np.float32)
