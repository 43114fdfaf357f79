"""Sections are found by their common shape."""

from collections.abc import Sequence

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from detection.overview import quads
from detection.overview.common_shape.shape import shape_of
from detection.overview.find import find_sections
from detection.overview.ground import ground_of
from detection.overview.quads import placed
from detection.overview.settings import GroundSettings, ShapeSettings
from detection.overview.values import Corners, Doubt, Found, Nothing
from tests.detection.overview.pictures import PLACES, SIZE, drawn, outlines, rectangle


def found_all(found: Found, truth: Sequence[Corners], least: float = 0.85) -> bool:
    return all(
        any(quads.overlap(np.array(one.corners_px), corners) > least for one in found.sections)
        for corners in truth
    )


def test_dark_sections_are_found_with_position_and_angle() -> None:
    truth = outlines()
    found = find_sections(drawn(truth))
    assert found.nothing is None
    assert len(found.sections) == len(truth)
    assert found_all(found, truth)
    for corners in truth:
        one = min(found.sections, key=lambda one: np.hypot(*(np.array(one.center_px) - corners.mean(0))))
        assert np.hypot(*(np.array(one.center_px) - corners.mean(0))) < 0.7
        off = one.angle_deg - quads.facing_deg(corners)
        assert abs((off + 90) % 180 - 90) < 2
        assert one.confidence > 0.6


@pytest.mark.parametrize(
    "picture",
    [
        drawn(outlines(), section=160, substrate=40).astype(np.uint16) * 16,
        np.stack([drawn(outlines(), section=170), drawn(outlines(), section=150), drawn(outlines())], axis=2),
    ],
    ids=["bright, 12 bit", "colour"],
)
def test_contrast_and_kind_of_pixels_do_not_matter(picture: NDArray[np.uint8]) -> None:
    found = find_sections(picture)
    assert len(found.sections) == len(PLACES)
    assert found_all(found, outlines())


def test_sections_are_found_in_noise_that_hides_their_pixels() -> None:
    """At a contrast of five deviations of the noise half of their pixels are within its scatter."""
    clear = drawn(outlines(), section=130, substrate=170)
    noisy = clear + np.random.default_rng(4).normal(0, 8, clear.shape)
    found = find_sections(np.clip(np.round(noisy), 0, 255).astype(np.uint8))
    assert len(found.sections) == len(PLACES)
    assert found_all(found, outlines(), 0.8)


def test_a_picture_is_smoothed_against_noise_and_not_against_uneven_ground() -> None:
    rng = np.random.default_rng(4)
    clear = drawn(outlines(), section=130, substrate=170).astype(np.float32)[:, :, None]
    noise = rng.normal(0, 8, clear.shape).astype(np.float32)
    lumps = cv2.GaussianBlur(noise[:, :, 0], (0, 0), 3)[:, :, None]
    lumps *= 8 / lumps.std()
    for added, smoothed in ((noise, True), (lumps, False)):
        ground = ground_of(clear + added, 1.0, GroundSettings())
        assert ground is not None
        assert bool(ground.tones.std() < 0.98 * (clear + added).std()) is smoothed


def test_light_that_falls_off_and_seams_between_tiles_are_no_sections() -> None:
    picture = drawn(outlines()).astype(np.float64)
    picture *= np.linspace(1.0, 0.75, picture.shape[1])
    picture[:, 170:] *= 0.85
    found = find_sections(np.round(picture).astype(np.uint8))
    assert len(found.sections) == len(PLACES)
    assert found_all(found, outlines())


def test_sections_that_touch_are_told_apart() -> None:
    width, _ = SIZE
    row = outlines([(60 + number * width, 100, 0) for number in range(3)])
    truth = [*row, *outlines(((60, 40, 20), (200, 45, 120)))]
    picture = drawn(truth)
    for corners in row:
        cv2.polylines(picture, [np.round(corners).astype(np.int32)], True, 70, 1)
    found = find_sections(picture)
    assert len(found.sections) == len(truth)
    assert found_all(found, truth, 0.75)


def test_the_lower_of_two_sections_that_overlap_is_found() -> None:
    truth = outlines([*PLACES, (60, 180, 0), (84, 184, 8)])
    picture = drawn(truth)
    cv2.fillConvexPoly(picture, np.round(truth[-1]).astype(np.int32), 60)
    found = find_sections(picture)
    assert found_all(found, truth)


