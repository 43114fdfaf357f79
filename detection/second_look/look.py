"""The second look itself."""

import numpy as np
from numpy.typing import NDArray

from detection.image.hit_table import HitTable
from detection.image.working_grid import WorkingGrid
from detection.second_look.company import Floats, company_of, sides_within
from detection.second_look.light import light_of
from detection.second_look.model import SecondLook
from detection.second_look.settings import SECOND_LOOK, SecondLookSettings


def looked_at(
    second_look: SecondLook,
    hits: HitTable,
    z: Floats,
    score: Floats,
    grid: WorkingGrid,
    settings: SecondLookSettings = SECOND_LOOK,
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return the numbers of the doubtful hits of a frame, and the chance of each that it is a cell.

    Parameters
    ----------
    second_look : SecondLook
    hits : HitTable
        All of the frame.
    z : (rows, columns) array of float32
        Frame above its background, in standard deviations of the noise of a pixel of the working grid.
    score : (places down, places across) array of float32
        Of the network.
    grid : WorkingGrid
    settings : SecondLookSettings

    Returns
    -------
    (doubtful hits,) array of intp
        None where no hit is doubtful, or where hits are too many.
    (doubtful hits,) array of float64
        0..1.
    """
    company, chosen, light = evidence_of(hits, z, score, grid, settings)
    if not chosen.size:
        return chosen, np.zeros(0)
    return chosen, second_look.chances(company, chosen, light)


def evidence_of(
    hits: HitTable,
    z: Floats,
    score: Floats,
    grid: WorkingGrid,
    settings: SecondLookSettings = SECOND_LOOK,
) -> tuple[Floats, NDArray[np.intp], Floats]:
    """Return the company of all hits, the numbers of the doubtful ones, and the light of these.

    See `company_of` and `light_of`; nothing is chosen where hits are too many.
    """
    doubtful = np.flatnonzero(hits.confidences < settings.doubtful_below)
    chosen = doubtful if len(hits) <= settings.most_hits else doubtful[:0]
    nothing = np.zeros((0, 0), np.float32)
    if not chosen.size:
        return nothing, chosen, nothing
    shape = (z.shape[0], z.shape[1])
    boxes = sides_within(hits.boxes, grid, shape)
    known = sides_within(hits.outers, grid, shape)
    # A hit without an outer box may be imaged so far beyond its box.
    reach_px = np.round((settings.margin_um + hits.extents_um) / grid.pixel_um).astype(np.int64)[:, None]
    low = np.maximum(boxes[:, :2] - reach_px, 0)
    high = np.minimum(boxes[:, 2:] + reach_px, (shape[1], shape[0]))
    outer = np.where(hits.has_outer[:, None], known, np.concatenate([low, high], axis=1))
    company = company_of(hits, boxes, outer, z, score, grid)
    return company, chosen, light_of(chosen.tolist(), boxes, outer, z, grid.pixel_um, settings)
