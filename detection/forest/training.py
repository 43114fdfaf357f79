"""Training of a random forest on annotated frames.

Source: Delpiano et al., J. Microsc. 271 (2018) 109, 'Semiautomated segmentation using Ilastik': random
forests on six features. Breiman, 'Random Forests', Machine Learning 45 (2001) 5.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from detection.errors import DetectionError
from detection.evaluation.annotated import AnnotatedFrame, halves
from detection.evaluation.scores import is_real
from detection.forest.calibration import Calibration, calibrate
from detection.forest.detector import Forest, shrink_of, working_features
from detection.forest.model import ForestModel, TrainingSummary, Tree
from detection.forest.settings import FOREST, TRAINING, TrainingSettings
from detection.image.working_grid import padded


def train(frames: Sequence[AnnotatedFrame], settings: TrainingSettings = TRAINING) -> ForestModel:
    """Fit a forest and calibrate its confidences; the same frames always give the same one.

    Parameters
    ----------
    frames : sequence of AnnotatedFrame
        Of one pixel size within 1 %.
    settings : TrainingSettings

    Raises
    ------
    DetectionError
        Raised when there are no frames, their pixel sizes differ, or pixels of cells or of background lack.
    """
    if not frames:
        raise DetectionError("there is no annotated frame to train on")
    sizes_um = [item.frame.pixel_size_um for item in frames]
    if max(sizes_um) / min(sizes_um) - 1 > FOREST.same_pixel_size:
        raise DetectionError(
            f"the frames have pixels of {min(sizes_um):.4g} to {max(sizes_um):.4g} um; a forest is trained on"
            " one pixel size"
        )
    model = _fitted(frames, settings)
    return replace(model, calibration=_calibrated(frames, settings))


def _calibrated(frames: Sequence[AnnotatedFrame], settings: TrainingSettings) -> Calibration:
    """Calibrate on hits in frames, or in halves of a single one, that a forest of the others finds."""
    items = list(frames) if len(frames) > 1 else halves(frames[0])
    fewer = replace(settings, max_pixels=settings.max_pixels // settings.fold_pixels_share)
    probabilities: list[float] = []
    real: list[bool] = []
    for fold in range(min(settings.folds, len(items))):
        seen = [item for number, item in enumerate(items) if number % settings.folds != fold]
        try:
            part = _fitted(seen, fewer)
        except DetectionError:
            # All cells, or all background, may be in the frames left out: then this fold has no hits to add.
            continue
        finder = Forest(part, any_pixel_size=True)
        for item in items[fold :: settings.folds]:
            for hit in finder.find(item.frame)[0]:
                probabilities.append(hit.confidence)
                real.append(is_real(hit.box, item.truth))
    return calibrate(probabilities, real)


def _fitted(frames: Sequence[AnnotatedFrame], settings: TrainingSettings) -> ForestModel:
    """Fit a forest whose confidences are not calibrated."""
    sizes_um = [item.frame.pixel_size_um for item in frames]
    rng = np.random.default_rng(settings.seed)
    drawn = [_drawn(item, settings.max_pixels // len(frames), settings.scales_um, rng) for item in frames]
    features = np.concatenate([values for values, _ in drawn])
    is_cell = np.concatenate([labels for _, labels in drawn])
    if is_cell.all() or not is_cell.any():
        lacking = "background" if is_cell.any() else "cells"
        raise DetectionError(f"the annotated frames have no pixels of {lacking}; a forest needs both")
    # Takes a second to load, and many import this module who train nothing.
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(
        n_estimators=settings.trees,
        max_depth=settings.max_depth,
        min_samples_leaf=settings.min_leaf_pixels,
        oob_score=True,
        n_jobs=-1,
        random_state=settings.seed,
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
        settings.scales_um,
        summary,
    )


def _drawn(
    item: AnnotatedFrame, most: int, scales_um: tuple[float, ...], rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Draw pixels of a frame on its working grid; return their features, and True for those in cells."""
    features, (rows, columns) = working_features(item.frame, scales_um)
    shrink = shrink_of(item.frame.pixel_size_um)

    def shrunk(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
        whole = padded(mask.astype(np.float32), shrink)
        share = cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA)
        return np.asarray(share, dtype=np.float32).ravel()

    known = np.flatnonzero(shrunk(item.unknown) == 0)
    chosen = np.sort(rng.choice(known, size=min(most, known.size), replace=False))
    return features[chosen], shrunk(item.cell)[chosen] > 0.5


def _tree(estimator: Any) -> Tree:
    """Return a fitted `DecisionTreeClassifier` as a value."""
    tree = estimator.tree_
    exact = np.asarray(tree.threshold, dtype=np.float64)
    threshold = exact.astype(np.float32)
    # Features are float32, thresholds were not: rounded down, they split the same pixels.
    threshold = np.where(threshold > exact, np.nextafter(threshold, np.float32(-np.inf)), threshold)
    counts = np.asarray(tree.value, dtype=np.float64)[:, 0, :]
    return Tree(
        left=np.asarray(tree.children_left, dtype=np.int64),
        right=np.asarray(tree.children_right, dtype=np.int64),
        feature=np.asarray(tree.feature, dtype=np.int64),
        threshold=np.asarray(threshold, dtype=np.float32),
        probability=np.asarray(counts[:, 1] / counts.sum(axis=1), dtype=np.float32),
    )
