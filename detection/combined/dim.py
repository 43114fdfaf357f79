"""Least score of the network in frames of dim cells."""

import numpy as np
from numpy.typing import NDArray

from detection.combined.confidence import usual_peak
from detection.combined.settings import COMBINED, CombinedSettings
from detection.image.hit_table import HitTable
from detection.image.working_grid import WorkingGrid
from detection.network.settings import READING


def least_score_of(
    score: NDArray[np.float32],
    hits: HitTable,
    z: NDArray[np.float32],
    grid: WorkingGrid,
    settings: CombinedSettings = COMBINED,
) -> float:
    """Return the score from which a place belongs to a hit: lower where dim cells are likely to be lost.

    A faint spot alone does not show if it is a vesicle of a cell, noise, or resin, and the network gives it a
    low score. In a frame that surely has cells, all of them dim, such spots are more often cells than
    elsewhere. There the least score is lowered until the places below it hold little of what the scores
    expect of cells.

    Parameters
    ----------
    score : (places down, places across) array of float32
        Of the network.
    hits : HitTable
        Of the network, by its usual least score.
    z : (rows, columns) array of float32
        Frame above its background, in standard deviations of the noise of a pixel of the working grid.
    grid : WorkingGrid
    settings : CombinedSettings

    Returns
    -------
    float
        From `settings.dim_score` to the usual least score.
    """
    usual = READING.least_score
    if sum(hits.confidences.tolist()) < settings.dim_company:
        return usual
    if usual_peak(hits, z, grid, settings) >= settings.dim_sd:
        return usual
    places = np.sort(score[score >= settings.dim_score])
    if not places.size:
        return usual
    expected = np.cumsum(places, dtype=np.float64)
    first = int(np.searchsorted(expected, settings.dim_lost_share * expected[-1]))
    return min(float(places[first]), usual)
