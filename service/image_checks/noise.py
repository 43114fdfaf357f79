"""Noise of an electron image: of its pixels, and of the beam where it is on."""

import cv2
import numpy as np
from numpy.typing import NDArray

from service.image_checks.order import median_of, quantiles_of

Floats = NDArray[np.float32]

_ROWS, _COLUMNS = 256, 1024
"""Rows and columns that are precise enough: the noise of so many pixels is known to .3 %."""


def noises_of(image: Floats) -> tuple[float, float]:
    """Return the noise of a pixel and that of the beam, standard deviations, grey levels.

    The first is that of the whole image, by what neighbours share in no direction (Immerkaer, Comput. Vis.
    Image Underst. 64 (1996) 300), at the median, so that edges do not count. The second is that of the
    noisiest tenth of a row, at the median of the rows. Without a beam it is that of the detector in all
    pixels of most rows; an image that is mostly saturated has the noise of the beam in the rest of it.
    """
    unshared = _unshared(image)
    # 1.645 standard deviations have a tenth of a normal distribution beyond them.
    return 1.4826 * median_of(unshared), median_of(quantiles_of(unshared, 0.9)) / 1.645


def _unshared(image: Floats) -> Floats:
    """Return what pixels share with none of their neighbours, as large as noise, of every so many pixels."""
    if min(image.shape) < 8:
        image = np.asarray(cv2.copyMakeBorder(image, 1, 1, 1, 1, cv2.BORDER_REFLECT_101), np.float32)
    row, column = (
        max(1, side // enough) for side, enough in zip(image.shape, (_ROWS, _COLUMNS), strict=True)
    )
    bend = image[:-2:row] - 2 * image[1:-1:row] + image[2::row]
    across = bend[:, :-2:column] - 2 * bend[:, 1:-1:column] + bend[:, 2::column]
    return np.asarray(np.abs(across) / np.float32(6), np.float32)
