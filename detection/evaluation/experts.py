"""Agreement of readers with each other and of a detector with them: Tables 1 to 3 of the paper.

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
    """Agreement of a detector or reader with one reader, who is taken for the truth.

    Attributes
    ----------
    dice : float
        D_GT: mean of the best Dice index of each of the reader's boxes (Eq. 4).
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

    It is not symmetric: of two readers, the one who marks more cells has the lower row.
    """
    return np.array([[agreement(truth, found).dice for found in readers] for truth in readers])


def mean_between(table: NDArray[np.float64]) -> float:
    """Return the mean of Table 1 without its diagonal (67.7 % in the paper); NaN for a single reader."""
    others = table[~np.eye(len(table), dtype=bool)]
    return float(others.mean()) if others.size else float("nan")


def groups(table: NDArray[np.float64]) -> list[int]:
    """Group readers who mark alike.

    Hierarchical clustering, average linkage, of one minus the Dice of each pair (mean of both ways), cut
    into the number of groups with the best mean silhouette (Rousseeuw, J. Comput. Appl. Math. 20 (1987) 53).
    It always finds at least two groups; the table shows how different they are.

    Parameters
    ----------
    table : (N, N) array
        Result of `dice_table`.

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
    """Return the mean silhouette, -1..1; a group of one reader counts as 0."""
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
