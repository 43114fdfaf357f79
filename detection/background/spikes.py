"""Single pixels that are no light: hot pixels, cosmic rays."""

import cv2
import numpy as np
from numpy.typing import NDArray

SPIKE_SD = 8.0
SPIKE_NEIGHBOUR_SHARE = 0.25


def remove_spikes(image: NDArray[np.float32], noise_sd: float) -> NDArray[np.float32]:
    """Replace single pixels that stand alone far above their neighbours: hot pixels, cosmic rays.

    Light through an objective always reaches the neighbours of a pixel; a spike does not. A pixel is one
    when it is 8 standard deviations above the median of its 3 x 3 and the brightest neighbour has less than
    a quarter of that height.
    """
    middle = np.asarray(cv2.medianBlur(image, 3))
    height = cv2.subtract(image, middle)
    high = (np.asarray(height) > SPIKE_SD * noise_sd).astype(np.uint8)
    candidates = cv2.findNonZero(high)
    clean = image
    if candidates is None:
        return clean
    for column, row in np.asarray(candidates).reshape(-1, 2)[: image.size // 100].tolist():
        near = image[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2]
        second = np.partition(near, -2, axis=None)[-2]
        if second - middle[row, column] < SPIKE_NEIGHBOUR_SHARE * height[row, column]:
            if clean is image:
                clean = image.copy()
            clean[row, column] = middle[row, column]
    return clean
