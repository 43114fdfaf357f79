"""Reach of bright hits: beside bright light the dim rest of a cell is seen."""

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
    """Return the hits, with the outer boxes of bright ones no further out than `bright_reach_um`.

    The network may take a bright speck for one vesicle of a large cell; its outer box is then that of the
    largest such cell. But beside bright light the dim rest of a cell is seen: by the network, whose box
    includes it, or by recall-first, which adds what stands out beyond. The sides of a dim hit may be anywhere
    and stay where they are.

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
        replace(hit, outer=_within(hit.outer, hit.box, reach_px))
        if hit.outer is not None and _is_bright(hit.box, z, grid, settings)
        else hit
        for hit in hits
    )


def _is_bright(box: BoxPx, z: NDArray[np.float32], grid: WorkingGrid, settings: CombinedSettings) -> bool:
    part = z[on_grid(box, grid.shrink).slices]
    return part.size > 0 and float(part.max()) >= settings.bright_sd


def _within(outer: BoxPx, box: BoxPx, reach_px: int) -> BoxPx:
    return BoxPx(
        max(outer.x0, box.x0 - reach_px),
        max(outer.y0, box.y0 - reach_px),
        min(outer.x1, box.x1 + reach_px),
        min(outer.y1, box.y1 + reach_px),
    )
