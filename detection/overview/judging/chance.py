"""Chance that an outline is right: that it shares .8 of the union with a true section.

A logistic model of what the search measures. The numbers below are printed by
`python -m training.section_confidence` (simulated arrays of development seeds; wrong shapes are among them).
"""

import numpy as np
from numpy.typing import NDArray

from detection.overview.judging.evidence import NAMES

BASE = 0.0
PER: dict[str, float] = dict.fromkeys(NAMES, 0.0)
OTHER_SHAPE = 0.3
LEAST_CHANCE = 0.5


def chances(evidence: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the chance that each outline is right, 0 to 1.

    Parameters
    ----------
    evidence : (N, len(NAMES)) array
        See `evidence_of`.
    """
    logit = BASE + evidence @ np.array([PER[name] for name in NAMES])
    return np.asarray(1 / (1 + np.exp(-logit)), np.float64)
