"""How far readers agree with each other, and a detector with them: Tables 1 to 3 of the paper.

Delpiano et al., J. Microsc. 271 (2018) 109. All figures are for bounding boxes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from detection.evaluation.dice import CORRECT_DICE, dice_matrix
from detection.image.boxes import BoxPx

Reader = Mapping[int, Sequence[BoxPx]]
"""Boxes of one reader by image."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """A detector, or a reader, against one reader taken for the truth.

    Attributes
    ----------
    dice : float
        D_GT: mean over the reader's boxes of their best Dice (Eq. 4).
    recall, precision : float
        At D > 0.5 (Eqs. 5 and 6).
    """

    dice: float
    recall: float
    precision: float


def agreement(truth: Reader, found: Reader) -> Agreement:
    """Compare found boxes with a reader's, over all images together; NaN where a side has no boxes."""
    best_truth: list[float] = []
    best_found: list[float] = []
    for image in sorted(set(truth) | set(found)):
        matrix = dice_matrix(found.get(image, ()), truth.get(image, ()))
        best_truth += matrix.max(axis=0, initial=0.0).tolist()
        best_found += matrix.max(axis=1, initial=0.0).tolist()
    return Agreement(
        dice=float(np.mean(best_truth)) if best_truth else float("nan"),
        recall=float(np.mean(np.array(best_truth) > CORRECT_DICE)) if best_truth else float("nan"),
        precision=float(np.mean(np.array(best_found) > CORRECT_DICE)) if best_found else float("nan"),
    )


def dice_table(readers: Sequence[Reader]) -> NDArray[np.float64]:
    """Return Table 1: D_GT with the reader of the row as the truth and that of the column as the finder.

    It is not symmetric: who marks many cells is met by few of those who mark few.
    """
    return np.array([[agreement(truth, found).dice for found in readers] for truth in readers])


def mean_between(table: NDArray[np.float64]) -> float:
    """Mean of Table 1 without its diagonal (67.7 % in the paper); NaN for a single reader."""
    others = table[~np.eye(len(table), dtype=bool)]
    return float(others.mean()) if others.size else float("nan")


def groups(table: NDArray[np.float64]) -> list[int]:
    """Tell schools of readers apart.

    Hierarchical clustering, average linkage, of one minus the Dice of each pair (mean of both ways), cut
    into the number of groups with the best mean silhouette (Rousseeuw, J. Comput. Appl. Math. 20 (1987) 53).
    It always finds two groups at least: whether they are far apart, the table tells.

    Parameters
    ----------
    table : (N, N) array
        As `dice_table` returns it.

    Returns
    -------
    list of int
        Group of each reader, from 1, in order of appearance; all 1 for fewer than three readers.
    """
    count = len(table)
    if count < 3 or not np.isfinite(table).all():
        return [1] * count
    distance = 1 - (table + table.T) / 2
    np.fill_diagonal(distance, 0)
    distance = np.maximum(distance, 0)
    tree = linkage(squareform(distance, checks=False), method="average")
    cuts = [fcluster(tree, number, criterion="maxclust") for number in range(2, count)]
    labels = max(cuts, key=lambda cut: _silhouette(distance, cut))
    order = list(dict.fromkeys(int(label) for label in labels))
    return [order.index(int(label)) + 1 for label in labels]


def _silhouette(distance: NDArray[np.float64], labels: NDArray[np.int32]) -> float:
    """Mean over readers of how much nearer their own group is than the next one, -1..1; 0 for a lone one."""
    values = []
    for reader, own in enumerate(labels):
        others = (labels == own) & (np.arange(len(labels)) != reader)
        if not others.any() or (labels == own).all():
            values.append(0.0)
            continue
        within = float(distance[reader, others].mean())
        nearest = min(float(distance[reader, labels == o].mean()) for o in set(labels.tolist()) - {int(own)})
        values.append((nearest - within) / max(nearest, within, 1e-12))
    return float(np.mean(values))
