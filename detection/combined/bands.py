"""Long, thin bands, such as folds, which are no cells however bright."""

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
    _, labels, stats = components(mask.astype(np.uint8))
    width, height, area = stats[:, 2:].T.astype(np.float64)
    length_px = np.hypot(width, height)
    is_band: NDArray[np.bool_] = (length_px * pixel_um >= settings.band_um) & (
        area <= settings.band_fill * length_px**2
    )
    is_band[0] = False
    return is_band.take(labels)
