"""The recall-first detector: everything that is significantly brighter than its background.

Nothing is dropped for being dim, cut by the edge of the frame, or a glancing cut: such hits get a low
confidence, and the policy decides.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from detection.background.estimate import Background, enlarged, lowest_background
from detection.image.boxes import BoxPx
from detection.image.frames import Frame
from detection.image.hits import Hit
from detection.image.working_grid import WorkingGrid, on_working_grid, subtract_background
from detection.overlooked.left_out import is_uneven
from detection.recall_first.confidence import confidences_of
from detection.recall_first.extent import Sides, extended
from detection.recall_first.features import Features, features_of
from detection.recall_first.ramps import falling
from detection.recall_first.regions import Region, close_and_fill, join_fragments, regions_of, remove_halo
from detection.recall_first.settings import (
    RECALL_FIRST,
    CrowdingSettings,
    GrowthSettings,
    RecallFirstSettings,
)
from detection.recall_first.significance import (
    Significance,
    hysteresis,
    significant,
)

UNEVEN = (
    "what is not imaged is too uneven to be plain background: cells that lie densely may be part of it; look"
    " at what is left out, or detect with `combined`"
)
"""Warning about the ground between the hits."""


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """Intermediate values of the detector, on the working grid.

    Attributes
    ----------
    background : Background
        The one that was subtracted last.
    z : (rows, columns) array of float32
        Grey levels above the background, in standard deviations of the noise.
    standing : (rows, columns) array of bool
        Pixels that stand out.
    crowded : bool
        The background varies too much to be resin, so that its darkest parts were taken instead.
    dense : bool
        Most of the frame is brighter than its background.
    hits : tuple of Hit
        In no particular order.
    warnings : tuple of str
    """

    background: Background
    z: NDArray[np.float32]
    standing: NDArray[np.bool_]
    crowded: bool
    dense: bool
    hits: tuple[Hit, ...]
    warnings: tuple[str, ...]


def find_cells(
    frame: Frame, settings: RecallFirstSettings = RECALL_FIRST, grid: WorkingGrid | None = None
) -> tuple[list[Hit], list[str]]:
    """Find everything that may be a cell; see `steps_of`.

    Returns
    -------
    hits : list of Hit
        In no particular order.
    warnings : list of str
    """
    if grid is None:
        grid = on_working_grid(frame, settings.working_pixel_um, settings.background)
    steps = steps_of(frame, settings, grid)
    warnings = list(steps.warnings)
    if not warnings and is_uneven(frame, grid.blocks, (hit.box for hit in steps.hits)):
        warnings.append(UNEVEN)
    return list(steps.hits), warnings


def steps_of(
    frame: Frame, settings: RecallFirstSettings = RECALL_FIRST, grid: WorkingGrid | None = None
) -> Steps:
    """Find everything that may be a cell, and keep the intermediate values.

    Parameters
    ----------
    frame : Frame
        Not constant.
    settings : RecallFirstSettings
    grid : WorkingGrid, optional
        The frame on the working grid of these settings, if it was made before.
    """
    warnings: list[str] = []
    crowding = settings.crowding
    if grid is None:
        grid = on_working_grid(frame, settings.working_pixel_um, settings.background)
    shrink, pixel_um, background = grid.shrink, grid.pixel_um, grid.background
    residual, noise_sd = grid.residual, grid.noise_sd
    z = residual / noise_sd
    found = _found(z, noise_sd, background, pixel_um, settings)
    # Equalising makes any background uneven, so there it says nothing about crowding.
    crowded = not frame.processed and _is_crowded(found.unevenness, background, shrink, settings)
    if crowded:
        warnings.append(
            "cells lie so densely that the ground between them cannot be told from them:"
            " the darkest parts count as ground, and most of the frame is imaged"
        )
        background = lowest_background(grid.blocks, settings.background)
        residual, noise_sd = subtract_background(grid.image, background, shrink)
        z = residual / noise_sd
        found = _found(z, noise_sd, background, pixel_um, settings)
    mask, strength = found.mask, found.strength
    covered = float(mask.mean())
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
    standing = mask.astype(np.uint8)
    if not (crowded or frame.processed):
        standing = remove_halo(standing, residual, noise_sd, pixel_um, settings.halo)
    closed = close_and_fill(standing, pixel_um, settings.regions)
    joined = join_fragments(closed, strength, pixel_um, settings.regions)
    if joined is not closed:
        joined = close_and_fill(joined, pixel_um, settings.regions)
    regions = regions_of(joined, pixel_um, settings.regions, settings.splitting)
    sigma_px = settings.features.smoothing_um / pixel_um
    smooth = np.asarray(cv2.GaussianBlur(residual, (0, 0), sigma_px), dtype=np.float32)
    all_features = features_of(
        regions,
        strength,
        smooth,
        noise_sd,
        standing,
        pixel_um,
        unevenness=found.unevenness,
        linear=not frame.processed,
        settings=settings.features,
    )
    spared = 0.0 if frame.processed else settings.growth.spared_share
    beyond = residual.copy()
    for region in regions:
        beyond[region.place][region.mask] = 0
    hits: list[Hit] = []
    confidences = confidences_of(all_features, settings.confidence)
    for region, features, confidence in zip(regions, all_features, confidences, strict=True):
        if features.diameter_um < settings.smallest_um and not features.cut:
            continue
        mean = float(residual[region.place][region.mask].mean())
        max_px = round(settings.growth.extension_um / pixel_um)
        sides = extended(_sides(region, spared), beyond, mean, max_px, settings.growth)
        shape = (frame.values.shape[0], frame.values.shape[1])
        hits.append(_hit(sides, features, confidence, pixel_um, shrink, shape, settings.growth))
    return Steps(background, z, standing > 0, crowded, dense, tuple(hits), tuple(warnings))


def _is_crowded(
    unevenness: float, background: Background, shrink: int, settings: RecallFirstSettings
) -> bool:
    """Return True if the background varies too much to be resin."""
    noise_sd = float(np.median(background.noise_sd)) / shrink
    level = float(np.median(background.level))
    lumpy = settings.background.lumpy_share * level
    return unevenness > settings.crowding.unevenness and unevenness * noise_sd > lumpy


def _found(
    z: NDArray[np.float32],
    noise_sd: NDArray[np.float32],
    background: Background,
    pixel_um: float,
    settings: RecallFirstSettings,
) -> Significance:
    level = np.asarray(np.maximum(enlarged(background.level, z.shape), 0) / noise_sd, dtype=np.float32)
    empty = _on_grid(background.empty, z.shape)
    return significant(z, level, empty, pixel_um, settings.significance)


def _on_grid(blocks: NDArray[np.bool_], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    size = shape[1], shape[0]
    return np.asarray(cv2.resize(blocks.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)) > 0


def _contrast_floor(
    residual: NDArray[np.float32], pixel_um: float, settings: CrowdingSettings
) -> NDArray[np.float32]:
    """Return the smoothed residual as a share of that of bright cells, 0 in regions below the seed."""
    smooth = np.asarray(cv2.GaussianBlur(residual, (0, 0), settings.floor_sigma_um / pixel_um))
    share = smooth / np.float32(max(float(np.percentile(smooth, settings.floor_percentile)), 1e-6))
    return share * hysteresis(share > settings.floor_extend, share >= settings.floor_seed)


def _hit(
    sides: Sides,
    features: Features,
    confidence: float,
    pixel_um: float,
    shrink: int,
    shape: tuple[int, int],
    settings: GrowthSettings,
) -> Hit:
    top, bottom, left, right = sides
    # The outline of a weak region is lost in noise; that of scattered puncta lies beyond them.
    ragged_um = settings.ragged_um * max(
        falling(features.strength, settings.weak), falling(features.standing, settings.sparse)
    )
    more = round(ragged_um / pixel_um)
    x0, x1 = (left - more) * shrink, (right + more) * shrink
    y0, y1 = (top - more) * shrink, (bottom + more) * shrink
    near = round(settings.border_um / pixel_um) * shrink
    box = BoxPx(
        x0 if x0 > near else 0,
        y0 if y0 > near else 0,
        x1 if x1 < shape[1] - near else shape[1],
        y1 if y1 < shape[0] - near else shape[0],
    )
    uneven = settings.outline_average * min(features.unevenness, settings.max_uneven)
    uncertainty_um = max(
        settings.faint_um * falling(features.contrast / math.hypot(1, uneven), settings.faint),
        settings.patchy_um * falling(features.standing, settings.patchy),
    )
    size_um = min(bottom - top, right - left) * pixel_um
    uncertainty_um *= (1 - falling(size_um, settings.cell_like_um)) * min(confidence / settings.probable, 1.0)
    return Hit(box, confidence, uncertainty_um)


def _sides(region: Region, spared: float) -> Sides:
    rows, columns = (
        _first_and_end(region.mask.sum(axis=1), spared),
        _first_and_end(region.mask.sum(axis=0), spared),
    )
    top, left = region.rows.start, region.columns.start
    return top + rows[0], top + rows[1], left + columns[0], left + columns[1]


def _first_and_end(counts: NDArray[np.intp], spared: float) -> tuple[int, int]:
    """Return the first and one past the last row or column, without the spared share on each side."""
    fewest = spared * float(counts.sum())
    so_far = np.cumsum(counts)
    kept = np.flatnonzero((so_far > fewest) & (so_far[-1] - so_far + counts > fewest))
    return int(kept[0]), int(kept[-1]) + 1
