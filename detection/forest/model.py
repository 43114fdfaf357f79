"""Values of a trained forest."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detection.forest.calibration import UNCALIBRATED, Calibration


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """Decision tree; node 0 is the root.

    Attributes
    ----------
    left, right : (nodes,) array of int64
        Next node for a feature at most the threshold, and above it; -1 in leaves.
    feature : (nodes,) array of int64
    threshold : (nodes,) array of float32
    probability : (nodes,) array of float32
        Of a cell, 0..1; used in leaves.
    """

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    feature: NDArray[np.int64]
    threshold: NDArray[np.float32]
    probability: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class TrainingSummary:
    """Training data of a forest, and its figures on them.

    Attributes
    ----------
    frames, cells, pixels : int
        Annotated frames, cells in them, pixels drawn from them.
    cell_share : float
        Share of those pixels that lie in cells, 0..1.
    oob_recall, oob_precision : float
        Of cell pixels, by the trees that did not see them (out of bag), 0..1. Neighbouring pixels are alike,
        so other frames are found less well.
    """

    frames: int
    cells: int
    pixels: int
    cell_share: float
    oob_recall: float
    oob_precision: float


@dataclass(frozen=True, slots=True)
class ForestModel:
    """Trained forest.

    Attributes
    ----------
    trees : tuple of Tree
    pixel_size_um : float
        Of the frames it was trained on.
    scales_um : tuple of float
        Scales of the features.
    summary : TrainingSummary
    calibration : Calibration
        From the mean probability of a hit to its confidence.
    """

    trees: tuple[Tree, ...]
    pixel_size_um: float
    scales_um: tuple[float, ...]
    summary: TrainingSummary
    calibration: Calibration = UNCALIBRATED
