"""Hits of the network that are no more than noise."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from detection.background.ranks import median, percentile
from detection.combined.settings import COMBINED, CombinedSettings
from detection.image.boxes import boxes_from, sides_on_grid, union_of
from detection.image.hit_table import HitTable, code_of
from detection.image.hits import SeenBy
from detection.image.working_grid import WorkingGrid

_BEST = 8
"""Hits that are looked at before all others. Chosen by hand; it decides nothing but the time."""


def are_all_hidden(
    hits: HitTable, z: NDArray[np.float32], grid: WorkingGrid, settings: CombinedSettings = COMBINED
) -> bool:
    """Return True if no hit shows more than noise; see `hidden_in_noise`."""
    if (hits.seen_by != code_of(SeenBy.NETWORK)).any():
        return False
    # The best come first, and in a crowd one of them tells.
    if not hidden_in_noise(hits, z, grid, settings, most=_BEST)[:_BEST].all():
        return False
    return bool(hidden_in_noise(hits, z, grid, settings).all())


def hidden_in_noise(
    hits: HitTable,
    z: NDArray[np.float32],
    grid: WorkingGrid,
    settings: CombinedSettings = COMBINED,
    *,
    most: int | None = None,
) -> NDArray[np.bool_]:
    """Return True for the hits inside of which nothing is brighter than noise can be.

    The network gives chances, and of many empty frames it takes some for frames with a cell. So averages over
    discs of several sizes are compared with the ground around the hit; a hit of which none stands out shows
    nothing that could be told from noise. A hit without ground around it is not judged: near bright cells the
    background is too high, and a dim one lies below it.

    Parameters
    ----------
    hits : HitTable
        Of the network, with who sees them; those that recall-first sees stand out by that.
    z : (rows, columns) array of float32
        Frame above its background, in standard deviations of the noise of a pixel of the working grid. Its
        ground must be known: that of a crowd is not.
    grid : WorkingGrid
    settings : CombinedSettings
    most : int, optional
        Hits that are looked at, the first of those that recall-first does not see; all by default.
    """
    unseen: NDArray[np.bool_] = np.asarray(hits.seen_by == code_of(SeenBy.NETWORK))
    if not unseen.any():
        return unseen
    alone = bool(unseen.all())
    least_sd = settings.stands_out_alone_sd if alone else settings.stands_out_sd
    shape = z.shape[0], z.shape[1]
    sides = sides_on_grid(hits.boxes, grid.shrink)
    numbers = np.flatnonzero(unseen)[:most]
    boxes = boxes_from(sides[numbers])
    ground = ~union_of(sides, shape)
    levels: list[float | None] = []
    for box in boxes:
        around = box.dilated(max(box.width_px, box.height_px) // 2 + 2, shape).slices
        beside = z[around][ground[around]]
        enough = beside.size >= settings.least_ground * box.area_px
        levels.append(median(beside) if enough else None)
    hidden = [(number, level) for number, level in enumerate(levels) if level is not None]
    for sigma_um in settings.noise_scales_um:
        if not hidden:
            break
        sigma = sigma_um / grid.pixel_um
        plane = np.asarray(cv2.GaussianBlur(z, (0, 0), sigma, borderType=cv2.BORDER_REFLECT))
        # The lower half, to which cells add nothing; at least that of white noise.
        thinned = plane[::3, ::3][ground[::3, ::3]]
        spread = 1 / (2 * math.sqrt(math.pi) * sigma)
        if thinned.size:
            spread = max(percentile(thinned, 50) - percentile(thinned, 15.87), spread)
        # What stands out at one scale needs no coarser ones, which cost most.
        hidden = [
            (number, level)
            for number, level in hidden
            if float(plane[boxes[number].slices].max()) - level < least_sd * spread
        ]
    noise = np.zeros(len(unseen), np.bool_)
    noise[numbers[[number for number, _ in hidden]]] = True
    return noise