def test_strips_dust_and_scratches_are_no_sections() -> None:
    picture = drawn([*outlines(), *outlines(((100, 180, 15), (170, 90, 80)), rectangle(30, 5))])
    cv2.line(picture, (5, 100), (260, 110), 150, 1)
    for x, y in ((20, 20), (100, 90), (250, 100), (180, 185)):
        cv2.circle(picture, (x, y), 2, 50, -1)
    found = find_sections(picture)
    assert len(found.sections) == len(PLACES)
    assert found_all(found, outlines())


def test_what_lies_off_the_glass_is_no_section() -> None:
    truth = outlines([(x + 60, y + 60, turn) for x, y, turn in PLACES])
    picture = drawn(truth, (320, 390))
    rows, columns = np.mgrid[:320, :390]
    radius = np.hypot(rows - 160, columns - 195)
    metal = np.random.default_rng(1).integers(90, 200, picture.shape, dtype=np.uint8)
    picture = np.where(radius > 148, 10, picture)
    picture = np.where(radius > 156, metal, picture).astype(np.uint8)
    cv2.rectangle(picture, (5, 5), (35, 25), 250, -1)
    found = find_sections(picture)
    assert len(found.sections) == len(truth)
    assert found_all(found, truth)


def test_half_a_section_is_doubtful() -> None:
    half = outlines(((140, 95, 0),), rectangle(30, 10))
    found = find_sections(drawn([*outlines(), *half]))
    assert len(found.sections) == len(PLACES)
    assert any(np.hypot(*(np.array(one.center_px) - (140, 95))) < 8 for one in found.doubtful)


def test_a_section_that_the_picture_cuts_is_doubtful() -> None:
    found = find_sections(drawn([*outlines(), *outlines(((7, 180, 0),))]))
    assert len(found.sections) == len(PLACES)
    assert found.doubtful
    assert {one.doubt for one in found.doubtful} <= {Doubt.CUT, Doubt.SHAPE, Doubt.SIDES}


def test_trapezoids_are_found_the_right_way_round() -> None:
    model = np.array([[-11.0, -12], [11, -12], [18, 12], [-18, 12]])
    truth = outlines(shape=model)
    found = find_sections(drawn(truth))
    assert found_all(found, truth)
    assert found.shape is not None
    assert found.shape.symmetry_deg == 360


def test_an_outline_by_a_person_gives_the_shape() -> None:
    truth = outlines(((60, 60, 30),))
    shape = shape_of(truth, ShapeSettings())
    found = find_sections(drawn(truth, (140, 140)), shape)
    assert len(found.sections) == 1
    assert found_all(found, truth)


@pytest.mark.parametrize(
    ("picture", "reason"),
    [
        (np.full((200, 200), 80, np.uint8), Nothing.EMPTY),
        (np.zeros((200, 200), np.uint16), Nothing.EMPTY),
        (np.full((200, 200, 3), 255, np.uint8), Nothing.SATURATED),
        (drawn([]), Nothing.NO_SECTIONS),
        (cv2.GaussianBlur(drawn(outlines()), (0, 0), 14), Nothing.BLURRED),
    ],
    ids=["grey", "black", "white", "bare", "blurred"],
)
def test_there_is_a_reason_if_nothing_is_found(picture: NDArray[np.uint8], reason: Nothing) -> None:
    found = find_sections(picture)
    assert not found.sections
    assert found.nothing is reason


def test_sections_as_bright_as_the_substrate_are_found_by_their_edges() -> None:
    truth = outlines()
    picture = drawn([]).astype(np.float32)
    for corners in truth:
        rim = np.zeros(picture.shape, np.float32)
        cv2.polylines(rim, [np.round(corners - 0.5).astype(np.int32)], True, 60.0, 2)
        picture -= cv2.GaussianBlur(rim, (0, 0), 0.8)
    found = find_sections(np.clip(picture, 0, 255).astype(np.uint8))
    assert len(found.sections) == len(truth)
    # The line of an edge is 2 px wide, and either side of it may be taken.
    assert found_all(found, truth, 0.65)


@pytest.mark.parametrize("seed", range(4))
def test_a_few_rectangles_make_no_trapezoid_and_a_few_trapezoids_do(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for model, symmetry in (
        (rectangle(48, 28), 180),
        (np.array([[-15.0, -14], [15, -14], [24, 14], [-24, 14]]), 360),
    ):
        seen = [placed(model, 0, 0, turn) + rng.normal(0, 1.3, (4, 2)) for turn in (0, 50, 170)]
        assert shape_of(seen, ShapeSettings()).symmetry_deg == symmetry
