"""Map from the probability that a forest gives a hit to the share of such hits that are cells."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

SLOPE_SD, OFFSET_SD = 1.0, 2.0
"""Standard deviations of the prior about the map that changes nothing: a few hits must not count for much.
Chosen by hand; not measured."""
SLOPES, OFFSETS = (0.05, 20.0), (-10.0, 10.0)
"""Limits of the fit, and of the numbers in a file: five standard deviations of the prior or more.
Chosen by hand; not measured."""
SURE = 0.01
"""Probabilities are kept this far from 0 and 1, where the logit is infinite. Chosen by hand; not measured."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Logistic map of probabilities, and the hits it was fitted to.

    Attributes
    ----------
    slope, offset : float
        Of the logit; 1 and 0 leave probabilities as they are.
    hits, real : int
        Hits in frames, or halves of one, that the forest had not seen, and how many of them were cells.
    """

    slope: float = 1.0
    offset: float = 0.0
    hits: int = 0
    real: int = 0

    def confidence(self, probability: float) -> float:
        """Return the chance that a hit of this mean probability is a cell, 0..1; it never falls with it."""
        logit = self.slope * _logit(probability) + self.offset
        return 1 / (1 + math.exp(-logit))


UNCALIBRATED = Calibration()
"""The map that leaves probabilities as they are."""


def calibrate(probabilities: Sequence[float], real: Sequence[bool]) -> Calibration:
    """Fit the map to hits that are known to be cells or not.

    Source: Platt, 'Probabilistic outputs for support vector machines', Advances in Large Margin Classifiers
    (2000) 61; here with a Gaussian prior about the map that changes nothing.

    Parameters
    ----------
    probabilities : sequence of float
        0..1; may be empty.
    real : sequence of bool
    """
    logit = np.array([_logit(probability) for probability in probabilities])
    is_cell = np.array(real, dtype=np.float64)

    def loss(factors: np.ndarray) -> float:
        slope, offset = factors
        score = slope * logit + offset
        prior = ((slope - 1) / SLOPE_SD) ** 2 / 2 + (offset / OFFSET_SD) ** 2 / 2
        return float(np.sum(np.logaddexp(0, score) - is_cell * score) + prior)

    found = minimize(loss, (1.0, 0.0), method="L-BFGS-B", bounds=(SLOPES, OFFSETS))
    slope, offset = (float(factor) for factor in found.x)
    return Calibration(slope, offset, len(logit), int(is_cell.sum()))


def _logit(probability: float) -> float:
    inside = min(max(probability, SURE), 1 - SURE)
    return math.log(inside / (1 - inside))
