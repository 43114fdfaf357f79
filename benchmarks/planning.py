"""Beam and frames of a plan, against a full raster of the same field and against the bound."""

import numpy as np

from benchmarks.rows import Row, beside
from config.model import Config
from planner.plan import plan
from planner.values import Box, Field, settings_from

_FIELD_M = 91e-6
_LAYOUTS = 20


def run() -> list[Row]:
    """Mean over random layouts of cells of radius 7 +- 1 um in one field."""
    settings = settings_from(Config())
    figures = []
    for cells in (5, 15, 25):
        totals = [
            plan("S0001", [Field("F000", (0, 0, _FIELD_M, _FIELD_M))], _boxes(cells, seed), settings).totals
            for seed in range(_LAYOUTS)
        ]
        total_s = float(np.mean([t.total_s for t in totals]))
        raster_s = float(np.mean([t.raster_total_s for t in totals]))
        bound_s = float(np.mean([t.bound_beam_s for t in totals]))
        figures.append(beside(f"time of a field, {cells} cells", total_s, raster_s, "s", "full raster"))
        figures.append(beside(f"time of a field, {cells} cells", total_s, bound_s, "s", "bound on the beam"))
    return figures


def _boxes(count: int, seed: int) -> list[Box]:
    rng = np.random.default_rng(seed)
    centers = rng.uniform(0, _FIELD_M, (count, 2))
    radii = rng.normal(7e-6, 1e-6, (count, 2)).clip(2e-6)
    low = (centers - radii).clip(0, _FIELD_M)
    high = (centers + radii).clip(0, _FIELD_M)
    return [
        Box(f"c{n:04d}", (float(a[0]), float(a[1]), float(b[0]), float(b[1])))
        for n, (a, b) in enumerate(zip(low, high, strict=True))
        if (b - a).min() > 1e-6
    ]
