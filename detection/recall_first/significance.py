"""Where a frame is significantly brighter than its background, from fine to coarse scales."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from detection.background.estimate import Background, enlarged, lower_spread

LEAST_GROUND = 0.1
"""Of a pixel's surroundings this share must be left to say something about it."""


@dataclass(frozen=True, slots=True)
class Scale:
    """One scale of smoothing.

    Attributes
    ----------
    sigma_um : float
        Of its Gaussian.
    seed_sd, extend_sd : float
        Thresholds in standard deviations of the ground at that scale.
    extend_share : float
        What is below this share of the peak of its region is its blur, 0..1.
    shrink : int
        It works on pixels so many times larger.
    """

    sigma_um: float
    seed_sd: float
    extend_sd: float
    extend_share: float
    shrink: int


SCALES = (
    Scale(0.27, 6.0, 2.5, 0.0, 1),
    Scale(0.53, 5.0, 2.5, 0.0, 1),
    Scale(1.07, 4.5, 2.0, 0.25, 2),
    Scale(1.78, 4.5, 2.0, 0.25, 2),
    Scale(2.85, 4.5, 2.0, 0.25, 4),
)
LEAST_LOWER_SHARE = 0.85
UNEVEN_EXTRA = 0.4
"""How much higher thresholds are, as a share, where all the spread of the ground is unevenness."""
EDGE_SD = 1.25
EDGE_UM = 2.0


@dataclass(frozen=True, slots=True)
class Significance:
    """What stands out.

    Attributes
    ----------
    mask : (rows, columns) array of bool
    strength : (rows, columns) array of float32
        Significance over the seed threshold of the scale that found the pixel; 0 outside the mask.
    unevenness : float
        Standard deviation of the empty ground at the finest scale beyond what its noise explains, in
        deviations of the noise of a pixel; 0 is even.
    """

    mask: NDArray[np.bool_]
    strength: NDArray[np.float32]
    unevenness: float


def significant(
    residual: NDArray[np.float32],
    glow: NDArray[np.float32],
    empty: NDArray[np.bool_],
    pixel_um: float,
) -> Significance:
    """Find the pixels that belong to something significantly brighter than the background.

    What one scale finds is left out of the averages of the next, coarser one, so that the light of bright
    cells is not smeared over their surroundings and a faint cytoplasm is seen between bright puncta. At each
    scale the lower side of the empty ground, to which cells add nothing, tells how much it varies: noise that
    is not white and uneven autofluorescence raise the thresholds.

    Parameters
    ----------
    residual : (rows, columns) array of float32
        Frame above its background, in standard deviations of the noise of a pixel.
    glow : (rows, columns) array of float32
        Background, in the same unit: autofluorescence is uneven by a share of itself.
    empty : (rows, columns) array of bool
        Where no cell is suspected.
    pixel_um : float
    """
    mask = np.zeros(residual.shape, dtype=np.uint8)
    strength = np.zeros(residual.shape, dtype=np.float32)
    free = np.ones(residual.shape, dtype=np.float32)
    unevenness = 0.0
    for scale in SCALES:
        z, ground, light = _significance(residual, free, glow, empty, scale, pixel_um)
        spread = _spread_of(z, ground)
        if scale is SCALES[0]:
            sigma_px = max(scale.sigma_um / pixel_um, 0.4)
            unevenness = math.sqrt(max(spread**2 - 1, 0)) / (2 * math.sqrt(math.pi) * sigma_px)
        if spread > 1:
            # Noise and, as a share of the background, its unevenness; together the spread that was measured.
            power = light**2
            power *= np.float32((spread**2 - 1) / max(float(power[ground].mean()), 1e-6))
            # Unevenness is less Gaussian than noise: the more of it, the higher the thresholds.
            z /= np.sqrt(1 + power) * np.float32(1 + UNEVEN_EXTRA * (1 - 1 / spread**2))
        before = mask
        if scale.shrink > 1:
            before = np.asarray(cv2.resize(mask, z.shape[::-1], interpolation=cv2.INTER_NEAREST))
        # What was found already is a seed too: a faint cytoplasm around bright puncta need not be one itself.
        seeds = (z >= scale.seed_sd) | (before > 0)
        new = hysteresis((z > scale.extend_sd) | (before > 0), seeds)
        new = _above_share_of_peak(z, new & (z > scale.extend_sd), scale.extend_share)
        if scale.shrink > 1:
            near = cv2.dilate(new, _disc(max(round(EDGE_UM / (pixel_um * scale.shrink)), 1)))
            new |= ((z > EDGE_SD) & (np.asarray(near) > 0)).astype(np.uint8)
            z = np.asarray(cv2.resize(z, residual.shape[::-1], interpolation=cv2.INTER_LINEAR))
            new = np.asarray(cv2.resize(new, residual.shape[::-1], interpolation=cv2.INTER_NEAREST))
        found = new > 0
        np.maximum(strength, z * np.float32(1 / scale.seed_sd), out=strength, where=found)
        mask |= new
        # The rim just below the threshold is light of what was found; it must not make a hit of its own.
        rim = cv2.dilate(new, _disc(max(round(scale.sigma_um / pixel_um), 1)))
        free[np.asarray(rim) > 0] = 0
    return Significance(mask > 0, strength, unevenness)


