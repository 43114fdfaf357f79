"""Long, thin bands, such as folds, which are no cells however bright."""

import math

import numpy as np
from numpy.typing import NDArray

from detection.combined.settings import COMBINED, CombinedSettings
from detection.image.shapes import components


def bands_in(
    mask: NDArray[np.bool_], pixel_um: float, settings: CombinedSettings = COMBINED
) -> NDArray[np.bool_]:
    """Return the pixels of connected regions (8 neighbours) that are much longer than cells, and thin.

    Parameters
    ----------
    mask : (rows, columns) array of bool
    pixel_um : float
    settings : CombinedSettings
    """
    count, labels, stats = components(mask.astype(np.uint8))
    is_band = np.zeros(count, np.bool_)
    for number in range(1, count):
        _, _, width, height, area = stats[number].tolist()
        length = math.hypot(width, height)
        long = length * pixel_um >= settings.band_um
        is_band[number] = long and area <= settings.band_fill * length**2
    return is_band.take(labels)
