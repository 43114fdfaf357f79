"""The recall-first detector: everything that is significantly brighter than its background.

Sizes are micrometres. Nothing is dropped for being dim, cut by the edge of the frame, or a glancing cut; what
little confidence there is goes with the hit, and the policy decides.
"""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from detection.background.estimate import (
    LUMPY_SHARE,
    Background,
    average_blocks,
    background_at,
    enlarged,
    estimate_background,
    lowest_background,
)
from detection.background.spikes import remove_spikes
from detection.image.boxes import BoxPx
from detection.image.frames import Frame
from detection.image.hits import Hit
from detection.recall_first.confidence import confidences_of
from detection.recall_first.extent import Sides, extended
from detection.recall_first.features import Features, features_of
from detection.recall_first.regions import Region, close_and_fill, join_fragments, regions_of, remove_halo
from detection.recall_first.significance import Significance, hysteresis, significant, subtract_background

WORKING_PIXEL_UM = 0.36
"""Finer pixels are averaged to about this: fine enough for an outline, and a fourth of the work."""
SMALLEST_UM = 1.0
EDGE_SIGMA_UM = 0.53
WEAK = (1.0, 1.4)
"""Significance over the seed threshold up to which the box as found is grown, and from which not."""
SPARSE = (0.3, 0.5)
"""The same for the share of a region, closed and filled, that stands out itself."""
RAGGED_UM = 1.0
"""Growth of such boxes: about the radius of the smoothing that such regions are found by."""
SPARED_SHARE = 0.004
"""A box may leave this share of its region out on each side: a pixel or two of ragged rim, which the margin
images again. Nothing in frames that were equalised, whose dim rims are cells."""
BORDER_UM = 1.5
"""A box that ends so near the edge of the frame is taken to the edge: what lies between is a cell's rim
that is too narrow to stand out by itself, and costs little."""
REACH_UM = 4.0
"""How far light beyond a region is looked for that no pixel of it shows."""
FAINT = (1.0, 1.4)
"""Mean light over the variation of the ground up to which an outline is wholly lost, and from which not."""
FAINT_UM = 3.0
"""What a faint cell may reach further: development seeds; more costs area in proportion and gains less."""
OUTLINE_AVERAGE = 8.0
"""Noise falls by about so much in the patches by which an eye or a filter follows an outline; unevenness of
the ground does not, so it counts for so much more."""
MOST_UNEVEN = 0.15
"""In deviations of the noise of a pixel: beyond it lumps would be grown more than cells."""
PATCHY = (0.4, 0.7)
"""As `SPARSE`, for what the policy adds around puncta."""
PATCHY_UM = 2.5
"""About the distance of neighbouring puncta in one cell: beyond the last seen there may be one more."""
CELL_LIKE_UM = (3.0, 6.0)
"""Something up to the first in size is a whole speck, not a part of a cell, and is not grown; from the
second on it is grown in full."""
PROBABLE = 0.5
"""What is less likely to be a cell has as much less to gain from growth."""
DENSE_SHARE = 0.5
CROWDED_UNEVENNESS = 1.0
"""Even ground has 0; ground that is really dim cells has more in synthetic sections."""
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
    shrink = max(round(WORKING_PIXEL_UM / frame.pixel_size_um), 1)
    pixel_um = shrink * frame.pixel_size_um
    blocks = average_blocks(frame.values, frame.pixel_size_um)
    if frame.background is None:
        background = estimate_background(blocks, linear=not frame.processed)
    else:
        background = background_at(blocks, frame.background)
    image = _padded(remove_spikes(frame.values, float(background.noise_sd.max())), shrink)
    residual, noise_sd = subtract_background(image, background, shrink)
    found = _found(residual, noise_sd, background, pixel_um)
    # Equalising makes the ground uneven by itself, so there it says nothing about crowding.
    crowded = not frame.processed and _is_crowded(found.unevenness, background, shrink)
    if crowded:
        warnings.append(
            "cells lie so densely that the ground between them cannot be told from them:"
            " the darkest parts count as ground, and most of the frame is imaged"
        )
        background = lowest_background(blocks)
        residual, noise_sd = subtract_background(image, background, shrink)
        found = _found(residual, noise_sd, background, pixel_um)
    mask, strength = found.mask, found.strength
    covered = float(mask.mean())
    if frame.processed or (covered > DENSE_SHARE and not crowded):
        if covered > DENSE_SHARE:
            warnings.append(
                f"{covered:.0%} of the frame is brighter than its background: it is crowded or was equalised;"
                f" what has less than {FLOOR_EXTEND:.0%} of the brightness of bright cells is left out"
            )
        floor = _contrast_floor(residual, pixel_um)
        mask &= floor > FLOOR_EXTEND
        np.minimum(strength, floor / FLOOR_SEED, out=strength)
    standing = mask.astype(np.uint8)
    if not (crowded or frame.processed):
        standing = remove_halo(standing, residual, noise_sd, pixel_um)
    closed = close_and_fill(standing, pixel_um)
    joined = join_fragments(closed, strength, pixel_um)
    if joined is not closed:
        joined = close_and_fill(joined, pixel_um)
    regions = regions_of(joined, pixel_um)
    light = np.asarray(cv2.GaussianBlur(residual, (0, 0), EDGE_SIGMA_UM / pixel_um), dtype=np.float32)
    found_for = features_of(
        regions,
        strength,
        light,
        noise_sd,
        standing,
        pixel_um,
        unevenness=found.unevenness,
        linear=not frame.processed,
    )
    spared = 0.0 if frame.processed else SPARED_SHARE
    beyond = residual.copy()
    for region in regions:
        beyond[region.place][region.mask] = 0
    hits: list[Hit] = []
    confidences = confidences_of(found_for)
    for region, features, confidence in zip(regions, found_for, confidences, strict=True):
        if features.diameter_um < SMALLEST_UM and not features.cut:
            continue
        mean = float(residual[region.place][region.mask].mean())
        reach_px = round(REACH_UM / pixel_um)
        sides = extended(_sides(region, spared), beyond, mean, reach_px)
        hits.append(_hit(sides, features, confidence, pixel_um, shrink, frame.values.shape))
    return hits, warnings


