"""The light of a section on a coarse grid, and its mean over sections: enough for the shapes of cells."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from detection.registration.normalisation import smooth_background
from detection.registration.rigid import Rigid, warp_matrix
from detection.serial.pooling import Layer

PIXEL_UM = 0.36
SIGMA_UM = 0.35


@dataclass(frozen=True, slots=True)
class CoarseLight:
    """Light above the background on a grid of about 0.36 um.

    Attributes
    ----------
    light : (rows, columns) array of float32
        Smoothed a little, grey levels.
    noise_adu : float
        Standard deviation of one of its pixels.
    shrink : int
        Pixels of the frame on a side of one of these.
    pixel_um : float
        Size of one of these.
    """

    light: NDArray[np.float32]
    noise_adu: float
    shrink: int
    pixel_um: float

    @property
    def grid(self) -> tuple[tuple[int, int], float]:
        """Shape and pixel size, um."""
        return (self.light.shape[0], self.light.shape[1]), self.pixel_um


def coarse_light(layer: Layer) -> CoarseLight:
    """Average a section over blocks of pixels, without its smooth background, and smooth it.

    Parameters
    ----------
    layer : Layer
    """
    shrink = max(round(PIXEL_UM / layer.frame.pixel_size_um), 1)
    pixel_um = shrink * layer.frame.pixel_size_um
    rows, columns = layer.frame.shape
    # Blocks that the edge cuts are averaged over what there is of them.
    size = math.ceil(columns / shrink), math.ceil(rows / shrink)
    padded = np.asarray(
        cv2.copyMakeBorder(layer.residual, 0, -rows % shrink, 0, -columns % shrink, cv2.BORDER_REPLICATE)
    )
    small = np.asarray(cv2.resize(padded, size, interpolation=cv2.INTER_AREA), dtype=np.float32)
    # Light that is blurred over several cells would fill the necks between them.
    small = small - smooth_background(small, pixel_um)
    sigma = max(SIGMA_UM / pixel_um, 0.5)
    light = np.asarray(cv2.GaussianBlur(small, (0, 0), sigma), dtype=np.float32)
    return CoarseLight(light, layer.noise_adu / shrink / (2 * math.sqrt(math.pi) * sigma), shrink, pixel_um)


def mean_light(own: CoarseLight, others: Sequence[tuple[CoarseLight, Rigid]]) -> NDArray[np.float32]:
    """Average the light of a section with that of others, each where its frame reaches.

    Parameters
    ----------
    own : CoarseLight
    others : sequence of (CoarseLight, Rigid)
        With the motion from the plane of each to that of the section.

    Returns
    -------
    (rows, columns) array of float32
        On the grid of the section.
    """
    total = own.light.copy()
    count = np.ones_like(total)
    size = total.shape[::-1]
    for other, motion in others:
        matrix = warp_matrix(motion, other.grid, own.grid)
        total += cv2.warpAffine(other.light, matrix, size, flags=cv2.INTER_LINEAR)
        count += cv2.warpAffine(np.ones_like(other.light), matrix, size, flags=cv2.INTER_LINEAR)
    return np.asarray(total / count)
