"""The section that cuts a cell through its middle.

The area of a cut through a sphere is a parabola of its depth, with the same curvature for small and large
cells: pi times the square of the section thickness. The curvature is therefore estimated from all cells
together, and the fit of a noisy cell stays near it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detection.tracking.settings import SETTINGS

Areas = Sequence[tuple[int, float]]
"""Index of a section, and area of the cut there, um2."""


@dataclass(frozen=True, slots=True)
class _Fit:
    """Fit of the areas of one cell by a parabola, both without their straight lines.

    Attributes
    ----------
    bend : float
        Curvature that fits best, um2 per section2.
    weight : float
        Inverse variance of `bend`.
    weighted : (array, array, array) of float64
        Sections from the first one on, areas, um2, and their weights.
    """

    bend: float
    weight: float
    weighted: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]


def central_sections(cells: Sequence[Areas]) -> list[int]:
    """Find the section of the largest cut of each cell, with the noise of single areas evened out.

    Parameters
    ----------
    cells : sequence of sequence of (int, float)
        Of one stack; at least one area each.

    Returns
    -------
    list of int
        For each cell, an index from its first to its last section, also one without an area.
    """
    fits = [_fit(areas) if len(areas) >= SETTINGS.fewest_areas else None for areas in cells]
    common = _common_bend([one for one in fits if one is not None])
    return [
        _largest(areas) if fit is None or common is None else _top(areas, fit, common)
        for areas, fit in zip(cells, fits, strict=True)
    ]


def _fit(areas: Areas) -> _Fit:
    weighted = _weighted(areas)
    x, area, weight = weighted
    square = x * x
    off = _off_line(square, x, weight)
    bent = _off_line(area, x, weight)
    spread = float((weight * off * off).sum())
    bend = float((weight * off * bent).sum()) / spread
    left = bent - bend * off
    variance = float((weight * left * left).sum()) / max(len(x) - 3, 1)
    variance = max(variance, (SETTINGS.least_noise * float(area.mean())) ** 2, 1e-12)
    return _Fit(bend, spread / variance, weighted)


def _common_bend(fits: Sequence[_Fit]) -> float | None:
    """Return the weighted median of the curvatures; None if it does not bend downwards."""
    if not fits:
        return None
    bends = np.array([one.bend for one in fits])
    # No cell may outweigh all others: its detection may have changed half-way.
    weights = np.array([one.weight for one in fits])
    weights = np.minimum(weights, 4 * np.median(weights))
    order = np.argsort(bends)
    reached = np.cumsum(weights[order])
    middle = float(bends[order][int(np.searchsorted(reached, reached[-1] / 2))])
    return middle if middle < 0 else None


def _top(areas: Areas, fit: _Fit, common: float) -> int:
    prior = 1 / (SETTINGS.scatter * common) ** 2
    bend = (fit.weight * fit.bend + prior * common) / (fit.weight + prior)
    bend = min(bend, common / 4)
    x, area, weight = fit.weighted
    rest = area - bend * x * x
    mean = float((weight * x).sum() / weight.sum())
    slope = float((weight * (x - mean) * rest).sum() / (weight * (x - mean) ** 2).sum())
    top = float(np.clip(-slope / (2 * bend), x.min(), x.max()))
    return round(top + areas[0][0])


def _weighted(areas: Areas) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return sections from the first one on, areas, and weights that are low for outliers."""
    index, values = zip(*areas, strict=True)
    x = np.array(index, dtype=np.float64) - index[0]
    area = np.array(values, dtype=np.float64)
    weight = np.ones_like(area)
    powers = np.stack([weight, x, x * x])
    for _ in range(SETTINGS.rounds):
        constant, slope, bend = _parabola(powers, area, np.sqrt(weight))
        off = np.abs(area - (constant + x * (slope + x * bend)))
        # A detection merged with a neighbour is an outlier and counts for little.
        scale = max(float(np.median(off)) * 1.4826, 1e-9)
        weight = np.maximum(np.minimum(1.0, 1.5 * scale / np.maximum(off, 1e-12)) ** 2, 1e-3)
    return x, area, weight


def _parabola(
    powers: NDArray[np.float64], area: NDArray[np.float64], weight: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the coefficients of a parabola, as numpy's ``polyfit`` in a third of the time."""
    columns = powers * weight
    scale = np.sqrt(np.square(columns).sum(axis=1))
    least = len(area) * np.finfo(np.float64).eps
    return np.asarray(np.linalg.lstsq(columns.T / scale, area * weight, least)[0] / scale)


def _off_line(
    values: NDArray[np.float64], x: NDArray[np.float64], weight: NDArray[np.float64]
) -> NDArray[np.float64]:
    total = weight.sum()
    center, mean = (weight * x).sum() / total, (weight * values).sum() / total
    slope = (weight * (x - center) * values).sum() / (weight * (x - center) ** 2).sum()
    return np.asarray(values - mean - slope * (x - center))


def _largest(areas: Areas) -> int:
    return max(areas, key=lambda one: one[1])[0]
