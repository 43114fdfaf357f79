"""Dice index of boxes, and the limits for a correct and a whole cell.

Equations: Delpiano et al., J. Microsc. 271 (2018) 109.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from detection.image.boxes import BoxPx, dice

CORRECT_DICE = 0.5
"""A found box is correct above this Dice index with a true one (the paper, before Eq. 5)."""

WHOLE_SHARE = 0.99
"""Share of the pixels of a cell that must be imaged for it to count as whole; chosen by hand."""


def dice_matrix(found: Sequence[BoxPx], truth: Sequence[BoxPx]) -> NDArray[np.float64]:
    """Return the Dice index of every found box (rows) with every true one (columns), 0..1 (Eq. 2)."""
    return np.array([[dice(a, b) for b in truth] for a in found], dtype=np.float64).reshape(
        len(found), len(truth)
    )
