"""A field is found in its overview, or nothing is claimed."""

import math
from dataclasses import replace

import numpy as np
import pytest

from detection.alignment.align import align
from detection.alignment.preparation import corners_um
from detection.alignment.reasons import NotProven
from detection.alignment.values import Alignment, Picture, Similarity
from tests.detection.alignment.fields import EM_UM, Discs, cells, lit, scanned

CELLS = cells(1, 9)
TRUTH = Similarity((1.3, -2.1), math.radians(0.4), 0.992)


def found(truth: Similarity, shown: Discs = CELLS, grey: float = 0.35, seed: int = 0) -> Alignment:
    light, boxes = lit(CELLS, seed)
    return align(light, boxes, scanned(shown, truth, grey, seed), 6.0)


def error_um(one: Alignment, truth: Similarity) -> float:
    assert one.motion is not None
    return one.motion.distance_um(truth, corners_um(lit(CELLS)[1], lit(CELLS)[0]))


@pytest.mark.parametrize("grey", [0.3, 0.6, 0.9])
def test_a_field_is_found_with_cells_darker_than_lighter_than_and_like_the_resin(grey: float) -> None:
    one = found(TRUTH, grey=grey)
    assert one.reason is None
    assert one.proven_um is not None
    assert error_um(one, TRUTH) <= one.proven_um <= 0.4


@pytest.mark.parametrize("seed", [4])
def test_cells_without_fluorescence_do_not_matter(seed: int) -> None:
    others = cells(seed, 9)
    apart = (
        np.hypot(*(others.centers_um[:, None] - CELLS.centers_um[None]).transpose(2, 0, 1)).min(axis=1) > 8
    )
    both = Discs(
        *(
            np.concatenate([getattr(CELLS, name), getattr(others, name)[apart]])
            for name in ("centers_um", "radii_um", "phases")
        )
    )
    one = found(TRUTH, both, seed=seed)
    assert error_um(one, TRUTH) < 0.5
    assert one.proven_um is None or error_um(one, TRUTH) <= one.proven_um


@pytest.mark.parametrize("seed", [10, 11])
def test_nothing_is_claimed_of_another_field(seed: int) -> None:
    one = found(TRUTH, cells(seed, 9))
    assert one.proven_um is None
    assert one.reason is not None


def test_nothing_is_claimed_of_two_halves_that_lie_apart() -> None:
    left, right = (scanned(CELLS, replace(TRUTH, shift_um=(x, -2.1))).pixels for x in (0.5, 2.1))
    torn = np.concatenate([left[:, : left.shape[1] // 2], right[:, left.shape[1] // 2 :]], axis=1)
    light, boxes = lit(CELLS)
    assert align(light, boxes, Picture(torn, EM_UM), 6.0).proven_um is None


def test_a_position_further_off_than_the_machine_can_be_has_jumped() -> None:
    light, boxes = lit(CELLS)
    one = align(light, boxes, scanned(CELLS, TRUTH), 1.5)
    assert one.reason is NotProven.JUMPED
    assert one.proven_um is None


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((440, 440), np.uint8),
        np.full((440, 440), 255, np.uint8),
        np.full((440, 440), 9000, np.uint16),
        np.full((440, 440), np.nan, np.float32),
    ],
)
def test_an_overview_that_shows_nothing_is_recognised(pixels: np.ndarray) -> None:
    light, boxes = lit(CELLS)
    assert align(light, boxes, Picture(pixels, EM_UM), 6.0).reason is NotProven.NOTHING_SHOWN


def test_noise_alone_proves_nothing() -> None:
    noise = np.random.default_rng(5).integers(1, 255, (440, 440), np.uint8)
    light, boxes = lit(CELLS)
    assert align(light, boxes, Picture(noise, EM_UM), 6.0).proven_um is None


@pytest.mark.parametrize("size_px", [2, 200])
def test_an_overview_that_misses_the_cells_is_recognised(size_px: int) -> None:
    light, boxes = lit(CELLS)
    one = align(light, boxes, scanned(CELLS, TRUTH, size_px=size_px), 6.0)
    assert one.reason is NotProven.WRONG_FIELD


def test_a_wrong_pixel_size_proves_nothing() -> None:
    light, boxes = lit(CELLS)
    stretched = Picture(scanned(CELLS, TRUTH).pixels, 0.13)
    assert align(light, boxes, stretched, 6.0).proven_um is None


def test_without_cells_nothing_is_proven() -> None:
    light, _ = lit(CELLS)
    assert align(light, [], scanned(CELLS, TRUTH), 6.0).reason is NotProven.NO_CELLS


def test_the_fluorescence_of_noise_proves_nothing() -> None:
    light, boxes = lit(CELLS)
    noise = Picture(np.random.default_rng(6).poisson(50, light.pixels.shape).astype(np.uint16), 0.178)
    assert align(noise, boxes, scanned(CELLS, TRUTH), 6.0).proven_um is None
