"""Reach of the outer boxes of bright hits."""

from dataclasses import replace
from typing import cast

import numpy as np
import pytest

from detection.combined.detector import Combined
from detection.combined.fusion import beyond_shown, highest_scores
from detection.combined.reach import with_reach
from detection.combined.settings import COMBINED
from detection.image.boxes import BoxPx, sides_of
from detection.image.frames import check_frame
from detection.image.hit_table import table_of
from detection.image.hits import Hit
from detection.image.working_grid import WorkingGrid, on_working_grid
from detection.network.detector import Network
from detection.network.inputs import WORKING_PIXEL_UM
from tests.detection.combined.networks import Shows
from tests.detection.synthetic import PIXEL_SIZE_UM

SHAPE = (256, 256)
BOX, FAR = BoxPx(100, 90, 112, 100), BoxPx(40, 30, 200, 256)
REACH_PX = 15
"""2.5 um in pixels of .178 um, rounded up."""


@pytest.fixture(scope="module")
def grid() -> WorkingGrid:
    pixels = np.random.default_rng(3).normal(500, 20, SHAPE).astype(np.uint16)
    return on_working_grid(check_frame(pixels, PIXEL_SIZE_UM, 100.0), WORKING_PIXEL_UM)


def plane(grid: WorkingGrid, peak_sd: float) -> np.ndarray:
    z = np.zeros(grid.residual.shape, np.float32)
    z[95 // grid.shrink, 105 // grid.shrink] = peak_sd
    return z


def test_the_outer_box_of_a_bright_hit_ends_near_its_light(grid: WorkingGrid) -> None:
    (drawn,) = with_reach(table_of([Hit(BOX, 0.6, outer=FAR)]), plane(grid, COMBINED.bright_sd), grid)
    assert drawn == Hit(BOX, 0.6, outer=BOX.dilated(REACH_PX, SHAPE))


def test_the_outer_box_of_a_dim_hit_stays(grid: WorkingGrid) -> None:
    hit = Hit(BOX, 0.6, outer=FAR)
    assert list(with_reach(table_of([hit]), plane(grid, COMBINED.bright_sd - 0.1), grid)) == [hit]


def test_light_beside_a_hit_does_not_make_it_bright(grid: WorkingGrid) -> None:
    hit = Hit(BoxPx(130, 120, 150, 140), 0.6, outer=FAR)
    assert list(with_reach(table_of([hit]), plane(grid, 100.0), grid)) == [hit]


def test_sides_that_end_near_their_light_stay_and_so_do_hits_without_an_outer_box(grid: WorkingGrid) -> None:
    close = Hit(BOX, 0.9, outer=BoxPx(97, 80, 115, 110))
    plain = Hit(BOX, 0.9)
    assert list(with_reach(table_of([close, plain]), plane(grid, 100.0), grid)) == [close, plain]


def test_a_bright_hit_keeps_its_box_at_the_edge_of_the_frame(grid: WorkingGrid) -> None:
    corner = BoxPx(250, 250, 256, 256)
    z = np.full(grid.residual.shape, 50, np.float32)
    (drawn,) = with_reach(table_of([Hit(corner, 0.6, outer=BoxPx(0, 0, 256, 256))]), z, grid)
    assert drawn.outer == BoxPx(235, 235, 256, 256)


def test_outer_boxes_stay_in_crowds_and_in_processed_frames() -> None:
    pixels = np.random.default_rng(3).normal(500, 20, SHAPE)
    pixels[90:100, 100:112] += 2000
    frame = check_frame(pixels.astype(np.uint16), PIXEL_SIZE_UM, 100.0)
    speck = Hit(BOX, 0.6, outer=FAR)
    crowd = speck, Hit(BoxPx(0, 110, 256, 256), 0.6)
    for shown, seen, outer in (
        ((speck,), frame, BOX.dilated(REACH_PX, SHAPE)),
        (crowd, frame, FAR),
        ((speck,), replace(frame, processed=True), FAR),
    ):
        steps = Combined(cast(Network, Shows(shown))).steps(seen)
        assert steps.fusion.learned[0].outer == outer


def test_the_score_of_a_shown_cell_says_nothing_about_the_light_around_it(grid: WorkingGrid) -> None:
    score = np.full((64, 64), 0.05, np.float32)
    score[22:25, 25:28] = 0.99
    score[40, 40] = 0.7
    nucleus, around = Hit(BOX, 0.99, outer=BOX.dilated(4, SHAPE)), BoxPx(60, 60, 140, 140)
    places = sides_of([around, BoxPx(150, 150, 180, 180)])
    assert highest_scores(score, places, grid)[0] > 0.9
    beyond = beyond_shown(score, table_of([nucleus]), grid)
    assert highest_scores(beyond, places, grid).tolist() == pytest.approx([0.05, 0.7])
    assert score.max() == pytest.approx(0.99)
