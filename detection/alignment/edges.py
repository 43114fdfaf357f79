"""Edges of an image as complex numbers that do not depend on which side is the brighter one.

The angle of a gradient, doubled, is the same for a step up and a step down; the length is limited, so that
bright cells do not outvote dim ones (normalised gradient fields: Haber and Modersitzki, MICCAI 2006, 726).
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from detection.alignment.settings import SETTINGS

Edges = NDArray[np.complex64]


def edges(image: NDArray[np.float32], sigma_px: float) -> Edges:
    """Return the edges of an image: length 0..1, angle twice that of the gradient.

    Parameters
    ----------
    image : (rows, columns) array of float32
    sigma_px : float
        Scale of the edges.
    """
    smooth = cv2.GaussianBlur(image, (0, 0), sigma_px, borderType=cv2.BORDER_REFLECT)
    dx = np.asarray(cv2.Sobel(smooth, cv2.CV_32F, 1, 0, ksize=3))
    dy = np.asarray(cv2.Sobel(smooth, cv2.CV_32F, 0, 1, ksize=3))
    # A border has no outside: its edges would be those of the image.
    border = int(np.ceil(2 * sigma_px))
    square = dx * dx + dy * dy
    noise = np.median(square) * np.float32(SETTINGS.noise_factor**2)
    gradient = (dx + 1j * dy).astype(np.complex64)
    found = gradient * gradient / (square + max(float(noise), 1e-12))
    for side in (found, found.T, found[::-1], found.T[::-1]):
        side[:border] = 0
    return np.asarray(found, dtype=np.complex64)
