"""Reach of bright hits: beside bright light the dim rest of a cell is seen."""

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from detection.combined.settings import COMBINED, CombinedSettings
from detection.image.boxes import sides_on_grid
from detection.image.highest import highest_in
from detection.image.hit_table import HitTable
from detection.image.working_grid import WorkingGrid


def with_reach(
    hits: HitTable, z: NDArray[np.float32], grid: WorkingGrid, settings: CombinedSettings = COMBINED
) -> HitTable:
    """Return the hits, with the outer boxes of bright ones no further out than `bright_reach_um`.

    The network may take a bright speck for one vesicle of a large cell; its outer box is then that of the
    largest such cell. But beside bright light the dim rest of a cell is seen: by the network, whose box
    includes it, or by recall-first, which adds what stands out beyond. The sides of a dim hit may be anywhere
    and stay where they are.

    Parameters
    ----------
    hits : HitTable
        Of the network.
    z : (rows, columns) array of float32
        Frame above its background, in standard deviations of the noise of a pixel of the working grid.
    grid : WorkingGrid
    settings : CombinedSettings
    """
    reach_px = math.ceil(settings.bright_reach_um * grid.shrink / grid.pixel_um)
    bright = highest_in(z, sides_on_grid(hits.boxes, grid.shrink)) >= settings.bright_sd
    low = np.maximum(hits.outers[:, :2], hits.boxes[:, :2] - reach_px)
    high = np.minimum(hits.outers[:, 2:], hits.boxes[:, 2:] + reach_px)
    nearer = np.concatenate([low, high], axis=1)
    return replace(hits, outers=np.where(bright[:, None], nearer, hits.outers))
