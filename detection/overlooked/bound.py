"""The faintest disc that would have been seen, by the noise and the unevenness of a frame."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from detection.background.estimate import QUANTISATION_SD, Blocks, average_blocks
from detection.background.polynomial_surface import surface_through
from detection.background.ranks import median
from detection.image.frames import Frame
from detection.image.hits import Overlooked
from detection.image.parts import PART_PX, cores_of
from detection.overlooked.settings import OVERLOOKED, OverlookedSettings


def overlooked_in(
    frame: Frame, least_contrast: float, settings: OverlookedSettings = OVERLOOKED
) -> Overlooked | None:
    """Return the faintest disc that would have been seen in a frame without cells.

    The Rose criterion with the noise that the frame really has: averages over a disc, above those of its
    surroundings, spread by noise and by uneven background. A disc is seen if it stands out by a multiple of
    that spread, which was measured for each detector.

    Parameters
    ----------
    frame : Frame
    least_contrast : float
        That multiple; see `detection.detectors.KnowsItsLimit`.
    settings : OverlookedSettings

    Returns
    -------
    Overlooked or None
        Of the worst part of a large frame. None for frames that were processed before, whose grey levels do
        not add up, and for frames too small for discs.
    """
    rows, columns = frame.values.shape
    if frame.processed or min(rows, columns) * frame.pixel_size_um < settings.least_side_um:
        return None
    worst: Overlooked | None = None
    for part in cores_of(rows, columns, PART_PX):
        blocks = average_blocks(frame.values[part.slices], frame.pixel_size_um)
        noise = noise_of(blocks)
        by_noise = spread_by_noise(noise, frame.pixel_size_um, settings)
        contrast = least_contrast * max(spread_of(blocks, settings=settings), by_noise)
        if worst is None or contrast > worst.contrast_adu:
            worst = Overlooked(settings.diameter_um, contrast, contrast / noise)
    return worst


def noise_of(blocks: Blocks) -> float:
    """Return the standard deviation of the noise of a pixel, grey levels."""
    return max(median(blocks.noise_sd), QUANTISATION_SD)


def spread_by_noise(
    noise_sd: float, pixel_size_um: float, settings: OverlookedSettings = OVERLOOKED
) -> float:
    """Return the spread of averages over a disc by white noise alone, in its unit."""
    return noise_sd * min(pixel_size_um / (0.5 * math.sqrt(math.pi) * settings.diameter_um), 1.0)


def spread_of(
    blocks: Blocks, free: NDArray[np.bool_] | None = None, settings: OverlookedSettings = OVERLOOKED
) -> float:
    """Return the standard deviation of averages over a disc above those of its surroundings, grey levels.

    Parameters
    ----------
    blocks : Blocks
    free : array of bool of their shape, optional
        Blocks that count, at least one; all by default.
    settings : OverlookedSettings
    """
    if free is None:
        free = np.ones(blocks.means.shape, np.bool_)
    # Light that varies over the whole frame hides no disc.
    flat = blocks.means - surface_through(blocks.means, free.astype(np.float32))
    near, far = (
        np.asarray(cv2.GaussianBlur(flat, (0, 0), max(sigma_um / blocks.block_um, 0.1)))
        for sigma_um in (settings.near_um, settings.far_um)
    )
    return float((near - far)[free].std())
