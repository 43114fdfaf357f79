"""Coarse image of a section, and its mean over sections: enough for the shapes of cells."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from detection.registration.normalisation import smooth_background
from detection.registration.rigid import Rigid, warp_matrix
from detection.serial.separation.settings import SETTINGS

_SETTINGS = SETTINGS.coarse_image


@dataclass(frozen=True, slots=True)
class CoarseImage:
    """Intensity above the background on a grid of about 0.36 um.

    Attributes
    ----------
    intensity : (rows, columns) array of float32
        Smoothed slightly, grey levels.
    noise_adu : float
        Standard deviation of one of its pixels.
    shrink : int
        Pixels of the frame on the side of one of its pixels.
    pixel_um : float
        Size of one of its pixels.
    """

    intensity: NDArray[np.float32]
    noise_adu: float
    shrink: int
    pixel_um: float

    @property
    def grid(self) -> tuple[tuple[int, int], float]:
        """Shape and pixel size, um."""
        return (self.intensity.shape[0], self.intensity.shape[1]), self.pixel_um


def coarse_image(residual: NDArray[np.float32], noise_adu: float, pixel_size_um: float) -> CoarseImage:
    """Average a section over blocks of pixels, without its smooth background, and smooth it.

    Parameters
    ----------
    residual : (rows, columns) array of float32
        Grey levels above the background.
    noise_adu : float
        Standard deviation of a pixel.
    pixel_size_um : float
    """
    shrink = max(round(_SETTINGS.pixel_um / pixel_size_um), 1)
    pixel_um = shrink * pixel_size_um
    rows, columns = residual.shape
    # Blocks at the edge are averaged over the pixels they have.
    size = math.ceil(columns / shrink), math.ceil(rows / shrink)
    padded = np.asarray(
        cv2.copyMakeBorder(residual, 0, -rows % shrink, 0, -columns % shrink, cv2.BORDER_REPLICATE)
    )
    small = np.asarray(cv2.resize(padded, size, interpolation=cv2.INTER_AREA), dtype=np.float32)
    # Blur over several cells would fill the necks between them.
    small = small - smooth_background(small, pixel_um)
    sigma = max(_SETTINGS.sigma_um / pixel_um, 0.5)
    intensity = np.asarray(cv2.GaussianBlur(small, (0, 0), sigma), dtype=np.float32)
    noise_of_block = noise_adu / shrink / (2 * math.sqrt(math.pi) * sigma)
    return CoarseImage(intensity, noise_of_block, shrink, pixel_um)


def mean_intensity(own: CoarseImage, others: Sequence[tuple[CoarseImage, Rigid]]) -> NDArray[np.float32]:
    """Average the coarse image of a section with those of others, each where its frame reaches.

    Parameters
    ----------
    own : CoarseImage
    others : sequence of (CoarseImage, Rigid)
        With the motion from the plane of each to that of the section.

    Returns
    -------
    (rows, columns) array of float32
        On the grid of the section.
    """
    total = own.intensity.copy()
    count = np.ones_like(total)
    size = total.shape[::-1]
    for other, motion in others:
        matrix = warp_matrix(motion, other.grid, own.grid)
        total += cv2.warpAffine(other.intensity, matrix, size, flags=cv2.INTER_LINEAR)
        count += cv2.warpAffine(np.ones_like(other.intensity), matrix, size, flags=cv2.INTER_LINEAR)
    return np.asarray(total / count)
