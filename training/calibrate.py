"""Calibration of a trained network on frames that it has not seen."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from detection.evaluation.scores import is_real
from detection.evaluation.truth import TrueCell
from detection.image.boxes import BoxPx, iou
from detection.image.frames import check_frame
from detection.image.hits import OUTER_QUANTILE
from detection.image.working_grid import on_working_grid
from detection.network.detector import Network, evidence, hits_of
from detection.network.inputs import WORKING_PIXEL_UM
from detection.network.model import Calibration, NetworkModel
from training.labelled import LabelledFrame
from training.samples import Kind, frames_of

MATCHED_IOU = 0.4
"""Overlap from which a hit is of a true cell, for the spread of its sides."""
FIRST_SEED = 900_000
"""Seeds of the training are below; those of the benchmarks too."""
FEWEST_SIDES = 1000
"""With fewer the spread of the sides stays as it is."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Hits of frames with truth.

    Attributes
    ----------
    log_odds, log_size, real : (hits,) array
        Of the score; logarithm of the size over the usual one; 1 for a hit at a cell.
    reach : (sides,) array of float64
        Place of each true side of matched cells, 0 at the most likely and 1 at the outer side.
    """

    log_odds: NDArray[np.float64]
    log_size: NDArray[np.float64]
    real: NDArray[np.int64]
    reach: NDArray[np.float64]


def calibrated(model: NetworkModel, parts: Sequence[tuple[Kind, range]]) -> Calibration:
    """Fit the calibration of a network: logistic regression of its scores, and the spread of its sides."""
    judged = judge(Network(NetworkModel(model.weights, Calibration(), model.note)), parts)
    fit = LogisticRegression(C=100.0).fit(np.column_stack([judged.log_odds, judged.log_size]), judged.real)
    per_score, per_size = fit.coef_[0].tolist()
    enough = len(judged.reach) >= FEWEST_SIDES
    stretch = float(np.quantile(judged.reach, OUTER_QUANTILE)) if enough else 1.0
    return Calibration(
        float(fit.intercept_[0]), max(per_score, 0.05), per_size, float(np.clip(stretch, 0.2, 5.0))
    )


def judge(network: Network, parts: Sequence[tuple[Kind, range]]) -> Judged:
    """Compare the hits of a network with the truth of frames of some kinds and seeds."""
    odds: list[float] = []
    sizes: list[float] = []
    real: list[bool] = []
    reach: list[float] = []
    for kind, seeds in parts:
        for seed in seeds:
            for frame in frames_of(kind, seed):
                checked = check_frame(frame.pixels, frame.pixel_size_um, frame.offset_adu)
                if checked.constant:
                    continue
                grid = on_working_grid(checked, WORKING_PIXEL_UM)
                reading, _ = network.read(grid, processed=checked.processed)
                shape = (frame.pixels.shape[0], frame.pixels.shape[1])
                hits = hits_of(reading, grid, shape, network.model.calibration)
                truth = _truth(frame)
                for hit, score in zip(hits, reading.score.tolist(), strict=True):
                    log_odds, log_size = evidence(
                        score, float(np.sqrt(hit.box.area_px)) * frame.pixel_size_um
                    )
                    odds.append(log_odds)
                    sizes.append(log_size)
                    real.append(is_real(hit.box, truth))
                    if hit.outer is not None:
                        reach += _reach(hit.box, hit.outer, truth, shape)
    return Judged(np.array(odds), np.array(sizes), np.array(real, np.int64), np.array(reach))


def _truth(frame: LabelledFrame) -> list[TrueCell]:
    scale = frame.pixels.shape[0] // frame.truth.shape[0]
    return [
        TrueCell(str(number), BoxPx(*(int(side) * scale for side in box)), counted=bool(counted))
        for number, (box, counted) in enumerate(zip(frame.boxes, frame.counted, strict=True))
        if box[2] > box[0] and box[3] > box[1]
    ]


def _reach(box: BoxPx, outer: BoxPx, truth: list[TrueCell], shape: tuple[int, int]) -> list[float]:
    """Return the place of the sides of the true cell of a hit; none of those at the edge of the frame."""
    best = max((cell for cell in truth if cell.counted), key=lambda cell: iou(cell.box, box), default=None)
    if best is None or iou(best.box, box) < MATCHED_IOU:
        return []
    rows, columns = shape
    true, near, far = best.box, box, outer
    sides = (
        (near.x0 - true.x0, near.x0 - far.x0, far.x0 > 0),
        (near.y0 - true.y0, near.y0 - far.y0, far.y0 > 0),
        (true.x1 - near.x1, far.x1 - near.x1, far.x1 < columns),
        (true.y1 - near.y1, far.y1 - near.y1, far.y1 < rows),
    )
    return [beyond / max(spread, 1) for beyond, spread, inside in sides if inside]
