"""The second look of the package on light of known kinds, and which hits it looks at."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from detection.combined.detector import Combined
from detection.image.frames import Frame, check_frame
from detection.image.hit_table import table_of
from detection.image.hits import Hit
from detection.image.working_grid import WorkingGrid
from detection.network.graph import WIDTHS
from detection.network.shipped import shipped_network
from detection.second_look.evidence import look_at
from detection.second_look.shipped import shipped_second_look
from tests.detection.second_look.looks import empty_grid, hit
from tests.detection.synthetic import PIXEL_SIZE_UM


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


def test_spots_without_a_body_are_far_less_likely_to_be_a_cell() -> None:
    first = Combined(shipped_network())
    second = replace(first, second_look=shipped_second_look())
    debris, cell = frame_of_spots(0.0), frame_of_spots(10.0)
    assert min(hit.confidence for hit in first.steps(debris).fusion.hits) > 0.03
    assert max(hit.confidence for hit in second.steps(debris).fusion.hits) < 0.03
    before, after = (detector.steps(cell).fusion.hits[0].confidence for detector in (first, second))
    assert 0.5 < before < 0.9 < after


def frame_of_spots(body_adu: float) -> Frame:
    """Return a frame of noise with three bright spots, and a body of 10 um around them."""
    pixels = np.random.default_rng(4).normal(500, 20, (512, 512))
    pixels[200:260, 200:260] += body_adu
    for row, column in ((210, 216), (240, 250), (250, 210)):
        pixels[row : row + 6, column : column + 6] += 250
    return check_frame(pixels.astype(np.uint16), PIXEL_SIZE_UM, 100.0)


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
