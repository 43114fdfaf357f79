"""Pixel features that the paper selected in ilastik, at scales in micrometres.

Source: Delpiano et al., J. Microsc. 271 (2018) 109, 'Semiautomated segmentation using Ilastik': Gaussian
smoothing, Laplacian of Gaussian, Gaussian gradient magnitude, difference of Gaussians, eigenvalues of the
structure tensor and of the Hessian. Their definitions, with the factors .66 and .5, are those of ilastik.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

PER_SCALE = 8
"""Features of one scale: two of the six are pairs of eigenvalues."""
DIFFERENCE_SHARE = 0.66
"""Sigma of the smaller over that of the larger Gaussian of a difference, as in ilastik."""
TENSOR_SHARE = 0.5
"""Sigma of the outer over that of the inner Gaussian of the structure tensor, as in ilastik."""
SMALLEST_SIGMA_PX = 0.5
"""Narrower Gaussians are hardly sampled: 68 % of one lie in a single pixel. From geometry."""


def ilastik_features(
    image: NDArray[np.float32], pixel_size_um: float, scales_um: Sequence[float]
) -> NDArray[np.float32]:
    """Compute the features of every pixel.

    Derivatives are multiplied by their scale (scale-space normalisation), so that a feature of one scale
    means the same at any pixel size.

    Parameters
    ----------
    image : (rows, columns) array of float32
    pixel_size_um : float
    scales_um : sequence of float
        Standard deviations of the Gaussians, um.

    Returns
    -------
    (rows * columns, 8 * scales) array of float32
        Pixels in the order of rows; for each scale Gaussian, Laplacian, gradient magnitude, difference of
        Gaussians, larger and smaller eigenvalue of the structure tensor, and of the Hessian.
    """
    features = np.empty((len(scales_um) * PER_SCALE, *image.shape), dtype=np.float32)
    for number, scale_um in enumerate(scales_um):
        sigma = max(scale_um / pixel_size_um, SMALLEST_SIGMA_PX)
        features[number * PER_SCALE : (number + 1) * PER_SCALE] = _of_scale(image, sigma)
    return np.ascontiguousarray(features.reshape(len(features), -1).T)


def _of_scale(image: NDArray[np.float32], sigma: float) -> list[NDArray[np.float32]]:
    smooth = _gaussian(image, sigma)
    dx, dy = _slope(smooth, 1, 0) * sigma, _slope(smooth, 0, 1) * sigma
    xx, yy, xy = (
        _slope(derivative, *along) * sigma for derivative, along in ((dx, (1, 0)), (dy, (0, 1)), (dx, (0, 1)))
    )
    outer = TENSOR_SHARE * sigma
    tensor = _eigenvalues(_gaussian(dx * dx, outer), _gaussian(dy * dy, outer), _gaussian(dx * dy, outer))
    return [
        smooth,
        xx + yy,
        np.sqrt(dx * dx + dy * dy),
        smooth - _gaussian(image, DIFFERENCE_SHARE * sigma),
        *tensor,
        *_eigenvalues(xx, yy, xy),
    ]


def _gaussian(image: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REFLECT), dtype=np.float32)


def _slope(image: NDArray[np.float32], x: int, y: int) -> NDArray[np.float32]:
    """Central difference along x or y, per pixel."""
    return np.asarray(
        cv2.Sobel(image, cv2.CV_32F, x, y, ksize=1, scale=0.5, borderType=cv2.BORDER_REFLECT),
        dtype=np.float32,
    )


def _eigenvalues(
    xx: NDArray[np.float32], yy: NDArray[np.float32], xy: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Larger and smaller eigenvalue of the symmetric matrices ``[[xx, xy], [xy, yy]]``."""
    middle = np.asarray((xx + yy) / 2, dtype=np.float32)
    half = np.asarray(np.hypot((xx - yy) / 2, xy), dtype=np.float32)
    return np.asarray(middle + half), np.asarray(middle - half)
