"""Reach of hits whose light is bright, within which all of a cell would show."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from detection.combined.settings import COMBINED, CombinedSettings
from detection.image.boxes import BoxPx, on_grid
from detection.image.hits import Hit
from detection.image.working_grid import WorkingGrid


def with_reach(
    hits: Sequence[Hit], z: NDArray[np.float32], grid: WorkingGrid, settings: CombinedSettings = COMBINED
) -> tuple[Hit, ...]:
    """Return the hits, the outer boxes of bright ones no further out than their light can end unseen.

    The network sees a bright speck and cannot tell it from one vesicle of a large cell, so that the outer box
    is that of the largest such cell. But the dim rest of a cell is seen beside a bright part, and what the
    network misses of it recall-first adds. The sides of a dim hit may be anywhere; these stay as they are.

    Parameters
    ----------
    hits : sequence of Hit
        Of the network.
    z : (rows, columns) array of float32
        Frame above its background, in standard deviations of the noise of a pixel of the working grid.
    grid : WorkingGrid
    settings : CombinedSettings
    """
    reach_px = math.ceil(settings.bright_reach_um * grid.shrink / grid.pixel_um)
    return tuple(
        hit if hit.outer is None or not _is_bright(hit, z, grid, settings) else _within(hit, hit.outer, reach_px)
        for hit in hits
    )


def _is_bright(hit: Hit, z: NDArray[np.float32], grid: WorkingGrid, settings: CombinedSettings) -> bool:
    part = z[on_grid(hit.box, grid.shrink).slices]
    return part.size > 0 and float(part.max()) >= settings.bright_sd


def _within(hit: Hit, outer: BoxPx, reach_px: int) -> Hit:
    box = hit.box
    return replace(
        hit,
        outer=BoxPx(
            max(outer.x0, box.x0 - reach_px),
            max(outer.y0, box.y0 - reach_px),
            min(outer.x1, box.x1 + reach_px),
            min(outer.y1, box.y1 + reach_px),
        ),
    )
