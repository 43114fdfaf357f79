"""Noise of an electron image: of its pixels, and of the beam where it is on."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from service.image_checks.order import median_of, quantiles_of, signed

Floats = NDArray[np.float32]
Pixels = NDArray[np.uint8] | NDArray[np.uint16]

_ROWS, _COLUMNS = 256, 1024
"""Rows and columns that are precise enough: the noise of so many pixels is known to .3 %."""
_GAIN = 6
"""Standard deviation that a sum of pixels with the weights 1, -2, 1 along both axes has over that of one."""


def noises_of(image: Pixels | Floats) -> tuple[float, float]:
    """Return the noise of a pixel and that of the beam, standard deviations, grey levels.

    The first is that of the whole image, by what neighbours share in no direction (Immerkaer, Comput. Vis.
    Image Underst. 64 (1996) 300), at the median, so that edges do not count. The second is that of the
    noisiest tenth of a row, at the median of the rows. Without a beam it is that of the detector in all
    pixels of most rows; an image that is mostly saturated has the noise of the beam in the rest of it.
    """
    unshared = _unshared(image)
    # 1.645 standard deviations have a tenth of a normal distribution beyond them.
    of_pixel, of_rows = median_of(unshared), median_of(quantiles_of(unshared, 0.9))
    return 1.4826 * of_pixel / _GAIN, of_rows / 1.645 / _GAIN


def _unshared(image: NDArray[Any]) -> NDArray[Any]:
    """Return what pixels share with none of their neighbours, `_GAIN` times noise; of every so many."""
    if min(image.shape) < 8:
        image = np.asarray(cv2.copyMakeBorder(image, 1, 1, 1, 1, cv2.BORDER_REFLECT_101), image.dtype)
    row, column = (
        max(1, side // enough) for side, enough in zip(image.shape, (_ROWS, _COLUMNS), strict=True)
    )
    bend = signed(image[:-2:row]) + signed(image[2::row])
    bend -= 2 * signed(image[1:-1:row])
    across = bend[:, :-2:column] + bend[:, 2::column]
    across -= 2 * bend[:, 1:-1:column]
    return np.asarray(np.abs(across, out=across))
