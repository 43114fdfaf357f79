"""Detector `network`: the learned one."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from detection.errors import DetectionError
from detection.image.frames import Frame
from detection.image.hit_table import NO_HITS, HitTable, with_outer
from detection.image.hits import Hit
from detection.image.working_grid import WorkingGrid, on_working_grid
from detection.network.inputs import WORKING_PIXEL_UM, network_input
from detection.network.model import Calibration, NetworkModel
from detection.network.reading import Reading, read_hits, read_votes, scores_of
from detection.network.settings import READING, ReadingSettings
from detection.onnx_session import InferenceSession, onnx_session
from detection.overlooked.settings import OVERLOOKED
from detection.votes import Votes

USUAL_SIZE_UM = 5.0
"""Size that the calibration is relative to."""


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """Intermediate values of the detector.

    Attributes
    ----------
    grid : WorkingGrid
    score : (places down, places across) array of float32
        0..1; places are `PLACE_PX` of the working grid on a side, and may reach beyond the frame.
    hits : HitTable
        The best first.
    found : (outputs, rows, columns) array of float32
        Output of the network.
    features : (channels, rows, columns) array of float32
        Output of the layer before the last.
    """

    grid: WorkingGrid
    score: NDArray[np.float32]
    hits: HitTable
    found: NDArray[np.float32]
    features: NDArray[np.float32]


@dataclass(frozen=True)
class Network:
    """Detector `network`.

    Attributes
    ----------
    model : NetworkModel
    settings : ReadingSettings
    """

    model: NetworkModel
    settings: ReadingSettings = field(default=READING)

    def find(self, frame: Frame) -> tuple[Sequence[Hit], Sequence[str]]:
        """Find cells; see `detection.detectors.Detector.find`."""
        steps = self.steps(frame)
        return replace(steps.hits, votes=partial(votes_of, steps)), []

    @property
    def least_contrast(self) -> float:
        """Contrast of a disc that is found; see `detection.detectors.KnowsItsLimit`."""
        return OVERLOOKED.network

    def steps(self, frame: Frame) -> Steps:
        """Find cells, and keep the intermediate values."""
        grid = on_working_grid(frame, WORKING_PIXEL_UM)
        found, features = self.outputs(network_input(grid, processed=frame.processed))
        seen = Steps(grid, scores_of(found), NO_HITS, found, features)
        return self.read_again(seen, frame, self.settings.least_score)

    def read_again(self, seen: Steps, frame: Frame, least_score: float) -> Steps:
        """Return the steps with the hits of another least score."""
        settings = replace(self.settings, least_score=least_score)
        reading = self._reading(seen.found, seen.score, seen.grid, settings)
        shape = (frame.values.shape[0], frame.values.shape[1])
        return replace(seen, hits=hits_of(reading, seen.grid, shape, self.model.calibration))

    def read(self, grid: WorkingGrid, *, processed: bool) -> tuple[Reading, NDArray[np.float32]]:
        """Run the network on a frame.

        Returns
        -------
        reading : Reading
        score : (places down, places across) array of float32
            0..1.
        """
        found = self._found(network_input(grid, processed=processed))
        score = scores_of(found)
        return self._reading(found, score, grid, self.settings), score

    def _reading(
        self,
        found: NDArray[np.float32],
        score: NDArray[np.float32],
        grid: WorkingGrid,
        settings: ReadingSettings,
    ) -> Reading:
        shape = (grid.residual.shape[0], grid.residual.shape[1])
        return read_hits(found, score, shape, self.model.calibration.side_stretch, settings)

    def outputs(self, planes: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the output of the last layer and of the one before it, (channels, rows, columns) each.

        Raises
        ------
        DetectionError
            Raised when they are no numbers, as with a file of absurd weights.
        """
        found, features = self._session.run(["found", "features"], {"planes": planes})
        return _numbers(found[0]), features[0]

    def _found(self, planes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the output of the last layer alone, in less time; see `outputs`."""
        (found,) = self._session.run(["found"], {"planes": planes})
        return _numbers(found[0])

    @cached_property
    def _session(self) -> InferenceSession:
        from detection.network.onnx_file import model_bytes

        return onnx_session(model_bytes(self.model))


def _numbers(found: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return an output of the network if it is one."""
    if not np.isfinite(found).all():
        raise DetectionError("the network gives no numbers for this frame: its file is damaged")
    return found


def votes_of(seen: Steps) -> Votes:
    """Return what each place of a frame says, on the pixels of the frame."""
    shape = (seen.grid.residual.shape[0], seen.grid.residual.shape[1])
    return read_votes(seen.found, seen.score, shape, seen.grid.shrink)


def hits_of(
    reading: Reading, grid: WorkingGrid, shape: tuple[int, int], calibration: Calibration
) -> HitTable:
    """Return hits on the pixels of the frame, with calibrated confidences."""
    sides = reading.boxes[:, 2:] - reading.boxes[:, :2]
    sizes_um = np.sqrt(np.maximum((sides[:, 0] * sides[:, 1]).astype(np.float64), 1e-3)) * grid.pixel_um
    inner = _pixels(reading.boxes, grid.shrink, shape)
    outer = _pixels(reading.outer, grid.shrink, shape)
    outer[:, :2], outer[:, 2:] = np.minimum(outer, inner)[:, :2], np.maximum(outer, inner)[:, 2:]
    confidences = calibrated(reading.score, sizes_um, calibration)
    return with_outer(inner, outer, confidences)


def calibrated(scores: ArrayLike, sizes_um: ArrayLike, calibration: Calibration) -> NDArray[np.float64]:
    """Return the chance of each hit that it is a cell, 0..1, by its score and size."""
    log_odds, log_size = evidence(scores, sizes_um)
    odds = calibration.base + calibration.per_score * log_odds + calibration.per_size * log_size
    return np.asarray(1 / (1 + np.exp(-np.clip(odds, -50.0, 50.0))))


def evidence(scores: ArrayLike, sizes_um: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what a confidence is made of: log-odds of a score, logarithm of a size over the usual one."""
    score = np.clip(np.asarray(scores, np.float64), 1e-6, 1 - 1e-6)
    size = np.maximum(np.asarray(sizes_um, np.float64), 0.1) / USUAL_SIZE_UM
    return np.log(score / (1 - score)), np.log(size)


def _pixels(boxes: NDArray[np.float32], shrink: int, shape: tuple[int, int]) -> NDArray[np.int64]:
    """Round boxes to pixels of the frame, at least one each way."""
    ends = np.array([shape[1], shape[0]])
    sides = np.rint(boxes.astype(np.float64) * shrink).astype(np.int64)
    low = np.clip(sides[:, :2], 0, ends - 1)
    return np.concatenate([low, np.minimum(np.maximum(sides[:, 2:], low + 1), ends)], axis=1)
