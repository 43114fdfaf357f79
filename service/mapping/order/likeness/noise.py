"""Noise of a frame where frames are compared, from the frame alone."""

import cv2
import numpy as np
from numpy.typing import NDArray

from detection.registration.correlation import raster
from detection.registration.normalisation import normalise_residual
from detection.registration.section_frame import SectionFrame
from detection.registration.settings import SETTINGS

Floats = NDArray[np.float32]

_SMOOTH_PX = 1.5
"""Sigma that leaves of a frame hardly any noise, and cells as they are. Chosen by hand."""
_OF_NEIGHBOURS = 9 / 8
"""Variance of the noise over that of what a pixel differs by from the mean of 3 x 3, itself among them."""


def noise_variance(residual: Floats, frame: SectionFrame, least_bright: float, seed: int) -> float:
    """Return the variance of the noise in the raster of a frame (`detection.registration.correlation`).

    What each pixel differs by from its neighbours is mostly noise. With random signs no cell is left in it,
    but its strength stays, place by place; it then takes the same way as the frame.

    Parameters
    ----------
    residual : (rows, columns) array of float32
        The frame without its smooth background.
    frame : SectionFrame
    least_bright : float
        As in `normalise_residual`.
    seed : int
        Of the signs.
    """
    signs = np.random.default_rng(seed).choice(np.array([-1, 1], np.float32), size=residual.shape)
    differs = np.float32(np.sqrt(_OF_NEIGHBOURS)) * (residual - np.asarray(cv2.blur(residual, (3, 3))))
    smooth = np.asarray(cv2.GaussianBlur(residual, (0, 0), _SMOOTH_PX), dtype=np.float32)
    rasters = []
    for values in (smooth, np.asarray(smooth + differs * signs, dtype=np.float32)):
        image, mask = normalise_residual(values, frame, SETTINGS.correlation.pixel_um, least_bright)
        pixel_um = frame.pixel_size_um * frame.shape[1] / image.shape[1]
        rasters.append(raster(image, mask, pixel_um))
    shown = rasters[0].mask
    return float((rasters[1].image - rasters[0].image)[shown].var()) if shown.any() else 0.0
