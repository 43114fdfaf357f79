"""A random forest trained on annotated frames.

Source: Delpiano et al., J. Microsc. 271 (2018) 109, 'Semiautomated segmentation using Ilastik': random
forests on six features. Breiman, 'Random Forests', Machine Learning 45 (2001) 5.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier

from detection.errors import DetectionError
from detection.evaluation.scores import is_real
from detection.evaluation.truth import TrueCell
from detection.forest.calibration import Calibration, calibrate
from detection.forest.detector import SAME_PIXEL_SIZE, Forest, padded, shrink_of, working_features
from detection.forest.model import ForestModel, TrainingSummary, Tree
from detection.image.boxes import BoxPx
from detection.image.frames import Frame

SCALES_UM = (0.36, 0.71, 1.42, 2.84)
"""Octaves from the working pixel to half a small cell."""
TREES = 60
MOST_DEPTH = 16
SMALLEST_LEAF = 10
MOST_PIXELS = 150_000
SEED = 2018
FOLDS = 3
"""As many times a forest of the other frames looks at frames that it has not seen."""
FOLD_PIXELS_SHARE = 3
"""Such a forest learns from so many times fewer pixels, so that all take as long as the one that stays."""


@dataclass(frozen=True, slots=True)
class AnnotatedFrame:
    """A frame and what a person knows of it.

    Attributes
    ----------
    frame : Frame
    cell : (rows, columns) array of bool
        Pixels that lie in cells.
    unknown : (rows, columns) array of bool
        Pixels of which nothing is known, as the corners of a box round a cell; they are not learnt from.
    truth : tuple of TrueCell
        The marks themselves.
    """

    frame: Frame
    cell: NDArray[np.bool_]
    unknown: NDArray[np.bool_]
    truth: tuple[TrueCell, ...]

    @property
    def cells(self) -> int:
        """How many cells are marked that are to be found."""
        return sum(cell.counted for cell in self.truth)


def train(
    frames: Sequence[AnnotatedFrame], most_pixels: int = MOST_PIXELS, trees: int = TREES
) -> ForestModel:
    """Fit a forest and calibrate its confidences; the same frames always give the same one.

    Parameters
    ----------
    frames : sequence of AnnotatedFrame
        Of one pixel size within 1 %.
    most_pixels : int
        As many are drawn from all frames together, an equal number from each where there are that many.
    trees : int

    Raises
    ------
    DetectionError
        Raised when there are no frames, their pixel sizes differ, or pixels of cells or of background lack.
    """
    if not frames:
        raise DetectionError("there is no annotated frame to train on")
    sizes_um = [item.frame.pixel_size_um for item in frames]
    if max(sizes_um) / min(sizes_um) - 1 > SAME_PIXEL_SIZE:
        raise DetectionError(
            f"the frames have pixels of {min(sizes_um):.4g} to {max(sizes_um):.4g} um; a forest is trained on"
            " one pixel size"
        )
    model = _fitted(frames, most_pixels, trees)
    return replace(model, calibration=_calibrated(frames, most_pixels, trees))


def _calibrated(frames: Sequence[AnnotatedFrame], most_pixels: int, trees: int) -> Calibration:
    """Calibrate on hits in frames, or in halves of a single one, that a forest of the others finds."""
    items = list(frames) if len(frames) > 1 else _halves(frames[0])
    probabilities: list[float] = []
    real: list[bool] = []
    for fold in range(min(FOLDS, len(items))):
        seen = [item for number, item in enumerate(items) if number % FOLDS != fold]
        try:
            part = _fitted(seen, most_pixels // FOLD_PIXELS_SHARE, trees)
        except DetectionError:
            # All the cells, or all the ground, may be in what is left out: then this fold tells nothing.
            continue
        finder = Forest(part, any_pixel_size=True)
        for item in items[fold::FOLDS]:
            for hit in finder.find(item.frame)[0]:
                probabilities.append(hit.confidence)
                real.append(is_real(hit.box, item.truth))
    return calibrate(probabilities, real)


def _halves(item: AnnotatedFrame) -> list[AnnotatedFrame]:
    """Cut a frame across its longer side."""
    rows, columns = item.cell.shape
    first, second = (
        (BoxPx(0, 0, columns, rows // 2), BoxPx(0, rows // 2, columns, rows))
        if rows >= columns
        else (BoxPx(0, 0, columns // 2, rows), BoxPx(columns // 2, 0, columns, rows))
    )
    return [_part(item, box) for box in (first, second)]


def _part(item: AnnotatedFrame, box: BoxPx) -> AnnotatedFrame:
    """What lies in a box of an annotated frame, with the cells that the box cuts."""
    truth = []
    for cell in item.truth:
        x0, y0 = max(cell.box.x0, box.x0) - box.x0, max(cell.box.y0, box.y0) - box.y0
        x1, y1 = min(cell.box.x1, box.x1) - box.x0, min(cell.box.y1, box.y1) - box.y0
        if x0 < x1 and y0 < y1:
            truth.append(replace(cell, box=BoxPx(x0, y0, x1, y1), mask=None))
    frame = replace(item.frame, values=np.ascontiguousarray(item.frame.values[box.slices]), border=None)
    return AnnotatedFrame(frame, item.cell[box.slices], item.unknown[box.slices], tuple(truth))


def _fitted(frames: Sequence[AnnotatedFrame], most_pixels: int, trees: int) -> ForestModel:
    """Fit a forest whose confidences are not calibrated."""
    sizes_um = [item.frame.pixel_size_um for item in frames]
    rng = np.random.default_rng(SEED)
    drawn = [_drawn(item, most_pixels // len(frames), rng) for item in frames]
    features = np.concatenate([values for values, _ in drawn])
    is_cell = np.concatenate([labels for _, labels in drawn])
    if is_cell.all() or not is_cell.any():
        lacking = "background" if is_cell.any() else "cells"
        raise DetectionError(f"the annotated frames have no pixels of {lacking}; a forest needs both")
    forest = RandomForestClassifier(
        n_estimators=trees,
        max_depth=MOST_DEPTH,
        min_samples_leaf=SMALLEST_LEAF,
        oob_score=True,
        n_jobs=-1,
        random_state=SEED,
    ).fit(features, is_cell)
    believed = forest.oob_decision_function_[:, 1] >= 0.5
    right = float(np.count_nonzero(believed & is_cell))
    summary = TrainingSummary(
        frames=len(frames),
        cells=sum(item.cells for item in frames),
        pixels=len(is_cell),
        cell_share=float(is_cell.mean()),
        oob_recall=right / float(np.count_nonzero(is_cell)),
        oob_precision=right / max(float(np.count_nonzero(believed)), 1.0),
    )
    return ForestModel(
        tuple(_tree(estimator) for estimator in forest.estimators_),
        float(np.median(sizes_um)),
        SCALES_UM,
        summary,
    )


def _drawn(
    item: AnnotatedFrame, most: int, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Draw pixels of a frame on its working grid: features, and whether they lie in cells."""
    features, (rows, columns) = working_features(item.frame, SCALES_UM)
    shrink = shrink_of(item.frame.pixel_size_um)

    def shrunk(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
        whole = padded(mask.astype(np.float32), shrink)
        share = cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA)
        return np.asarray(share, dtype=np.float32).ravel()

    known = np.flatnonzero(shrunk(item.unknown) == 0)
    chosen = np.sort(rng.choice(known, size=min(most, known.size), replace=False))
    return features[chosen], shrunk(item.cell)[chosen] > 0.5


def _tree(estimator: DecisionTreeClassifier) -> Tree:
    tree = estimator.tree_
    exact = np.asarray(tree.threshold, dtype=np.float64)
    threshold = exact.astype(np.float32)
    # Features are float32, thresholds were not: rounded down, they part the same pixels.
    threshold = np.where(threshold > exact, np.nextafter(threshold, np.float32(-np.inf)), threshold)
    counts = np.asarray(tree.value, dtype=np.float64)[:, 0, :]
    return Tree(
        left=np.asarray(tree.children_left, dtype=np.int64),
        right=np.asarray(tree.children_right, dtype=np.int64),
        feature=np.asarray(tree.feature, dtype=np.int64),
        threshold=np.asarray(threshold, dtype=np.float32),
        probability=np.asarray(counts[:, 1] / counts.sum(axis=1), dtype=np.float32),
    )
