"""Detector `combined`: hits of the network, and those of recall-first that it does not rule out."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from detection.combined.settings import COMBINED, CombinedSettings
from detection.image.boxes import BoxPx, union_mask
from detection.image.frames import Frame
from detection.image.hits import Hit
from detection.image.working_grid import WorkingGrid, on_working_grid
from detection.network.detector import Network, hits_of
from detection.network.inputs import WORKING_PIXEL_UM
from detection.network.settings import PLACE_PX
from detection.recall_first import detector as recall_first

UNLIKE = (
    "the frame is unlike those that the network was trained on: everything that either detector cannot rule"
    " out is imaged; look at what it finds"
)


@dataclass(frozen=True)
class Combined:
    """Detector `combined`.

    Attributes
    ----------
    network : Network
    settings : CombinedSettings
    """

    network: Network
    settings: CombinedSettings = field(default=COMBINED)

    def find(self, frame: Frame) -> tuple[Sequence[Hit], Sequence[str]]:
        """Find cells; see `detection.detectors.Detector.find`."""
        settings = self.settings
        shape = (frame.values.shape[0], frame.values.shape[1])
        grid = on_working_grid(frame, WORKING_PIXEL_UM)
        reading, score = self.network.read(grid, processed=frame.processed)
        learned = hits_of(reading, grid, shape, self.network.model.calibration)
        classic, warnings = recall_first.find_cells(frame, grid=grid)
        highest = [_highest(score, hit.box, grid) for hit in classic]
        overlooked = [
            hit
            for hit, most in zip(classic, highest, strict=True)
            if most < settings.rules_out_below and hit.confidence >= settings.sure
        ]
        area = sum(hit.box.area_px for hit in classic if hit.confidence >= settings.sure)
        missed = sum(hit.box.area_px for hit in overlooked)
        if len(overlooked) >= settings.fewest_overlooked and missed >= settings.overlooked_share * area:
            return [*learned, *classic], [*warnings, UNLIKE]
        shown = union_mask((_imaged(hit) for hit in learned), shape)
        more = [
            hit
            for hit, most in zip(classic, highest, strict=True)
            if most >= settings.rules_out_below and shown[hit.box.slices].mean() < settings.same_cell
        ]
        return [*learned, *more], warnings


def _imaged(hit: Hit) -> BoxPx:
    return hit.box if hit.outer is None else hit.outer


def _highest(score: NDArray[np.float32], box: BoxPx, grid: WorkingGrid) -> float:
    """Return the highest score of the places that a box touches."""
    step = PLACE_PX * grid.shrink
    part = score[box.y0 // step : -(-box.y1 // step), box.x0 // step : -(-box.x1 // step)]
    return float(part.max()) if part.size else 0.0
