"""Measurements of outlines from which the chance that they are right follows."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from detection.overview import quads
from detection.overview.judging.fits import Fits

NEAR, SAME = 0.2, 0.8
"""Overlaps (intersection over union) between which another place is a rival; from `SAME` on it is the same
place. Chosen by hand."""
NAMES = ("second", "filled", "residue", "rival", "shared", "usual", "doubted")
"""Measurements, in order: see `evidence_of`."""


def evidence_of(fits: Fits, kept: Sequence[int]) -> NDArray[np.float64]:
    """Return what speaks for each outline that was kept.

    Parameters
    ----------
    fits : Fits
        All of them: also those that were not kept.
    kept : sequence of int

    Returns
    -------
    (len(kept), len(NAMES)) array
        Support of the second weakest side, as one may be hidden; share filled; how far the corners lie
        from those of the sides' own edges, in short sides; score of the best rival, less its own; share of it
        that other outlines cover; median score of all that were kept; 1 if the shape is
        doubtful, otherwise 0.
    """
    low, high = fits.corners.min(axis=1), fits.corners.max(axis=1)
    usual = float(np.median(fits.scores[list(kept)])) if len(kept) else 0.0
    rows = np.zeros((len(kept), len(NAMES)))
    listed = np.isin(np.arange(len(fits.corners)), kept)
    for row, one in zip(rows, kept, strict=True):
        own = fits.corners[one]
        near = np.flatnonzero(((low < high[one]) & (low[one] < high)).all(axis=1))
        near = near[near != one]
        others = [quads.shared(own, fits.corners[other]) for other in near[listed[near]]]
        moved = float(np.linalg.norm(fits.free[one] - own, axis=1).mean() / quads.sides(own).min())
        row[:] = (
            np.sort(fits.support[one])[1],
            fits.filled[one],
            moved,
            _best_rival(fits, one, near) - fits.scores[one],
            sum(others) / max(quads.area(own), 1e-9),
            usual,
            float(fits.doubt is not None),
        )
    return rows


def _best_rival(fits: Fits, one: int, near: NDArray[np.intp]) -> float:
    """Return the score of the best other place that shares some ground with an outline; 0 without one."""
    for other in near[np.argsort(-fits.scores[near], kind="stable")]:
        if NEAR < quads.overlap(fits.corners[one], fits.corners[other]) < SAME:
            return float(fits.scores[other])
    return 0.0
