"""Everything that stands out from its background, before it becomes cells."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from detection.background.estimate import Background, enlarged, lowest_background
from detection.background.ranks import median, percentile
from detection.image.frames import Frame
from detection.image.working_grid import WorkingGrid, subtract_background
from detection.recall_first.regions import remove_halo
from detection.recall_first.settings import RECALL_FIRST, CrowdingSettings, RecallFirstSettings
from detection.recall_first.significance import Significance, hysteresis, significant


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """Pixels of the working grid that stand out.

    Attributes
    ----------
    background : Background
        The one that was subtracted last.
    residual, noise_sd : (rows, columns) array of float32
        Grey levels above it, and the standard deviation of their noise.
    z : (rows, columns) array of float32
        One over the other.
    mask : (rows, columns) array of bool
        Pixels that stand out.
    strength : (rows, columns) array of float32
        Significance over the threshold; see `detection.recall_first.significance.Significance`.
    unevenness : float
        Of the background, in deviations of the noise of a pixel.
    crowded : bool
        The background varies too much to be resin, so that its darkest parts were taken instead. No pixel
        stands out where that is left to others.
    dense : bool
        Most of the frame is brighter than its background.
    warnings : tuple of str
    """

    background: Background
    residual: NDArray[np.float32]
    noise_sd: NDArray[np.float32]
    z: NDArray[np.float32]
    mask: NDArray[np.bool_]
    strength: NDArray[np.float32]
    unevenness: float
    crowded: bool
    dense: bool
    warnings: tuple[str, ...]


def stand_out(
    frame: Frame,
    grid: WorkingGrid,
    settings: RecallFirstSettings = RECALL_FIRST,
    *,
    left_to_others: bool = False,
) -> Standing:
    """Find the pixels that stand out from the background of a frame.

    Parameters
    ----------
    frame : Frame
        Not constant.
    grid : WorkingGrid
        The frame on the working grid of these settings.
    settings : RecallFirstSettings
    left_to_others : bool
        Look for no pixels where the background turns out to be lost: another detector decides there.
    """
    warnings: list[str] = []
    crowding = settings.crowding
    shrink, pixel_um, background = grid.shrink, grid.pixel_um, grid.background
    residual, noise_sd = grid.residual, grid.noise_sd
    z = residual / noise_sd
    # Equalising makes any background uneven, so there it says nothing about crowding.
    most_uneven = math.inf if frame.processed else _most_uneven(background, shrink, settings)
    found = _found(z, noise_sd, background, pixel_um, settings, most_uneven)
    crowded = found.unevenness > most_uneven
    if crowded:
        warnings.append(
            "cells lie so densely that the ground between them cannot be told from them:"
            " the darkest parts count as ground, and most of the frame is imaged"
        )
        background = lowest_background(grid.blocks, settings.background)
        residual, noise_sd = subtract_background(grid.image, background, shrink)
        z = residual / noise_sd
        if not left_to_others:
            found = _found(z, noise_sd, background, pixel_um, settings)
    mask, strength = found.mask, found.strength
    # Several times as fast as its mean.
    covered = float(np.count_nonzero(mask) / mask.size)
    dense = covered > crowding.dense_share
    if frame.processed or (dense and not crowded):
        if dense:
            warnings.append(
                f"{covered:.0%} of the frame is brighter than its background: it is crowded or was equalised;"
                f" what has less than {crowding.floor_extend:.0%} of the brightness of bright cells"
                " is left out"
            )
        floor = _contrast_floor(residual, pixel_um, crowding)
        mask &= floor > crowding.floor_extend
        np.minimum(strength, floor / crowding.floor_seed, out=strength)
    if not (crowded or frame.processed):
        mask = remove_halo(mask.astype(np.uint8), residual, noise_sd, pixel_um, settings.halo) > 0
    return Standing(
        background,
        residual,
        noise_sd,
        z,
        mask,
        strength,
        found.unevenness,
        crowded,
        dense,
        tuple(warnings),
    )


def _most_uneven(background: Background, shrink: int, settings: RecallFirstSettings) -> float:
    """Return the unevenness above which the background varies too much to be resin."""
    noise_sd = median(background.noise_sd) / shrink
    lumpy = settings.background.lumpy_share * median(background.level)
    return max(settings.crowding.unevenness, lumpy / noise_sd)


def _found(
    z: NDArray[np.float32],
    noise_sd: NDArray[np.float32],
    background: Background,
    pixel_um: float,
    settings: RecallFirstSettings,
    most_uneven: float = math.inf,
) -> Significance:
    level = np.asarray(np.maximum(enlarged(background.level, z.shape), 0) / noise_sd, dtype=np.float32)
    empty = _on_grid(background.empty, z.shape)
    return significant(z, level, empty, pixel_um, settings.significance, most_uneven)


def _on_grid(blocks: NDArray[np.bool_], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    size = shape[1], shape[0]
    return np.asarray(cv2.resize(blocks.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)) > 0


def _contrast_floor(
    residual: NDArray[np.float32], pixel_um: float, settings: CrowdingSettings
) -> NDArray[np.float32]:
    """Return the smoothed residual as a share of that of bright cells, 0 in regions below the seed."""
    blurred = cv2.GaussianBlur(residual, (0, 0), settings.floor_sigma_um / pixel_um)
    smooth = np.asarray(blurred, dtype=np.float32)
    share = smooth / np.float32(max(percentile(smooth, settings.floor_percentile), 1e-6))
    return share * hysteresis(share > settings.floor_extend, share >= settings.floor_seed)
