"""Fields that hold cells, judged by previews of low exposure; in doubt a field holds some."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Floats = NDArray[np.float32]

_SIGMAS_UM = (0.35, 0.7, 1.4, 2.8, 5.6)
"""Sizes of what is looked for: from a punctum to a large cell. Chosen by hand."""
_AROUND = 3.0
"""Surroundings against which it is compared, in its size. Chosen by hand."""
_CELL, _DOUBT = 7.0, 4.5
"""Standard deviations by which a spot stands out: surely, perhaps. Of 32 simulated fields without cells eight
reached 4.5, and none 5.4."""
_LEVEL = 5.0
"""Standard deviations by which the level of a whole field is above that of most: it may lie within a cell."""
_FEWEST = 9
"""Previews of which the median is taken for the light; fewer may all show cells. Chosen by hand."""
_COARSEST_UM = 0.45
"""Largest pixel in which a punctum is still looked for. Chosen by hand."""
_LEAST_PX = 0.5
"""Narrowest filter. Chosen by hand."""


class Holds(StrEnum):
    """Verdict on a field."""

    CELLS = "cells"
    PERHAPS = "perhaps"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Presence:
    """Evidence of cells in a preview.

    Attributes
    ----------
    holds : Holds
    score : float
        Standard deviations by which the brightest spot stands out from noise.
    size_um : float
        Standard deviation of the Gaussian that fits the spot, um.
    at_px : (float, float)
        Column and row of the spot.
    level : float
        Standard deviations by which the level of the field is above that of most fields.
    """

    holds: Holds
    score: float
    size_um: float
    at_px: tuple[float, float]
    level: float


def cells_in(previews: Sequence[Floats], pixel_size_um: float) -> list[Presence]:
    """Judge the fields of a holder by their previews.

    Parameters
    ----------
    previews : sequence of (rows, columns) arrays of float32
        One of each field, all of one exposure, without the grey level of darkness.
    pixel_size_um : float

    Returns
    -------
    list of Presence
    """
    if not previews:
        return []
    # The root of a count has the same noise everywhere, and hardly a tail.
    factor = max(1, int(_COARSEST_UM // pixel_size_um))
    previews = [np.sqrt(_shrunk(one, factor)) for one in previews]
    light = _light(previews)
    levels = np.array([float(np.median(one / light)) for one in previews])
    middle = float(np.median(levels))
    spread = max(1.4826 * float(np.median(np.abs(levels - middle))), 1e-3 * max(middle, 1e-6))
    found = []
    for preview, level in zip(previews, (levels - middle) / spread, strict=True):
        signal = preview - light * np.float32(np.median(preview / light))
        score, size_um, (column, row) = _brightest(signal, pixel_size_um * factor)
        holds = Holds.NOTHING
        if score >= _CELL:
            holds = Holds.CELLS
        elif score >= _DOUBT or level >= _LEVEL or not np.isfinite(score):
            holds = Holds.PERHAPS
        found.append(Presence(holds, score, size_um, (column * factor, row * factor), float(level)))
    return found


def _shrunk(preview: Floats, factor: int) -> Floats:
    rows, columns = preview.shape[0] // factor, preview.shape[1] // factor
    whole = preview[: rows * factor, : columns * factor]
    return np.asarray(whole.reshape(rows, factor, columns, factor).mean(axis=(1, 3)), dtype=np.float32)


def _light(previews: Sequence[Floats]) -> Floats:
    """Return light and dust of the camera, mean 1: the median of all previews, each by its own level."""
    shape = previews[0].shape
    if len(previews) < _FEWEST:
        return np.ones(shape, np.float32)
    step = -(-len(previews) // 101)
    scaled = [one / max(float(np.median(one)), 1e-3) for one in previews[::step]]
    light = np.median(scaled, axis=0).astype(np.float32)
    # Of few previews the median is noisy; what the camera's dust covers is larger than a pixel.
    light = ndimage.gaussian_filter(light, 1.5, mode="nearest")
    return np.asarray(np.maximum(light / light.mean(), 0.05), dtype=np.float32)


def _brightest(signal: Floats, pixel_size_um: float) -> tuple[float, float, tuple[float, float]]:
    best = (-np.inf, 0.0, (0.0, 0.0))
    for sigma_um in _SIGMAS_UM:
        sigma = sigma_um / pixel_size_um
        if sigma < _LEAST_PX or _AROUND * sigma > min(signal.shape) / 4:
            continue
        # Zero beyond the border: a border that is repeated there would double its noise.
        spots = ndimage.gaussian_filter(signal, sigma, mode="constant") - ndimage.gaussian_filter(
            signal, _AROUND * sigma, mode="constant"
        )
        # By the darker half: cells are brighter and would count as noise.
        middle, low = np.quantile(spots, (0.5, 0.1587))
        noise = max(float(middle - low), 1e-9)
        row, column = np.unravel_index(int(np.argmax(spots)), spots.shape)
        score = float(spots[row, column] - middle) / noise
        if score > best[0]:
            best = (score, sigma_um, (float(column) + 0.5, float(row) + 0.5))
    return best
