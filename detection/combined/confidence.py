"""Confidence of the hits of both detectors, each beside the others of its frame.

The network gives a hit the same chance in a frame of cells as among specks. But a hit beside cells is more
likely to be one, and a hit far dimmer than those beside it is more often the rest of one: light around a
nucleus, say. `python -m training.confidence` fits the coefficients to frames of the training's simulators.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from detection.combined.fusion import Fusion
from detection.combined.settings import COMBINED, CombinedSettings
from detection.image.boxes import on_grid
from detection.image.hits import Hit
from detection.image.working_grid import WorkingGrid


def with_confidences(
    fusion: Fusion, z: NDArray[np.float32], grid: WorkingGrid, settings: CombinedSettings = COMBINED
) -> Fusion:
    """Return the fusion with the confidences of hits beside each other.

    Where either detector cannot be trusted, both keep their own. Nowhere is a hit of the network left out for
    what stands beside it.

    Parameters
    ----------
    fusion : Fusion
    z : (rows, columns) array of float32
        Frame above its background, in standard deviations of the noise of a pixel of the working grid.
    grid : WorkingGrid
    settings : CombinedSettings
    """
    if fusion.cautions or not fusion.hits:
        return fusion
    parts = evidence_of(fusion.hits, z, grid, settings)
    weights = settings.confidence_base, 1.0, settings.per_company, settings.per_dimness
    learned = tuple(
        replace(hit, confidence=max(_chance(part, weights), settings.least_confidence))
        for hit, part in zip(fusion.learned, parts, strict=False)
    )
    added = tuple(
        replace(hit, confidence=min(hit.confidence, settings.added_confidence)) for hit in fusion.added
    )
    return replace(fusion, learned=learned, added=added)


def evidence_of(
    hits: tuple[Hit, ...], z: NDArray[np.float32], grid: WorkingGrid, settings: CombinedSettings = COMBINED
) -> list[tuple[float, float, float, float]]:
    """Return what the confidence of each hit is made of.

    Returns
    -------
    list of tuple
        1, the log-odds of its own confidence, the logarithm of 1 + the number of cells among the others, and
        that of its brightest pixel over what is usual in the frame, 0 or less.
    """
    peaks = [_peak(hit, z, grid) for hit in hits]
    usual = float(np.percentile(peaks, settings.usual_percent))
    cells = sum(hit.confidence for hit in hits)
    return [
        (
            1.0,
            _log_odds(hit.confidence),
            math.log1p(min(cells - hit.confidence, settings.most_company)),
            max(math.log(min(peak / usual, 1.0)), settings.least_dimness),
        )
        for hit, peak in zip(hits, peaks, strict=True)
    ]


def usual_peak(
    hits: Sequence[Hit], z: NDArray[np.float32], grid: WorkingGrid, settings: CombinedSettings = COMBINED
) -> float:
    """Return the brightest pixel that is usual among the hits of a frame, in deviations of the noise."""
    return float(np.percentile([_peak(hit, z, grid) for hit in hits], settings.usual_percent))


def _peak(hit: Hit, z: NDArray[np.float32], grid: WorkingGrid) -> float:
    """Brightest pixel of a hit, in deviations of the noise, at least half of one."""
    part = z[on_grid(hit.box, grid.shrink).slices]
    return max(float(part.max()), 0.5) if part.size else 0.5


def _chance(part: tuple[float, ...], weights: tuple[float, ...]) -> float:
    return 1 / (1 + math.exp(-sum(weight * value for weight, value in zip(weights, part, strict=True))))


def _log_odds(chance: float) -> float:
    chance = min(max(chance, 1e-4), 1 - 1e-4)
    return math.log(chance / (1 - chance))
