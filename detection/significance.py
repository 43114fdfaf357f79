"""Where a frame is significantly brighter than its background, from fine to coarse scales."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from detection.background import Background

EIGHT = np.ones((3, 3), dtype=np.uint8)
SPIKE_SD = 8.0
SPIKE_NEIGHBOUR_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class Scale:
    """One scale of smoothing: its Gaussian, and the thresholds in standard deviations of the noise there."""

    sigma_um: float
    seed_sd: float
    extend_sd: float


SCALES = (Scale(0.27, 6, 2.5), Scale(0.53, 5, 2.5), Scale(1.07, 4.5, 2), Scale(1.78, 4.5, 2))


def significant(
    image: NDArray[np.float32], background: Background, pixel_size_um: float
) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """Find the pixels that belong to something significantly brighter than the background.

    What one scale finds is taken out before the next, coarser one looks, so that the light of bright cells
    is not smeared over their surroundings.

    Parameters
    ----------
    image : (rows, columns) array of float32
        Grey levels, without spikes (`remove_spikes`).
    background : Background
    pixel_size_um : float

    Returns
    -------
    mask : (rows, columns) array of bool
    strength : (rows, columns) array of float32
        Significance over the seed threshold of the scale that found the pixel; 0 outside the mask.
    """
    left = image - background.level
    found = np.zeros(image.shape, dtype=np.bool_)
    strength = np.zeros(image.shape, dtype=np.float32)
    for scale in SCALES:
        sigma_px = max(scale.sigma_um / pixel_size_um, 0.5)
        z = _significance(left, background, sigma_px)
        z /= np.float32(max(_lower_spread(z, background), 1.0))
        new = hysteresis(z, scale.extend_sd, scale.seed_sd)
        np.maximum(strength, z / scale.seed_sd, out=strength, where=new)
        found |= new
        # The rim just below the threshold is light of what was found; it must not make a hit of its own.
        rim_px = 2 * round(sigma_px) + 1
        rim = cv2.dilate(new.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (rim_px, rim_px)))
        left[np.asarray(rim) > 0] = 0
    return found, strength


def _significance(
    residual: NDArray[np.float32], background: Background, sigma_px: float
) -> NDArray[np.float32]:
    """Smoothed residual over its own standard deviation."""
    size = 2 * int(np.ceil(4 * sigma_px)) + 1
    kernel = cv2.getGaussianKernel(size, sigma_px, cv2.CV_32F)
    smooth = np.asarray(cv2.sepFilter2D(residual, cv2.CV_32F, kernel, kernel, borderType=cv2.BORDER_REFLECT))
    # White noise smoothed by a separable kernel: its deviation falls by the sum of squares of one axis.
    z = smooth / (background.noise_sd * np.float32((kernel**2).sum()))
    return np.asarray(z, dtype=np.float32)


def _lower_spread(z: NDArray[np.float32], background: Background) -> float:
    """Spread of the significance of empty ground, by its lower side, to which cells add nothing; 1 is ideal.

    More than 1 says that noise is not white or the ground not even.
    """
    empty = z[background.empty]
    return -float(np.percentile(empty, 15.87)) if empty.size else 1.0


def unevenness(image: NDArray[np.float32], background: Background, pixel_size_um: float) -> float:
    """How much more than its noise the empty ground varies, over scales up to that of a small cell.

    Parameters
    ----------
    image : (rows, columns) array of float32
        Grey levels.
    background : Background
    pixel_size_um : float

    Returns
    -------
    float
        About 1 where the ground is even and the noise white.
    """
    residual = image - background.level
    return max(
        _lower_spread(
            _significance(residual, background, max(scale.sigma_um / pixel_size_um, 0.5)), background
        )
        for scale in SCALES
    )


def hysteresis(values: NDArray[np.float32], low: float, high: float) -> NDArray[np.bool_]:
    """Pixels above `low` that are connected (8 neighbours) to one that reaches `high`."""
    count, labels = cv2.connectedComponents((values > low).astype(np.uint8), connectivity=8)
    keep = np.zeros(count, dtype=np.bool_)
    keep[labels[values >= high]] = True
    keep[0] = False
    return np.asarray(keep[labels])


def remove_spikes(image: NDArray[np.float32], noise_sd: NDArray[np.float32]) -> NDArray[np.float32]:
    """Replace single pixels that stand alone far above their neighbours: hot pixels, cosmic rays.

    Light through an objective always reaches the neighbours of a pixel; a spike does not. A pixel is one
    when it is 8 standard deviations above the median of its 3 x 3 and the brightest neighbour has less than
    a quarter of that height.
    """
    middle = np.asarray(cv2.medianBlur(image, 3))
    height = image - middle
    candidates = np.argwhere(height > SPIKE_SD * noise_sd)
    clean = image
    ring = np.ones((3, 3), dtype=np.bool_)
    ring[1, 1] = False
    for row, column in candidates[: image.size // 100]:
        near = image[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2]
        second = np.partition(near, -2, axis=None)[-2]
        if second - middle[row, column] < SPIKE_NEIGHBOUR_SHARE * height[row, column]:
            if clean is image:
                clean = image.copy()
            clean[row, column] = middle[row, column]
    return clean
