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
    candidates = np.argwhere(np.asarray(height) > settings.spike_sd * noise_sd)
    clean = image
    for row, column in candidates[: image.size // 100].tolist():
        near = image[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2]
        second = np.partition(near, -2, axis=None)[-2]
        if second - middle[row, column] < settings.spike_neighbour_share * height[row, column]:
            if clean is image:
                clean = image.copy()
            clean[row, column] = middle[row, column]
    return clean
