"""How good a detection is: Dice, recall and precision as in the paper, and what the microscope images.

Equations: Delpiano et al., J. Microsc. 271 (2018) 109. Recall and precision are for undilated boxes,
contained recall and area for the boxes to be imaged.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from detection.boxes import BoxPx, dice, union_mask

CORRECT_DICE = 0.5
WHOLE_SHARE = 0.99


def dice_matrix(found: Sequence[BoxPx], truth: Sequence[BoxPx]) -> NDArray[np.float64]:
    """Dice index of every found box (rows) with every true one (columns), 0..1 (Eq. 2)."""
    return np.array([[dice(a, b) for b in truth] for a in found], dtype=np.float64).reshape(
        len(found), len(truth)
    )


def mean_dice_found(matrix: NDArray[np.float64]) -> float:
    """D_det: mean over found boxes of their best Dice (Eq. 3); NaN where nothing was found."""
    return _mean_best(matrix)


def mean_dice_truth(matrix: NDArray[np.float64]) -> float:
    """D_GT: mean over true boxes of their best Dice (Eq. 4); NaN where there are none."""
    return _mean_best(matrix.T)


def recall(matrix: NDArray[np.float64]) -> float:
    """Share of true boxes that some found box meets with D > 0.5 (Eq. 5); NaN where there are none."""
    return _share_correct(matrix.T)


def precision(matrix: NDArray[np.float64]) -> float:
    """Share of found boxes that meet some true box with D > 0.5 (Eq. 6); NaN where there are none."""
    return _share_correct(matrix)


def contained_recall(
    truth: Sequence[BoxPx] | Sequence[NDArray[np.bool_]], imaged: Sequence[BoxPx], shape: tuple[int, int]
) -> float:
    """Share of cells of which at least 99 % of the pixels lie inside the union of the boxes imaged.

    Parameters
    ----------
    truth : sequence of BoxPx or of (rows, columns) array of bool
        Boxes or masks of the cells, none of them empty.
    imaged : sequence of BoxPx
        Dilated boxes.
    shape : (int, int)
        Rows and columns of the frame.

    Returns
    -------
    float
        0..1; NaN where there are no cells.
    """
    covered = union_mask(imaged, shape)
    shares = [covered[cell.slices if isinstance(cell, BoxPx) else cell].mean() for cell in truth]
    return float(np.mean([share >= WHOLE_SHARE for share in shares])) if shares else float("nan")


def imaged_over_cell_area(truth: Sequence[BoxPx], imaged: Sequence[BoxPx], shape: tuple[int, int]) -> float:
    """Area of the union of the boxes imaged over that of the true boxes (A/GT); NaN without true boxes."""
    cells = int(union_mask(truth, shape).sum())
    return int(union_mask(imaged, shape).sum()) / cells if cells else float("nan")


def _mean_best(matrix: NDArray[np.float64]) -> float:
    if matrix.shape[0] == 0:
        return float("nan")
    return float(matrix.max(axis=1, initial=0.0).mean())


def _share_correct(matrix: NDArray[np.float64]) -> float:
    if matrix.shape[0] == 0:
        return float("nan")
    return float((matrix.max(axis=1, initial=0.0) > CORRECT_DICE).mean())
