"""A second look at the hits of a frame."""

from dataclasses import replace
from typing import cast

import numpy as np
import pytest

from config.work import DetectionConfig
from detection.combined.cautions import Caution
from detection.combined.confidence import with_second_look
from detection.combined.detector import Combined
from detection.combined.fusion import Fusion
from detection.image.frames import check_frame
from detection.image.hit_table import NO_HITS, table_of
from detection.image.working_grid import WorkingGrid
from detection.network.detector import Network, Steps
from detection.network.graph import WIDTHS
from tests.detection.combined.networks import Shows
from tests.detection.second_look.looks import empty_grid, hit, saying
from tests.detection.synthetic import PIXEL_SIZE_UM

FLOOR = DetectionConfig().min_confidence
SCORE = np.zeros((128, 128), np.float32)


@pytest.fixture(scope="module")
def grid() -> WorkingGrid:
    return empty_grid()


def looked(grid: WorkingGrid, fusion: Fusion, chance: float) -> Fusion:
    nothing = np.zeros((0, 64, 64), np.float32)
    seen = Steps(grid, SCORE, NO_HITS, nothing, np.zeros((WIDTHS[0], 64, 64), np.float32))
    return with_second_look(fusion, saying(chance), np.zeros_like(grid.residual), seen)


def confidences(grid: WorkingGrid, fusion: Fusion, chance: float) -> list[float]:
    return [one.confidence for one in looked(grid, fusion, chance).hits]


def test_hits_of_both_detectors_get_the_chance_of_the_second_look(grid: WorkingGrid) -> None:
    fusion = Fusion(table_of((hit(20, 20), hit(200, 20, confidence=0.95))), table_of((hit(20, 200),)))
    assert confidences(grid, fusion, 0.6) == pytest.approx([0.6, 0.95, 0.6])
    after = looked(grid, fusion, 0.6)
    assert (len(after.learned), len(after.added)) == (2, 1)


def test_a_large_unlikely_hit_falls_below_the_floor_and_a_small_one_stays(grid: WorkingGrid) -> None:
    small, large = hit(20, 20, 20), hit(200, 200, 100)
    assert confidences(grid, Fusion(table_of((small, large))), 0.02) == pytest.approx([FLOOR, 0.02])
    after = looked(grid, Fusion(table_of((small, large))), 0.02)
    assert [one.box for one in after.unlikely] == [large.box]
    # Too unlikely for its few um2, too.
    assert confidences(grid, Fusion(table_of((small, large))), 0.001) == pytest.approx([0.001, 0.001])


def test_a_hit_that_would_not_be_imaged_anyway_is_lifted_by_a_likely_cell_alone(grid: WorkingGrid) -> None:
    small = hit(20, 20, 20, confidence=0.01)
    assert confidences(grid, Fusion(NO_HITS, table_of((small,))), 0.02) == pytest.approx([0.02])
    assert confidences(grid, Fusion(NO_HITS, table_of((small,))), 0.04) == pytest.approx([0.04])


def test_a_likely_hit_without_an_outer_box_keeps_the_margin_of_a_doubtful_one(grid: WorkingGrid) -> None:
    known = hit(20, 20)
    bare = replace(hit(200, 200), outer=None)
    after = looked(grid, Fusion(table_of((known,)), table_of((bare,))), 0.8)
    assert [one.extent_uncertainty_um for one in after.hits] == [0.0, 0.5]
    after = looked(grid, Fusion(table_of((known,)), table_of((bare,))), 0.45)
    assert [one.extent_uncertainty_um for one in after.hits] == [0.0, 0.0]


def test_where_a_detector_cannot_be_trusted_nothing_changes(grid: WorkingGrid) -> None:
    fusion = replace(Fusion(table_of((hit(20, 20),))), cautions=(Caution.UNLIKE,))
    assert confidences(grid, fusion, 0.001) == [0.4]


def test_the_detector_looks_twice_but_not_at_processed_frames() -> None:
    pixels = np.random.default_rng(3).normal(500, 20, (512, 512)).astype(np.uint16)
    pixels[100:160, 100:160] += 150
    frame = check_frame(pixels, PIXEL_SIZE_UM, 100.0)
    shows = cast(Network, Shows((hit(100, 100),)))
    (before,) = Combined(shows).steps(frame).fusion.hits
    looking = Combined(shows, second_look=saying(0.001))
    (after,) = looking.steps(frame).fusion.hits
    assert after.box == before.box
    assert after.confidence < FLOOR <= before.confidence
    done = replace(frame, processed=True)
    assert looking.steps(done).fusion.hits == Combined(shows).steps(done).fusion.hits
