"""Calibration of the network on marked frames."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from detection.evaluation.scores import is_real
from detection.evaluation.truth import TrueCell
from detection.image.boxes import BoxPx, dice
from detection.image.hits import OUTER_QUANTILE
from detection.network.detector import evidence
from detection.network.model import Calibration
from detection.network.reading import Reading

_PRIOR_SD = (2.0, 0.5, 0.5)
"""Standard deviations of the prior about the shipped base, slope by score and slope by size: a few hits must
not count for much. Chosen by hand; not measured."""
_LIMITS = ((-20.0, 20.0), (0.05, 20.0), (-20.0, 20.0))
"""Limits of the fit, within those of a file."""
_PRIOR_SIDES = 200.0
"""Sides that the shipped stretch counts as. Chosen by hand; not measured."""
_STRETCHES = (0.5, 3.0)
"""Limits of the stretch. Chosen by hand; not measured."""
_LEAST_SPREAD_PX = 0.25
"""Spread of a side below which its stretch means nothing, px of the working grid. Chosen by hand."""
_MATCHED_DICE = 0.5
"""Dice index from which a hit is that cell, as in the evaluation."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Hits of one frame, read with a stretch of 1, and what the marks say of them.

    Attributes
    ----------
    odds, log_size : tuple of float
        Log-odds of the score, and logarithm of the size over the usual one.
    real : tuple of bool
    stretches : tuple of float
        For each side of each matched hit: the stretch from which the outer box holds the true side.
    """

    odds: tuple[float, ...]
    log_size: tuple[float, ...]
    real: tuple[bool, ...]
    stretches: tuple[float, ...]


def evidence_of(reading: Reading, truth: Sequence[TrueCell], pixel_um: float, shrink: int) -> Evidence:
    """Compare the hits of a frame with its marks.

    Parameters
    ----------
    reading : Reading
    truth : sequence of TrueCell
    pixel_um : float
        Of the working grid.
    shrink : int
        Pixels of the frame along each side of one of the working grid.
    """
    odds, log_size, real, stretches = [], [], [], []
    for box, outer, score in zip(reading.boxes, reading.outer, reading.score.tolist(), strict=True):
        size_um = math.sqrt(max(float((box[2] - box[0]) * (box[3] - box[1])), 1e-3)) * pixel_um
        own_odds, own_size = evidence(score, size_um)
        odds.append(float(own_odds))
        log_size.append(float(own_size))
        x0, y0, x1, y1 = (round(float(side) * shrink) for side in box)
        found = BoxPx(x0, y0, max(x1, x0 + 1), max(y1, y0 + 1))
        real.append(is_real(found, truth))
        best = max(truth, key=lambda cell: dice(found, cell.box), default=None)
        if best is None or not best.counted or dice(found, best.box) <= _MATCHED_DICE:
            continue
        true = np.array(best.box.as_tuple()) / shrink
        beyond = (np.array([1, 1, -1, -1]) * (box - true)).tolist()
        spread = np.abs(outer - box).tolist()
        stretches += [
            max(far, 0.0) / wide for far, wide in zip(beyond, spread, strict=True) if wide >= _LEAST_SPREAD_PX
        ]
    return Evidence(tuple(odds), tuple(log_size), tuple(real), tuple(stretches))


def calibrated_on(judged: Iterable[Evidence], shipped: Calibration) -> Calibration:
    """Fit the calibration to the evidence of some frames, with the shipped one as the prior."""
    frames = list(judged)
    parts = np.array(
        [
            (1.0, odds, log_size)
            for one in frames
            for odds, log_size in zip(one.odds, one.log_size, strict=True)
        ]
    ).reshape(-1, 3)
    real = np.array([is_cell for one in frames for is_cell in one.real], dtype=np.float64)
    before = np.array([shipped.base, shipped.per_score, shipped.per_size])

    def loss(factors: np.ndarray) -> float:
        odds = parts @ factors
        prior = (((factors - before) / np.array(_PRIOR_SD)) ** 2).sum() / 2
        return float(np.sum(np.logaddexp(0, odds) - real * odds) + prior)

    base, per_score, per_size = minimize(loss, before, method="L-BFGS-B", bounds=_LIMITS).x.tolist()
    stretches = np.array([stretch for one in frames for stretch in one.stretches])
    return Calibration(base, per_score, per_size, _stretch(stretches, shipped.side_stretch))


def _stretch(stretches: np.ndarray, shipped: float) -> float:
    """Return the stretch with which outer boxes hold the share of sides that they promise."""
    low, high = _STRETCHES
    if not len(stretches):
        return shipped
    measured = min(max(float(np.quantile(stretches, OUTER_QUANTILE)), low), high)
    share = len(stretches) / (len(stretches) + _PRIOR_SIDES)
    return float(math.exp(share * math.log(measured) + (1 - share) * math.log(shipped)))
