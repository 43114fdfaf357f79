"""Chance that an outline is right: that it shares .8 of the union with a true section.

A logistic model of what the search measures. `python -m benchmarks.holder.section_confidence` prints such
numbers from simulated arrays of seeds 46 and 47, some of a wrong shape. Those below are from the first 64
arrays of it: 1717 outlines, 1629 of them right.
"""

import numpy as np
from numpy.typing import NDArray

from detection.overview.judging.evidence import NAMES

BASE = -10.98
PER: dict[str, float] = {
    "second": 6.96,
    "filled": 3.91,
    "residue": -10.71,
    "rival": -4.29,
    "shared": -8.40,
    "usual": 6.33,
    "doubted": -2.00,
}
OTHER_SHAPE = 0.29
"""Chance of what has another shape than the sections: 10 of 35 were right."""
LEAST_CHANCE = 0.3
"""Chance below which an outline is doubtful. A missed section costs more than a wrong outline; chosen by hand
with the published coverslips in view: of eight sections of one, the least likely has .44."""


def chances(evidence: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the chance that each outline is right, 0 to 1.

    Parameters
    ----------
    evidence : (N, len(NAMES)) array
        See `evidence_of`.
    """
    logit = BASE + evidence @ np.array([PER[name] for name in NAMES])
    return np.asarray(1 / (1 + np.exp(-logit)), np.float64)
