"""Pixels significantly brighter than their background, from fine to coarse scales."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from detection.background.estimate import lower_spread
from detection.image.shapes import disc
from detection.recall_first.settings import RECALL_FIRST, Scale, SignificanceSettings


@dataclass(frozen=True, slots=True)
class Significance:
    """Significant pixels.

    Attributes
    ----------
    mask : (rows, columns) array of bool
    strength : (rows, columns) array of float32
        Significance over the seed threshold of the scale that found the pixel; 0 outside the mask.
    unevenness : float
        Standard deviation of the empty background at the finest scale beyond its noise, in deviations of
        the noise of a pixel; 0 is even.
    """

    mask: NDArray[np.bool_]
    strength: NDArray[np.float32]
    unevenness: float


def significant(
    residual: NDArray[np.float32],
    level: NDArray[np.float32],
    empty: NDArray[np.bool_],
    pixel_um: float,
    settings: SignificanceSettings = RECALL_FIRST.significance,
    most_uneven: float = math.inf,
) -> Significance:
    """Find the pixels that belong to something significantly brighter than the background.

    Pixels found at one scale are left out of the averages of the next, coarser one, so that the intensity of
    bright cells is not smeared over their surroundings and a faint cytoplasm is seen between bright puncta.
    At each scale the spread of the empty background is measured on its lower side, to which cells add
    nothing: noise that is not white and uneven autofluorescence raise the thresholds.

    Parameters
    ----------
    residual : (rows, columns) array of float32
        Frame above its background, in standard deviations of the noise of a pixel.
    level : (rows, columns) array of float32
        Background, in the same unit: autofluorescence is uneven by a share of itself.
    empty : (rows, columns) array of bool
        True where no cell is suspected.
    pixel_um : float
    settings : SignificanceSettings
    most_uneven : float
        Unevenness above which no more is looked for: the background is none.
    """
    mask = np.zeros(residual.shape, dtype=np.uint8)
    strength = np.zeros(residual.shape, dtype=np.float32)
    free = np.ones(residual.shape, dtype=np.float32)
    unevenness = 0.0
    for scale in settings.scales:
        z, is_empty, brightness = _significance(
            residual, free, level, empty, scale, pixel_um, settings.min_free_share
        )
        spread = _spread_of(z, is_empty, settings.min_lower_share)
        if scale is settings.scales[0]:
            sigma_px = max(scale.sigma_um / pixel_um, 0.4)
            unevenness = math.sqrt(max(spread**2 - 1, 0)) / (2 * math.sqrt(math.pi) * sigma_px)
            if unevenness > most_uneven:
                break
        if spread > 1:
            # Noise and, as a share of the background, its unevenness; together the spread that was measured.
            power = brightness**2
            power *= np.float32((spread**2 - 1) / max(float(power[is_empty].mean()), 1e-6))
            # Unevenness is less Gaussian than noise: the more of it, the higher the thresholds.
            power += 1
            np.sqrt(power, out=power)
            power *= np.float32(1 + settings.uneven_extra * (1 - 1 / spread**2))
            z /= power
        before = mask
        if scale.shrink > 1:
            before = np.asarray(cv2.resize(mask, z.shape[::-1], interpolation=cv2.INTER_NEAREST))
        # Earlier hits are seeds too: a faint cytoplasm around bright puncta need not be one itself.
        seeds = (z >= scale.seed_sd) | (before > 0)
        new = hysteresis((z > scale.extend_sd) | (before > 0), seeds)
        new = _above_share_of_peak(z, new & (z > scale.extend_sd), scale.extend_share)
        if scale.shrink > 1:
            near = cv2.dilate(new, disc(max(round(settings.rim_um / (pixel_um * scale.shrink)), 1)))
            new |= ((z > settings.rim_sd) & (np.asarray(near) > 0)).astype(np.uint8)
            z = np.asarray(cv2.resize(z, residual.shape[::-1], interpolation=cv2.INTER_LINEAR))
            new = np.asarray(cv2.resize(new, residual.shape[::-1], interpolation=cv2.INTER_NEAREST))
        # Less than 0 counts as little as nothing at all.
        z *= np.float32(1 / scale.seed_sd)
        z *= new
        np.maximum(strength, z, out=strength)
        mask |= new
        if scale is settings.scales[-1]:
            break
        # The rim just below the threshold belongs to the hit; it must not make another one.
        rim = cv2.dilate(new, disc(max(round(scale.sigma_um / pixel_um), 1)))
        free[np.asarray(rim) > 0] = 0
    return Significance(mask > 0, strength, unevenness)


def _significance(
    residual: NDArray[np.float32],
    free: NDArray[np.float32],
    level: NDArray[np.float32],
    empty: NDArray[np.bool_],
    scale: Scale,
    pixel_um: float,
    min_free_share: float,
) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.float32]]:
    """Average of the free pixels around each over its standard deviation in white noise.

    Returns
    -------
    z : array of float32
    is_empty : array of bool
        True where `z` was measured on empty background.
    level : array of float32
        Background at the resolution of `z`.
    """
    values = residual * free
    if scale.shrink > 1:
        size = tuple(-(-n // scale.shrink) for n in residual.shape[::-1])
        values = np.asarray(cv2.resize(values, size, interpolation=cv2.INTER_AREA))
        free = np.asarray(cv2.resize(free, size, interpolation=cv2.INTER_AREA))
        level = np.asarray(cv2.resize(level, size, interpolation=cv2.INTER_AREA))
        empty = np.asarray(cv2.resize(empty.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)) > 0
    sigma = max(scale.sigma_um / (pixel_um * scale.shrink), 0.4)
    kernel = cv2.getGaussianKernel(2 * int(np.ceil(3 * sigma)) + 1, sigma, cv2.CV_32F)
    squared = kernel**2
    share = np.asarray(cv2.sepFilter2D(free, cv2.CV_32F, squared, squared, borderType=cv2.BORDER_CONSTANT))
    total = np.asarray(cv2.sepFilter2D(values, cv2.CV_32F, kernel, kernel, borderType=cv2.BORDER_CONSTANT))
    # A shrunken pixel is the mean of shrink^2 of them.
    whole = float(squared.sum()) ** 2
    np.maximum(share, np.float32(min_free_share * whole), out=share)
    z = total * np.float32(scale.shrink)
    z /= np.sqrt(share, out=share)
    return z, empty & (free > 0.5), level


def _spread_of(z: NDArray[np.float32], is_empty: NDArray[np.bool_], min_lower_share: float) -> float:
    """Standard deviation of the background, by every third pixel where there are many.

    The lower of two measures, within limits: rims of cells that count as background spread it on the upper
    side only, and the distance of the sixteenth percentile from 0 does not see them.
    """
    step = 3 if z.size > 10_000 else 1
    values = z.ravel()[::step][is_empty.ravel()[::step]]
    if values.size == 0:
        return 1.0
    spread = lower_spread(values)
    rank = int(0.1587 * values.size)
    below = -float(np.partition(values, rank)[rank])
    return min(spread, max(below, min_lower_share * spread))


def _above_share_of_peak(
    values: NDArray[np.float32], mask: NDArray[np.uint8], share: float
) -> NDArray[np.uint8]:
    """Remove the pixels of each region below a share of its peak."""
    if share == 0 or not mask.any():
        return mask
    count, labels = cv2.connectedComponents(mask, connectivity=8)
    inside = np.flatnonzero(mask)
    peaks = np.zeros(count, dtype=np.float32)
    np.maximum.at(peaks, np.asarray(labels, dtype=np.int32).ravel()[inside], values.ravel()[inside])
    return np.asarray(mask & (values >= share * peaks.take(np.asarray(labels))), dtype=np.uint8)


def hysteresis(mask: NDArray[np.bool_], seeds: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return the regions (8 neighbours) of a mask that hold a seed, as 0 and 1."""
    at = np.flatnonzero(seeds)
    if not at.size:
        return np.zeros(mask.shape, dtype=np.uint8)
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    keep = np.zeros(count, dtype=np.uint8)
    keep[np.asarray(labels).take(at)] = 1
    keep[0] = 0
    return keep.take(np.asarray(labels))
