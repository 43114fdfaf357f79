"""The recall-first detector: everything that is significantly brighter than its background.

Sizes are micrometres. Nothing is dropped for being dim, cut by the edge of the frame, or a glancing cut; what
little confidence there is goes with the hit, and the policy decides.
"""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from detection.background import estimate_background, lowest_background
from detection.cells import Hit
from detection.confidence import saturating
from detection.frames import Frame
from detection.significance import hysteresis, remove_spikes, significant, unevenness
from detection.splitting import box_of, split_touching

SMALLEST_UM = 1.0
CLOSING_UM = 0.5
LARGEST_HOLE_UM = 12.0
CLEAR_STRENGTH = 1.5
"""Significance over the seed threshold at which a hit counts as even."""
DENSE_SHARE = 0.5
CROWDED_UNEVENNESS = 3.0
"""Even ground has 1; ground that is really dim cells has 4 to 30 in synthetic sections."""
FLOOR_SIGMA_UM = 0.53
FLOOR_PERCENTILE = 99.5
FLOOR_EXTEND = 0.05
FLOOR_SEED = 0.1


def find_cells(frame: Frame) -> tuple[list[Hit], list[str]]:
    """Find everything that may be a cell.

    Parameters
    ----------
    frame : Frame
        Not constant.

    Returns
    -------
    hits : list of Hit
        In no particular order.
    warnings : list of str
    """
    warnings: list[str] = []
    pixel_um = frame.pixel_size_um
    background = estimate_background(frame.values, pixel_um)
    image = remove_spikes(frame.values, background.noise_sd)
    # Equalising makes the ground uneven by itself, so there it says nothing about crowding.
    crowded = not frame.processed and unevenness(image, background, pixel_um) > CROWDED_UNEVENNESS
    if crowded:
        warnings.append(
            "cells lie so densely that the ground between them cannot be told from them:"
            " the darkest parts count as ground, and most of the frame is imaged"
        )
        background = lowest_background(frame.values, pixel_um)
    mask, strength = significant(image, background, pixel_um)
    covered = float(mask.mean())
    if frame.processed or (covered > DENSE_SHARE and not crowded):
        if covered > DENSE_SHARE:
            warnings.append(
                f"{covered:.0%} of the frame is brighter than its background: it is crowded or was equalised;"
                f" what has less than {FLOOR_EXTEND:.0%} of the brightness of bright cells is left out"
            )
        floor = _contrast_floor(image - background.level, pixel_um)
        mask &= floor > FLOOR_EXTEND
        np.minimum(strength, floor / FLOOR_SEED, out=strength)
    return _hits_of(_closed(mask, pixel_um), strength, pixel_um), warnings


def _contrast_floor(residual: NDArray[np.float32], pixel_um: float) -> NDArray[np.float32]:
    """Smoothed residual as a share of that of bright cells, 0 where nothing reaches the seed."""
    smooth = np.asarray(cv2.GaussianBlur(residual, (0, 0), FLOOR_SIGMA_UM / pixel_um))
    share = smooth / np.float32(max(float(np.percentile(smooth, FLOOR_PERCENTILE)), 1e-6))
    return np.where(hysteresis(share, FLOOR_EXTEND, FLOOR_SEED), share, np.float32(0))


def _closed(mask: NDArray[np.bool_], pixel_um: float) -> NDArray[np.bool_]:
    """Close gaps of up to twice 0.5 um and fill holes up to the size of a large nucleus.

    A hole may be open to the edge of the frame: so is the nucleus of a cell that the edge cuts.
    """
    radius = round(CLOSING_UM / pixel_um)
    element = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    # Closing with a margin, so that the edge of the frame does not eat into cells that it cuts.
    padded = np.pad(mask.astype(np.uint8), radius)
    closed = np.asarray(cv2.morphologyEx(padded, cv2.MORPH_CLOSE, element))
    closed = closed[radius : radius + mask.shape[0], radius : radius + mask.shape[1]]
    _, labels, stats, _ = cv2.connectedComponentsWithStats(1 - closed, connectivity=4)
    largest_px = math.pi / 4 * (LARGEST_HOLE_UM / pixel_um) ** 2
    is_filled = np.asarray(stats)[:, cv2.CC_STAT_AREA] <= largest_px
    is_filled[0] = True
    return np.asarray(is_filled[labels])


def _hits_of(mask: NDArray[np.bool_], strength: NDArray[np.float32], pixel_um: float) -> list[Hit]:
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    hits = []
    for label in range(1, count):
        left, top, width, height, _ = stats[label].tolist()
        place = slice(top, top + height), slice(left, left + width)
        for part in split_touching(labels[place] == label, pixel_um):
            box = box_of(part, left, top)
            diameter_um = 2 * math.sqrt(float(part.sum()) / math.pi) * pixel_um
            cut = box.x0 == 0 or box.y0 == 0 or box.x1 == mask.shape[1] or box.y1 == mask.shape[0]
            if diameter_um < SMALLEST_UM and not cut:
                continue
            # What the edge of the frame cuts may be as large as any cell.
            size = 1.0 if cut else saturating(diameter_um / SMALLEST_UM)
            peak = float(strength[place][part].max())
            hits.append(Hit(box, size * saturating(peak / CLEAR_STRENGTH)))
    return hits
