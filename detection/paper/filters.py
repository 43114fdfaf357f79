"""Filters of the paper's detector: negative Laplacian of Gaussian, markers, gradient.

Source: Delpiano et al., J. Microsc. 271 (2018) 109, 'Development of automated workflow', and the measured
behaviour of the authors' program where the paper leaves a choice.
"""

import cv2
import numpy as np
from numpy.typing import NDArray


def rescale(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Map the range of an image to 0..1; a constant image becomes 0."""
    low, high = float(image.min()), float(image.max())
    if high <= low:
        return np.zeros_like(image)
    scaled = image - np.float32(low)
    scaled /= np.float32(high - low)
    return scaled


def negative_log(image: NDArray[np.float32], sigma_px: float) -> NDArray[np.float32]:
    """Return the negative Laplacian of Gaussian, scaled to 0..1: blobs of ``1.4 sigma`` radius are bright.

    The kernel has ``round(6 sigma)`` samples on a side, an even number for sigma 7 or 8, so that the result
    is shifted by half a pixel; outside the frame lies the mean of the image. Both as in the authors' program.

    Parameters
    ----------
    image : (rows, columns) array of float32
    sigma_px : float
        Standard deviation of the Gaussian, px, above 0.

    Returns
    -------
    (rows, columns) array of float32
        0..1.
    """
    size = max(round(6 * sigma_px), 3)
    x = np.arange(size) - (size - 1) / 2
    gauss = np.exp(-(x**2) / (2 * sigma_px**2))
    gauss /= gauss.sum()
    curved = gauss * (x**2 - sigma_px**2) / sigma_px**4
    kernel_mean = 2 * curved.sum() * gauss.sum() / size**2
    anchor = ((size - 1) // 2, (size - 1) // 2)
    centred = np.asarray(image - np.float32(image.mean(dtype=np.float64)), dtype=np.float32)

    def separable(along_x: NDArray[np.float64], along_y: NDArray[np.float64]) -> NDArray[np.float32]:
        filtered = cv2.sepFilter2D(
            centred, cv2.CV_32F, along_x, along_y, anchor=anchor, borderType=cv2.BORDER_CONSTANT
        )
        return np.asarray(filtered)

    log = separable(curved, gauss) + separable(gauss, curved)
    sums = cv2.boxFilter(
        centred, cv2.CV_32F, (size, size), anchor=anchor, normalize=False, borderType=cv2.BORDER_CONSTANT
    )
    return rescale(np.asarray(np.float32(kernel_mean) * np.asarray(sums) - log, dtype=np.float32))


def brightest(feature: NDArray[np.float32], quantile: float) -> NDArray[np.bool_]:
    """Return the pixels strictly above a quantile (0..1) of the feature."""
    rank = min(int(np.floor(quantile * feature.size + 1e-9)), feature.size - 1)
    threshold = np.partition(feature, rank, axis=None)[rank]
    return np.asarray(feature > threshold)


def gradient_magnitude(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the Sobel gradient magnitude; the edge of the frame is repeated outwards."""
    dx = cv2.Sobel(image, cv2.CV_32F, 1, 0, ksize=3, borderType=cv2.BORDER_REPLICATE)
    dy = cv2.Sobel(image, cv2.CV_32F, 0, 1, ksize=3, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.magnitude(dx, dy), dtype=np.float32)
