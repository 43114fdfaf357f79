"""Detector `forest:MODEL`: a random forest on the paper's features."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.filters import apply_hysteresis_threshold

from detection.errors import DetectionError
from detection.forest.ilastik_features import ilastik_features
from detection.forest.model import ForestModel
from detection.forest.settings import FOREST, ForestSettings
from detection.image.boxes import BoxPx
from detection.image.frames import Frame
from detection.image.hits import Hit
from detection.image.working_grid import on_working_grid
from detection.onnx_session import InferenceSession, onnx_session
from detection.recall_first.regions import close_and_fill
from detection.recall_first.splitting import split_touching

BATCH_PX = 2**18
"""Pixels of one run of the model; bounds its memory to 34 MB of features at four scales."""


@dataclass(frozen=True)
class Forest:
    """Detector `forest:MODEL`.

    Attributes
    ----------
    model : ForestModel
    any_pixel_size : bool
        Accept frames of other pixel sizes than the model's, with a warning.
    settings : ForestSettings
    """

    model: ForestModel
    any_pixel_size: bool = False
    settings: ForestSettings = FOREST

    def find(self, frame: Frame) -> tuple[Sequence[Hit], Sequence[str]]:
        """Find cells; see `detection.detectors.Detector.find`.

        Raises
        ------
        DetectionError
            Raised when the frame has another pixel size than the frames of the training.
        """
        warnings = self._check_pixel_size(frame.pixel_size_um)
        probability = self.probability(frame)
        shrink = shrink_of(frame.pixel_size_um, self.settings)
        hits = hits_of(probability, shrink * frame.pixel_size_um, shrink, frame.values.shape, self.settings)
        if not hits:
            warnings.append(
                f"no cells: the forest gives no pixel a probability above {float(probability.max()):.2f},"
                f" and a cell needs {self.settings.seed_probability:g} and {self.settings.smallest_um:g} um"
            )
        calibrated = self.model.calibration.confidence
        return [replace(hit, confidence=calibrated(hit.confidence)) for hit in hits], warnings

    def probability(self, frame: Frame) -> NDArray[np.float32]:
        """Return the probability of every pixel of the working grid to lie in a cell, 0..1."""
        features, (rows, columns) = working_features(frame, self.model.scales_um, self.settings)
        batches = [features[n : n + BATCH_PX] for n in range(0, len(features), BATCH_PX)]
        found = np.concatenate([self._session.run(None, {"features": b})[0][:, 0] for b in batches])
        return np.clip(np.asarray(found, dtype=np.float32).reshape(rows, columns), 0, 1)

    def _check_pixel_size(self, pixel_size_um: float) -> list[str]:
        trained = self.model.pixel_size_um
        if abs(pixel_size_um / trained - 1) <= self.settings.same_pixel_size:
            return []
        what = f"the frame has pixels of {pixel_size_um:.4g} um, the forest was trained on {trained:.4g} um"
        if not self.any_pixel_size:
            raise DetectionError(f"{what}; --any-pixel-size (any_pixel_size: true) uses it all the same")
        return [f"{what}; look at what it finds before you trust it"]

    @cached_property
    def _session(self) -> InferenceSession:
        from detection.forest.onnx_file import model_bytes

        return onnx_session(model_bytes(self.model))


def working_features(
    frame: Frame, scales_um: Sequence[float], settings: ForestSettings = FOREST
) -> tuple[NDArray[np.float32], tuple[int, int]]:
    """Return the features of a frame on the working grid, and the rows and columns of that grid.

    Grey levels become multiples of the noise above the background, so that exposure, gain, offset and the
    bell of the illumination do not matter.
    """
    grid = on_working_grid(replace(frame, background=None, processed=False), settings.working_pixel_um)
    normal = np.asarray(grid.residual / grid.noise_sd, dtype=np.float32)
    features = ilastik_features(normal, grid.pixel_um, scales_um)
    return features, (normal.shape[0], normal.shape[1])


def shrink_of(pixel_size_um: float, settings: ForestSettings = FOREST) -> int:
    """Return the pixels of a frame along each side of one of the working grid."""
    return max(round(settings.working_pixel_um / pixel_size_um), 1)


def hits_of(
    probability: NDArray[np.float32],
    pixel_um: float,
    shrink: int,
    shape: tuple[int, ...],
    settings: ForestSettings = FOREST,
) -> list[Hit]:
    """Turn probabilities of pixels into cells: gaps closed, nuclei filled, touching cells split.

    The confidence of a hit is the mean probability of its pixels, those of a filled nucleus left out.

    Parameters
    ----------
    probability : (rows, columns) array of float32
        On the working grid, 0..1.
    pixel_um : float
        Of the working grid.
    shrink : int
        Pixels of the frame along each side of one of the working grid.
    shape : (int, int)
        Rows and columns of the frame.
    settings : ForestSettings
    """
    # Forests judge pixels one by one; neighbours lie in the same cell or in none.
    smooth = np.asarray(
        cv2.GaussianBlur(probability, (0, 0), settings.smoothing_px, borderType=cv2.BORDER_REFLECT)
    )
    found = np.asarray(
        apply_hysteresis_threshold(smooth, settings.extend_probability, settings.seed_probability),  # type: ignore[no-untyped-call]
        dtype=np.bool_,
    )
    count, labels, stats, _ = cv2.connectedComponentsWithStats(
        close_and_fill(found, pixel_um), connectivity=8
    )
    hits = []
    for label in range(1, count):
        left, top, width, height, _ = stats[label].tolist()
        place = slice(top, top + height), slice(left, left + width)
        for cell in split_touching(labels[place] == label, pixel_um):
            box = _box_of(cell, left, top, shrink, shape)
            diameter_um = 2 * math.sqrt(float(cell.sum()) / math.pi) * pixel_um
            cut = box.x0 == 0 or box.y0 == 0 or box.x1 == shape[1] or box.y1 == shape[0]
            if diameter_um < settings.smallest_um and not cut:
                continue
            own = cell & found[place]
            values = probability[place][own if own.any() else cell]
            hits.append(Hit(box, min(max(float(values.mean()), 0.0), 1.0)))
    return hits


def _box_of(mask: NDArray[np.bool_], left: int, top: int, shrink: int, shape: tuple[int, ...]) -> BoxPx:
    """Return the box in the frame around a mask cut from the working grid at `left`, `top`."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return BoxPx(
        (left + int(columns[0])) * shrink,
        (top + int(rows[0])) * shrink,
        min((left + int(columns[-1]) + 1) * shrink, shape[1]),
        min((top + int(rows[-1]) + 1) * shrink, shape[0]),
    )