def _significance(
    residual: NDArray[np.float32],
    free: NDArray[np.float32],
    glow: NDArray[np.float32],
    empty: NDArray[np.bool_],
    scale: Scale,
    pixel_um: float,
) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.float32]]:
    """Average of the free pixels around each over its standard deviation in white noise.

    Returns
    -------
    z : array of float32
    ground : array of bool
        Where it was measured on empty ground.
    glow : array of float32
        At the resolution of `z`.
    """
    values = residual * free
    if scale.shrink > 1:
        size = tuple(-(-n // scale.shrink) for n in residual.shape[::-1])
        values = np.asarray(cv2.resize(values, size, interpolation=cv2.INTER_AREA))
        free = np.asarray(cv2.resize(free, size, interpolation=cv2.INTER_AREA))
        glow = np.asarray(cv2.resize(glow, size, interpolation=cv2.INTER_AREA))
        empty = np.asarray(cv2.resize(empty.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)) > 0
    sigma = max(scale.sigma_um / (pixel_um * scale.shrink), 0.4)
    kernel = cv2.getGaussianKernel(2 * int(np.ceil(3 * sigma)) + 1, sigma, cv2.CV_32F)
    squared = kernel**2
    share = np.asarray(cv2.sepFilter2D(free, cv2.CV_32F, squared, squared, borderType=cv2.BORDER_CONSTANT))
    total = np.asarray(cv2.sepFilter2D(values, cv2.CV_32F, kernel, kernel, borderType=cv2.BORDER_CONSTANT))
    # A shrunken pixel is the mean of shrink^2 of them.
    whole = float(squared.sum()) ** 2
    z = total * np.float32(scale.shrink) / np.sqrt(np.maximum(share, np.float32(LEAST_GROUND * whole)))
    return np.asarray(z, dtype=np.float32), empty & (free > 0.5), glow


def _spread_of(z: NDArray[np.float32], ground: NDArray[np.bool_]) -> float:
    """Standard deviation of the ground; of every third pixel where there are many, neighbours being alike.

    The lower of two measures, within limits: rims of cells that count as ground spread it on the upper side
    only, and the distance of the sixteenth percentile from nought does not see them.
    """
    step = 3 if z.size > 10_000 else 1
    values = z.ravel()[::step][ground.ravel()[::step]]
    if values.size == 0:
        return 1.0
    spread = lower_spread(values)
    rank = int(0.1587 * values.size)
    below = -float(np.partition(values, rank)[rank])
    return min(spread, max(below, LEAST_LOWER_SHARE * spread))


def _above_share_of_peak(
    values: NDArray[np.float32], mask: NDArray[np.uint8], share: float
) -> NDArray[np.uint8]:
    """Take from each region what is below a share of its peak."""
    if share == 0 or not mask.any():
        return mask
    count, labels = cv2.connectedComponents(mask, connectivity=8)
    inside = np.flatnonzero(mask)
    peaks = np.zeros(count, dtype=np.float32)
    np.maximum.at(peaks, np.asarray(labels, dtype=np.int32).ravel()[inside], values.ravel()[inside])
    return np.asarray(mask & (values >= share * peaks[labels]), dtype=np.uint8)


def hysteresis(mask: NDArray[np.bool_], seeds: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Regions (8 neighbours) of a mask that hold a seed, as 0 and 1."""
    if not seeds.any():
        return np.zeros(mask.shape, dtype=np.uint8)
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    keep = np.zeros(count, dtype=np.uint8)
    keep[labels[seeds]] = 1
    keep[0] = 0
    return np.asarray(keep[labels])


def _disc(radius_px: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius_px + 1,) * 2), dtype=np.uint8)


def subtract_background(
    image: NDArray[np.float32], background: Background, shrink: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Shrink a frame and take its background away.

    Parameters
    ----------
    image : (rows, columns) array of float32
        Grey levels, without spikes; the sides are multiples of `shrink`.
    background : Background
    shrink : int
        Pixels along each side of one of the result.

    Returns
    -------
    residual : (rows / shrink, columns / shrink) array of float32
        Grey levels.
    noise_sd : array of float32 of that shape
        Deviation of a pixel of `residual` from white noise.
    """
    size = image.shape[1] // shrink, image.shape[0] // shrink
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA) if shrink > 1 else image
    residual = np.asarray(small) - enlarged(background.level, size[::-1])
    return residual, enlarged(background.noise_sd, size[::-1]) / np.float32(shrink)
