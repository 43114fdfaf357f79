"""Removal of hot pixels and cosmic rays."""

import cv2
import numpy as np
from numpy.typing import NDArray

from detection.background.settings import BACKGROUND, BackgroundSettings


def remove_spikes(
    image: NDArray[np.float32], noise_sd: float, settings: BackgroundSettings = BACKGROUND
) -> NDArray[np.float32]:
    """Replace single pixels far above their neighbours by the median of their 3 x 3.

    Light through an objective always reaches the neighbours of a pixel; a spike does not. A pixel is a spike
    when it is 8 standard deviations above that median and its brightest neighbour has less than a quarter of
    that height.

    Parameters
    ----------
    image : (rows, columns) array of float32
    noise_sd : float
        Standard deviation of a pixel, in the unit of the image.
    settings : BackgroundSettings
    """
    middle = np.asarray(cv2.medianBlur(image, 3))
    height = cv2.subtract(image, middle)
    found = np.flatnonzero(np.asarray(height) > settings.spike_sd * noise_sd)[: image.size // 100]
    if not found.size:
        return image
    beyond = cv2.copyMakeBorder(image, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=-np.inf)
    row, column = np.divmod(found, image.shape[1])
    near = np.stack([beyond[row + down, column + across] for down in (0, 1, 2) for across in (0, 1, 2)])
    second = np.partition(near, -2, axis=0)[-2]
    beside = second - middle[row, column] < settings.spike_neighbour_share * height[row, column]
    if not beside.any():
        return image
    clean = image.copy()
    clean[row[beside], column[beside]] = middle[row[beside], column[beside]]
    return clean
