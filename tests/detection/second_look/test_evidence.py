"""The second look of the package on light of known kinds, and which hits it looks at."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from detection.image.hit_table import table_of
from detection.image.hits import Hit
from detection.image.working_grid import WorkingGrid
from detection.network.graph import WIDTHS
from detection.second_look.evidence import look_at
from detection.second_look.shipped import shipped_second_look
from tests.detection.second_look.looks import empty_grid, hit


@pytest.fixture(scope="module")
def grid() -> WorkingGrid:
    return empty_grid()


SCORE = np.full((128, 128), 0.6, np.float32)
FEATURES = np.zeros((WIDTHS[0], 64, 64), np.float32)


def light(grid: WorkingGrid, body_sd: float) -> np.ndarray:
    """Noise, and in the box of `hit(200, 200)` three bright spots in an even body."""
    z = np.random.default_rng(4).normal(0, 1, grid.residual.shape).astype(np.float32)
    z[100:130, 100:130] += np.float32(body_sd)
    for row, column in ((105, 108), (120, 125), (125, 105)):
        z[row : row + 3, column : column + 3] += 9
    return z


def chance(grid: WorkingGrid, z: np.ndarray, *hits: Hit) -> float:
    seen = look_at(table_of(hits), z, SCORE, FEATURES, grid)
    assert seen is not None
    return float(shipped_second_look().chances(seen)[0])


def test_spots_without_a_body_are_less_likely_to_be_a_cell(grid: WorkingGrid) -> None:
    debris, cell = (chance(grid, light(grid, body), hit(200, 200)) for body in (0.0, 1.5))
    assert debris / (1 - debris) < 0.1 * cell / (1 - cell)


def looked(grid: WorkingGrid, hits: Sequence[Hit]) -> list[int]:
    """Return the numbers of the hits that are looked at."""
    seen = look_at(table_of(hits), light(grid, 0), SCORE, FEATURES, grid)
    return [] if seen is None else seen.chosen.tolist()


def test_only_doubtful_hits_are_looked_at(grid: WorkingGrid) -> None:
    hits = [hit(200, 200, confidence=0.95), hit(20, 20), hit(300, 300, confidence=0.89)]
    assert looked(grid, hits) == [1, 2]
    assert looked(grid, hits[:1]) == looked(grid, []) == []


def test_no_hit_of_a_crowd_is_looked_at(grid: WorkingGrid) -> None:
    many = [hit(10 + 50 * (n % 10), 10 + 50 * (n // 10), 40) for n in range(61)]
    assert looked(grid, many) == []
    assert len(looked(grid, many[:60])) == 60


@pytest.mark.parametrize("size_px", [1, 3, 512])
def test_hits_of_any_size_and_place_have_evidence(grid: WorkingGrid, size_px: int) -> None:
    hits = [hit(0, 0, size_px), hit(512 - size_px, 512 - size_px, size_px)]
    hits.append(replace(hits[0], outer=None, extent_uncertainty_um=3.0, seen_by=None))
    for z in (light(grid, 0), np.zeros_like(light(grid, 0)), light(grid, 0) * np.float32(1e4)):
        seen = look_at(table_of(hits), z, SCORE, FEATURES, grid)
        assert seen is not None
        assert seen.chosen.tolist() == [0, 1, 2]
        for numbers in (seen.company, seen.light, seen.features):
            assert np.isfinite(numbers).all()
