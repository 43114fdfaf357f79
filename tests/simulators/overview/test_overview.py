"""The simulated overview: its truth is what the picture shows."""

import math
from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from shapely import Polygon

from simulators.overview.picture import draw_overview
from simulators.overview.placing import place_array
from simulators.overview.values import ArraySettings, Condition, PictureSettings

CLEAN = PictureSettings(
    contrast_spread=0, texture=0, uneven=0, tile_px=0, blur_px=0, noise=0, dust=0, strips=0, scratches=0
)
SCATTERED = ArraySettings(sections=30, missing_share=0.1, width_px=24, height_px=16, seed=5)
RIBBONS = replace(SCATTERED, arrangement="ribbons", ribbon_sections=(4, 9), damaged_share=0)


@pytest.mark.parametrize("settings", [SCATTERED, RIBBONS])
def test_every_section_is_there_or_missing_and_inside(settings: ArraySettings) -> None:
    array = place_array(settings)
    cuts = [one.cut for one in array.sections]
    assert sorted([*cuts, *array.missing]) == list(range(30))
    assert cuts == sorted(cuts)
    assert array.missing
    corners = np.concatenate([one.polygon_px for one in array.sections])
    assert corners.min() > 0
    assert (corners < array.size_px).all()


def test_the_same_settings_give_the_same_picture() -> None:
    one, two = (draw_overview(place_array(SCATTERED), PictureSettings(seed=4)) for _ in range(2))
    assert np.array_equal(one.image, two.image)
    other = draw_overview(place_array(replace(SCATTERED, seed=6)), PictureSettings(seed=4))
    assert other.image.shape != one.image.shape or not np.array_equal(other.image, one.image)


@pytest.mark.parametrize("contrast", [-0.6, 0.3])
def test_intact_sections_are_painted_where_the_truth_has_them(contrast: float) -> None:
    array = place_array(replace(RIBBONS, landmarks=0))
    image = draw_overview(array, replace(CLEAN, contrast=contrast)).image
    painted = (image < 180) if contrast < 0 else (image > 200)
    truth = np.zeros(image.shape, np.uint8)
    for one in array.sections:
        cv2.fillPoly(truth, [np.round((one.polygon_px - 0.5) * 16).astype(np.int32)], 1, cv2.LINE_8, 4)
    both, either = (painted & (truth > 0)).sum(), (painted | (truth > 0)).sum()
    assert both / either > 0.93  # a row of pixels around a section of 24 by 16 is 1 in 5


def test_damaged_sections_cover_less() -> None:
    settings = replace(SCATTERED, damaged_share=1, touching_share=0, overlapping_share=0, landmarks=0)
    array = place_array(settings)
    assert {one.condition for one in array.sections} == set(Condition) - {Condition.INTACT}
    painted = (draw_overview(array, CLEAN).image < 180).sum()
    whole = sum(Polygon(one.polygon_px).area for one in array.sections)
    assert 0.4 * whole < painted < 0.85 * whole


def test_sections_of_a_ribbon_lie_edge_to_edge_in_cutting_order() -> None:
    array = place_array(RIBBONS)
    for one, two in zip(array.sections, array.sections[1:], strict=False):
        lower = one.polygon_px[2:].mean(axis=0)
        upper = two.polygon_px[:2].mean(axis=0)
        if one.ribbon == two.ribbon:
            assert math.dist(lower, upper) < 0.1 * RIBBONS.width_px
        else:
            assert math.dist(one.center_px, two.center_px) > math.hypot(24, 16)


def test_rotation_is_that_of_the_upper_edge() -> None:
    for one in place_array(SCATTERED).sections:
        dx, dy = one.polygon_px[1] - one.polygon_px[0]
        assert math.remainder(math.degrees(math.atan2(-dy, dx)) - one.rotation_deg, 360) == pytest.approx(0)
        assert math.remainder(one.angle_deg - 90 - one.rotation_deg, 360) == pytest.approx(0)


def test_overlapping_sections_know_how_much_of_them_is_hidden() -> None:
    array = place_array(replace(SCATTERED, overlapping_share=1.0))
    hidden = [one.hidden_share for one in array.sections]
    assert max(hidden) > 0.05
    assert array.sections[-1].hidden_share == 0


def test_landmarks_lie_where_the_stage_has_them() -> None:
    array = place_array(SCATTERED)
    matrix = array.stage_of_px
    assert len(array.landmarks) == 4
    for mark in array.landmarks:
        assert matrix[:, :2] @ mark.position_px + matrix[:, 2] == pytest.approx(mark.stage_m)
    assert np.linalg.det(matrix[:, :2]) < 0  # Y points up on the stage


def test_a_coverslip_has_a_dark_rim_outside_all_sections() -> None:
    array = place_array(SCATTERED)
    image = draw_overview(array, replace(CLEAN, substrate="coverslip")).image
    middle = image.shape[0] // 2
    radius = 0.5 * image.shape[0]
    corner = int(middle - (radius + 1) / math.sqrt(2))
    assert image[middle, 1] < 60 or image[corner, corner] < 60
    assert image[middle - 1, middle - 1] > 60


def test_sections_are_stated_where_their_displaced_tiles_show_them() -> None:
    array = place_array(replace(RIBBONS, landmarks=0))
    flat = replace(CLEAN, tile_vignetting=0, tile_gain=0)
    still = centroid(draw_overview(array, flat).image)
    moved = set()
    for seed in range(6):
        overview = draw_overview(array, replace(flat, tile_px=max(array.size_px), seed=seed))
        shift = overview.shown[0].center_px - array.sections[0].center_px
        moved.add(tuple(shift))
        assert centroid(overview.image) - still == pytest.approx(shift, abs=0.05)
        assert overview.shown[0].polygon_px - array.sections[0].polygon_px == pytest.approx(
            np.tile(shift, (4, 1))
        )
    assert len(moved) > 2


def centroid(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return x and y of the middle of what is dark."""
    rows, columns = np.nonzero(image < 180)
    return np.array([columns.mean(), rows.mean()])