def _is_crowded(unevenness: float, background: Background, shrink: int) -> bool:
    """Whether the ground varies by so much that it must be cells."""
    noise_sd = float(np.median(background.noise_sd)) / shrink
    level = float(np.median(background.level))
    return unevenness > CROWDED_UNEVENNESS and unevenness * noise_sd > LUMPY_SHARE * level


def _found(
    residual: NDArray[np.float32], noise_sd: NDArray[np.float32], background: Background, pixel_um: float
) -> Significance:
    glow = np.asarray(np.maximum(enlarged(background.level, residual.shape), 0) / noise_sd, dtype=np.float32)
    return significant(residual / noise_sd, glow, _on_grid(background.empty, residual.shape), pixel_um)


def _padded(image: NDArray[np.float32], shrink: int) -> NDArray[np.float32]:
    """Repeat the last row and column until the sides are multiples of `shrink`."""
    rows, columns = image.shape
    return np.asarray(
        cv2.copyMakeBorder(image, 0, -rows % shrink, 0, -columns % shrink, cv2.BORDER_REPLICATE)
    )


def _on_grid(blocks: NDArray[np.bool_], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    size = shape[1], shape[0]
    return np.asarray(cv2.resize(blocks.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)) > 0


def _contrast_floor(residual: NDArray[np.float32], pixel_um: float) -> NDArray[np.float32]:
    """Smoothed residual as a share of that of bright cells, 0 where nothing reaches the seed."""
    smooth = np.asarray(cv2.GaussianBlur(residual, (0, 0), FLOOR_SIGMA_UM / pixel_um))
    share = smooth / np.float32(max(float(np.percentile(smooth, FLOOR_PERCENTILE)), 1e-6))
    return share * hysteresis(share > FLOOR_EXTEND, share >= FLOOR_SEED)


def _hit(
    sides: Sides,
    features: Features,
    confidence: float,
    pixel_um: float,
    shrink: int,
    shape: tuple[int, ...],
) -> Hit:
    top, bottom, left, right = sides
    # The outline of what is weak is lost in noise; that of scattered puncta lies beyond them.
    ragged_um = RAGGED_UM * max(_falling(features.strength, WEAK), _falling(features.standing, SPARSE))
    more = round(ragged_um / pixel_um)
    x0, x1 = (left - more) * shrink, (right + more) * shrink
    y0, y1 = (top - more) * shrink, (bottom + more) * shrink
    reach = round(BORDER_UM / pixel_um) * shrink
    box = BoxPx(
        x0 if x0 > reach else 0,
        y0 if y0 > reach else 0,
        x1 if x1 < shape[1] - reach else shape[1],
        y1 if y1 < shape[0] - reach else shape[0],
    )
    uneven = OUTLINE_AVERAGE * min(features.unevenness, MOST_UNEVEN)
    doubt = max(
        FAINT_UM * _falling(features.contrast / math.hypot(1, uneven), FAINT),
        PATCHY_UM * _falling(features.standing, PATCHY),
    )
    size_um = min(bottom - top, right - left) * pixel_um
    doubt *= (1 - _falling(size_um, CELL_LIKE_UM)) * min(confidence / PROBABLE, 1.0)
    return Hit(box, confidence, doubt)


def _sides(region: Region, spared: float) -> Sides:
    rows, columns = _extent(region.mask.sum(axis=1), spared), _extent(region.mask.sum(axis=0), spared)
    top, left = region.rows.start, region.columns.start
    return top + rows[0], top + rows[1], left + columns[0], left + columns[1]


def _extent(counts: NDArray[np.intp], spared: float) -> tuple[int, int]:
    """First and one past the last row or column of a region, but for a spared share of it on each side."""
    fewest = spared * float(counts.sum())
    so_far = np.cumsum(counts)
    kept = np.flatnonzero((so_far > fewest) & (so_far[-1] - so_far + counts > fewest))
    return int(kept[0]), int(kept[-1]) + 1


def _falling(value: float, limits: tuple[float, float]) -> float:
    """1 up to the first limit, 0 from the second, a straight line between."""
    return min(max((limits[1] - value) / (limits[1] - limits[0]), 0.0), 1.0)
