"""The Dice index of boxes, as in the paper, and what counts as correct and as whole.

Equations: Delpiano et al., J. Microsc. 271 (2018) 109. `detection.evaluation.scores` makes figures of it.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from detection.image.boxes import BoxPx, dice

CORRECT_DICE = 0.5
"""A found box is correct above this Dice index with a true one."""

WHOLE_SHARE = 0.99
"""A cell is imaged whole if so much of its pixels lies in what is imaged."""


def dice_matrix(found: Sequence[BoxPx], truth: Sequence[BoxPx]) -> NDArray[np.float64]:
    """Dice index of every found box (rows) with every true one (columns), 0..1 (Eq. 2)."""
    return np.array([[dice(a, b) for b in truth] for a in found], dtype=np.float64).reshape(
        len(found), len(truth)
    )
