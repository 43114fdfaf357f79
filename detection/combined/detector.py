"""Detector `combined`: hits of the network, and those of recall-first that it does not rule out."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from detection.combined.cautions import SENTENCES, Caution
from detection.combined.fusion import Fusion, fused, imaged_of
from detection.combined.settings import COMBINED, CombinedSettings
from detection.image.boxes import BoxPx, union_fraction
from detection.image.frames import Frame
from detection.image.hits import Hit
from detection.image.working_grid import WorkingGrid
from detection.network import detector as network
from detection.overlooked.bound import noise_of, spread_by_noise, spread_of
from detection.overlooked.settings import OVERLOOKED
from detection.recall_first import detector as recall_first


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """Intermediate values of the detector.

    Attributes
    ----------
    network : detection.network.detector.Steps
    recall_first : detection.recall_first.detector.Steps
    fusion : Fusion
    cautions : tuple of Caution
        Those of the fusion, and those of its result.
    """

    network: network.Steps
    recall_first: recall_first.Steps
    fusion: Fusion
    cautions: tuple[Caution, ...]


@dataclass(frozen=True)
class Combined:
    """Detector `combined`.

    Attributes
    ----------
    network : Network
    settings : CombinedSettings
    """

    network: network.Network
    settings: CombinedSettings = field(default=COMBINED)

    @property
    def least_contrast(self) -> float:
        """Contrast of a disc that is found; see `detection.detectors.KnowsItsLimit`."""
        return OVERLOOKED.combined

    def find(self, frame: Frame) -> tuple[Sequence[Hit], Sequence[str]]:
        """Find cells; see `detection.detectors.Detector.find`."""
        steps = self.steps(frame)
        return steps.fusion.hits, [SENTENCES[caution] for caution in steps.cautions]

    def steps(self, frame: Frame) -> Steps:
        """Find cells, and keep the intermediate values."""
        seen = self.network.steps(frame)
        classic = recall_first.steps_of(frame, grid=seen.grid)
        shape = (frame.values.shape[0], frame.values.shape[1])
        fusion = fused(seen, classic, shape, self.settings)
        more = _of_result(frame, seen.grid, fusion, self.settings)
        return Steps(seen, classic, fusion, (*fusion.cautions, *more))


def _of_result(
    frame: Frame, grid: WorkingGrid, fusion: Fusion, settings: CombinedSettings
) -> tuple[Caution, ...]:
    """Return the reasons to doubt what is left out."""
    shape = (frame.values.shape[0], frame.values.shape[1])
    if union_fraction((hit.box for hit in fusion.hits), shape) >= settings.full_share:
        return (Caution.FULL,)
    free = _without_boxes([imaged_of(hit) for hit in fusion.hits], shape, grid.blocks.means.shape)
    if frame.processed or free.mean() < settings.least_free:
        return ()
    spread = spread_of(grid.blocks, free)
    by_noise = spread_by_noise(noise_of(grid.blocks), frame.pixel_size_um)
    level = max(float(np.median(grid.blocks.means[free])), 0.0)
    uneven = spread > settings.uneven_sd * by_noise and spread > settings.uneven_share * level
    return (Caution.UNEVEN,) if uneven else ()


def _without_boxes(
    boxes: Sequence[BoxPx], shape: tuple[int, int], blocks: tuple[int, ...]
) -> NDArray[np.bool_]:
    """Return the blocks that no box touches."""
    down, across = shape[0] / blocks[0], shape[1] / blocks[1]
    free = np.ones(blocks, np.bool_)
    for box in boxes:
        rows = slice(int(box.y0 / down), math.ceil(box.y1 / down))
        free[rows, int(box.x0 / across) : math.ceil(box.x1 / across)] = False
    return free
