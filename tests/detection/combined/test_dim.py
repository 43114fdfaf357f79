"""Least score in frames of dim cells."""

from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import pytest

from detection.combined.detector import Combined
from detection.combined.dim import least_score_of
from detection.combined.settings import COMBINED
from detection.image.boxes import BoxPx
from detection.image.frames import Frame, check_frame
from detection.image.hit_table import table_of
from detection.image.hits import Hit
from detection.image.working_grid import WorkingGrid, on_working_grid
from detection.network.detector import Network, Steps
from detection.network.inputs import WORKING_PIXEL_UM
from detection.network.settings import READING
from tests.detection.combined.networks import Shows
from tests.detection.synthetic import PIXEL_SIZE_UM

SHAPE = (256, 256)
HITS = tuple(Hit(BoxPx(20 + 60 * n, 40, 50 + 60 * n, 70), 0.8) for n in range(3))
FAINT = Hit(BoxPx(100, 150, 130, 180), 0.2)


@pytest.fixture(scope="module")
def frame() -> Frame:
    pixels = np.random.default_rng(3).normal(500, 20, SHAPE)
    for hit in HITS:
        pixels[hit.box.slices] += 40
    return check_frame(pixels.astype(np.uint16), PIXEL_SIZE_UM, 100.0)


@pytest.fixture(scope="module")
def grid(frame: Frame) -> WorkingGrid:
    return on_working_grid(frame, WORKING_PIXEL_UM)


def scores(*others: float) -> np.ndarray:
    """Scores of three sure cells of 20 places each, and of 20 places each of others, on ground of .02."""
    found = np.full(64 * 64, 0.02, np.float32)
    found[:60] = 0.9
    for number, score in enumerate(others, start=3):
        found[20 * number : 20 * (number + 1)] = score
    return found.reshape(64, 64)


def least(score: np.ndarray, grid: WorkingGrid, hits: tuple[Hit, ...] = HITS, peak_sd: float = 6.0) -> float:
    z = np.full(grid.residual.shape, peak_sd, np.float32)
    return least_score_of(score, table_of(hits), z, grid)


def test_beside_dim_cells_the_least_score_falls_until_little_of_the_cells_lies_below(
    grid: WorkingGrid,
) -> None:
    assert least(scores(0.4, 0.3, 0.12), grid) == pytest.approx(0.3)
    assert least(scores(0.4, 0.3, 0.15, 0.15, 0.15), grid) == pytest.approx(0.15)


def test_it_stays_where_the_network_is_sure_of_nearly_all(grid: WorkingGrid) -> None:
    assert least(scores(0.12), grid) == READING.least_score
    assert least(scores(), grid) == READING.least_score


def test_it_stays_beside_bright_cells_and_where_hardly_a_cell_is_seen(grid: WorkingGrid) -> None:
    faint = scores(0.4, 0.3, 0.2)
    assert least(faint, grid) < READING.least_score
    assert least(faint, grid, peak_sd=COMBINED.dim_sd) == READING.least_score
    assert least(faint, grid, HITS[:2]) == READING.least_score
    assert least(faint, grid, ()) == READING.least_score


def test_ground_never_counts_as_a_cell_however_much_there_is(grid: WorkingGrid) -> None:
    most_faint = np.full((64, 64), COMBINED.dim_score + 0.01, np.float32)
    assert least(most_faint, grid) == pytest.approx(COMBINED.dim_score + 0.01)
    assert least(np.zeros((64, 64), np.float32), grid) == READING.least_score


@dataclass
class ShowsMore(Shows):
    """Network that shows a faint hit when it is read again."""

    def steps(self, frame: Frame) -> Steps:
        return replace(super().steps(frame), score=scores(0.4, 0.3, 0.2))

    def read_again(self, seen: Steps, _frame: Frame, least_score: float) -> Steps:
        assert least_score < READING.least_score
        return replace(seen, hits=table_of((*seen.hits, FAINT)))


def test_what_is_read_again_is_imaged_too_but_not_in_processed_frames(frame: Frame) -> None:
    detector = Combined(cast(Network, ShowsMore(HITS)))
    raw, processed = (detector.steps(one) for one in (frame, replace(frame, processed=True)))
    assert FAINT.box in [hit.box for hit in raw.network.hits]
    assert FAINT.box not in [hit.box for hit in processed.network.hits]


def test_hits_that_may_all_be_noise_are_no_reason_to_look_for_dim_cells() -> None:
    """Of 30 empty frames one had four such hits: read again, half of it was imaged."""
    pixels = np.random.default_rng(3).normal(500, 20, SHAPE).astype(np.uint16)
    found = Combined(cast(Network, ShowsMore(HITS))).steps(check_frame(pixels, PIXEL_SIZE_UM, 100.0))
    assert FAINT.box not in [hit.box for hit in found.network.hits]
    assert len(found.fusion.hits) == 0
