"""Hits beside the others of their frame, by boxes, confidences and brightest pixels."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from detection.background.ranks import median, percentile
from detection.image.boxes import Sides, sides_on_grid
from detection.image.highest import highest_in
from detection.image.hit_table import HitTable, code_of
from detection.image.hits import SeenBy
from detection.network.settings import PLACE_PX

Floats = NDArray[np.float32]
COMPANY = 19
"""Numbers for each hit."""
_MOST = 20.0
"""Cells from which on more say nothing more, as in `detection.combined.settings`."""
_LARGE_UM2 = 25.0
"""Area of a hit that is more than a speck: 5 um each way. Chosen by hand."""


class OnGrid(Protocol):
    """Place of a working grid on its frame; see `detection.image.working_grid.WorkingGrid`."""

    @property
    def shrink(self) -> int:
        """Pixels of the frame along each side of one of the grid."""

    @property
    def pixel_um(self) -> float:
        """Side of a pixel of the grid."""


def sides_within(boxes: Sides, grid: OnGrid, shape: tuple[int, int]) -> Sides:
    """Return boxes on the working grid, at least a pixel each way, within its shape."""
    sides = sides_on_grid(boxes, grid.shrink)
    ends = np.array([shape[1], shape[0]])
    low = np.clip(sides[:, :2], 0, ends - 1)
    return np.concatenate([low, np.minimum(np.maximum(sides[:, 2:], low + 1), ends)], axis=1)


def company_of(
    hits: HitTable,
    boxes: Sides,
    outer: Sides,
    z: Floats,
    score: Floats,
    grid: OnGrid,
) -> Floats:
    """Return what the boxes and confidences of a frame say of each hit.

    Parameters
    ----------
    hits : HitTable
        All of the frame, one at least.
    boxes, outer : Sides
        See `sides_within`; with what may be imaged of a hit around each.
    z : (rows, columns) array of float32
        Frame above its background, in standard deviations of the noise of a pixel of the working grid.
    score : (places down, places across) array of float32
        Of the network.
    grid : OnGrid

    Returns
    -------
    (hits, COMPANY) array of float32
        Logarithms of sizes, um, of brightness and of numbers of cells; log-odds of chances; 0 or 1.
    """
    shape = z.shape
    count = len(hits)
    chance = np.clip(hits.confidences, 1e-4, 1 - 1e-4)
    size_px, outer_px = boxes[:, 2:] - boxes[:, :2], outer[:, 2:] - outer[:, :2]
    area_um2 = size_px.prod(axis=1) * grid.pixel_um**2
    long, short = (np.log(side * grid.pixel_um) for side in (size_px.max(axis=1), size_px.min(axis=1)))
    peaks = np.maximum(highest_in(z, boxes).astype(np.float64), 0.5)
    usual = percentile(peaks, 75)
    others = chance.sum() - chance
    large = np.where(area_um2 > _LARGE_UM2, chance, 0)
    two = np.sort(chance)[-2:]
    best = np.where(chance == two[-1], two[0] if count > 1 else 0, two[-1])
    sure = chance > 0.8
    places = highest_in(score, sides_on_grid(boxes, PLACE_PX))
    highest = np.clip(places.astype(np.float64), 1e-4, 1 - 1e-4)
    ends = np.array([0, 0, shape[1], shape[0]])
    columns = [
        long,
        short,
        np.log(outer_px.max(axis=1) * grid.pixel_um) - long,
        np.log(outer_px.min(axis=1) * grid.pixel_um) - short,
        np.log(chance / (1 - chance)),
        hits.seen_by == code_of(SeenBy.BOTH),
        hits.seen_by == code_of(SeenBy.NETWORK),
        hits.extents_um,
        np.log1p(np.minimum(others, _MOST)),
        np.full(count, np.log1p(min(count, 2 * _MOST))),
        np.log1p(np.minimum(sure.sum() - sure, _MOST)),
        np.full(count, np.log(usual)),
        np.log(peaks),
        np.log(peaks / usual),
        best,
        np.log(area_um2 / median(area_um2)),
        np.log1p(np.minimum(large.sum() - large, _MOST)),
        np.log(highest / (1 - highest)),
        (boxes == ends).any(axis=1),
    ]
    return np.stack(columns, axis=1).astype(np.float32)
