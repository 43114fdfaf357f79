"""Recall and precision of the boxes of one frame, for the tests of detectors."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from detection.evaluation.dice import CORRECT_DICE, WHOLE_SHARE
from detection.image.boxes import BoxPx, union_mask


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


def _share_correct(matrix: NDArray[np.float64]) -> float:
    if matrix.shape[0] == 0:
        return float("nan")
    return float((matrix.max(axis=1, initial=0.0) > CORRECT_DICE).mean())
