"""From the probability that a forest gives a hit to the share of such hits that are cells."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

SLOPE_SD, OFFSET_SD = 1.0, 2.0
"""Prior deviations from leaving probabilities as they are: a few hits must not tell much."""
SLOPES, OFFSETS = (0.05, 20.0), (-10.0, 10.0)
SURE = 0.01
"""Probabilities nearer to 0 or 1 than this are taken for this."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """A logistic map of probabilities, and the hits it was made from.

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
        """Chance that a hit of mean probability `probability` is a cell, 0..1; never falls as that grows."""
        logit = self.slope * _logit(probability) + self.offset
        return 1 / (1 + math.exp(-logit))


UNCALIBRATED = Calibration()


def calibrate(probabilities: Sequence[float], real: Sequence[bool]) -> Calibration:
    """Fit the map to hits of which it is known whether they are cells.

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
