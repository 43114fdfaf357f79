"""The recall-first detector: everything that is significantly brighter than its background.

Nothing is dropped for being dim, cut by the edge of the frame, or a glancing cut: such hits get a low
confidence, and the policy decides.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from detection.image.boxes import BoxPx, sides_of
from detection.image.frames import Frame
from detection.image.hits import Hit
from detection.image.working_grid import WorkingGrid, on_working_grid
from detection.overlooked.left_out import is_uneven
from detection.recall_first.confidence import confidences_of
from detection.recall_first.extent import Sides, extended
from detection.recall_first.features import Features, features_of
from detection.recall_first.ramps import falling
from detection.recall_first.regions import Region, close_and_fill, join_fragments, regions_of
from detection.recall_first.settings import RECALL_FIRST, GrowthSettings, RecallFirstSettings
from detection.recall_first.standing import Standing, stand_out

UNEVEN = (
    "what is not imaged is too uneven to be plain background: cells that lie densely may be part of it; look"
    " at what is left out, or detect with `combined`"
)
"""Warning about the ground between the hits."""


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """Intermediate values of the detector.

    Attributes
    ----------
    standing : Standing
    hits : tuple of Hit
        In no particular order.
    """

    standing: Standing
    hits: tuple[Hit, ...]


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
    warnings = list(steps.standing.warnings)
    if not warnings and is_uneven(frame, grid.blocks, sides_of(hit.box for hit in steps.hits)):
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
    if grid is None:
        grid = on_working_grid(frame, settings.working_pixel_um, settings.background)
    standing = stand_out(frame, grid, settings)
    return Steps(standing, tuple(hits_of(frame, grid, standing, settings)))


def hits_of(
    frame: Frame,
    grid: WorkingGrid,
    standing: Standing,
    settings: RecallFirstSettings = RECALL_FIRST,
    *,
    join: bool = True,
) -> list[Hit]:
    """Make hits of what stands out, in no particular order.

    Parameters
    ----------
    frame : Frame
    grid : WorkingGrid
    standing : Standing
    settings : RecallFirstSettings
    join : bool
        Join fragments to whole cells.
    """
    if not standing.mask.any():
        return []
    shrink, pixel_um = grid.shrink, grid.pixel_um
    residual, noise_sd, strength = standing.residual, standing.noise_sd, standing.strength
    mask = standing.mask.astype(np.uint8)
    closed = close_and_fill(mask, pixel_um, settings.regions)
    joined = join_fragments(closed, strength, pixel_um, settings.regions) if join else closed
    if joined is not closed:
        joined = close_and_fill(joined, pixel_um, settings.regions)
    regions = regions_of(joined, pixel_um, settings.regions, settings.splitting)
    if not regions:
        return []
    sigma_px = settings.features.smoothing_um / pixel_um
    smooth = np.asarray(cv2.GaussianBlur(residual, (0, 0), sigma_px), dtype=np.float32)
    all_features = features_of(
        regions,
        strength,
        smooth,
        noise_sd,
        mask,
        pixel_um,
        unevenness=standing.unevenness,
        linear=not frame.processed,
        settings=settings.features,
    )
    spared = 0.0 if frame.processed else settings.growth.spared_share
    beyond = residual.copy()
    for region in regions:
        beyond[region.place][region.mask] = 0
    max_px = round(settings.growth.extension_um / pixel_um)
    shape = (frame.values.shape[0], frame.values.shape[1])
    hits: list[Hit] = []
    confidences = confidences_of(all_features, settings.confidence)
    for region, features, confidence in zip(regions, all_features, confidences, strict=True):
        if features.diameter_um < settings.smallest_um and not features.cut:
            continue
        mean = float(residual[region.place][region.mask].mean())
        sides = extended(_sides(region, spared), beyond, mean, max_px, settings.growth)
        hits.append(_hit(sides, features, confidence, pixel_um, shrink, shape, settings.growth))
    return hits


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
