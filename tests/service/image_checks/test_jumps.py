"""A jump that repeats ground is proven by one image; what only looks like one is not."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from service.image_checks.jumps import LEAST_TWICE, rows_twice

NOISE = 6.0
SHAPE = (384, 512)


def ground(seed: int = 1) -> NDArray[np.float32]:
    """Return more ground than an image shows, with edges in all directions."""
    rng = np.random.default_rng(seed)
    field = cv2.GaussianBlur(rng.standard_normal((SHAPE[0] + 80, SHAPE[1] + 80)), (0, 0), 4.0)
    return np.asarray(cv2.GaussianBlur(np.where(field > 0, 160.0, 90.0), (0, 0), 0.7), np.float32)


def scanned(jump_px: tuple[int, int], row: int = 200, seed: int = 1) -> NDArray[np.float32]:
    """Scan ground that jumps by columns and rows before a row; down the rows are skipped, up repeated."""
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]] + 40
    after = (np.arange(SHAPE[0]) >= row)[:, None]
    grey = ground(seed)[rows + after * jump_px[1], columns + after * jump_px[0]]
    noise = np.random.default_rng(2).normal(0, NOISE, SHAPE)
    return np.asarray(grey + noise, np.float32)


@pytest.mark.parametrize("jump_px", [(0, -8), (12, -9), (-20, -30)])
def test_ground_that_is_shown_twice_is_found(jump_px: tuple[int, int]) -> None:
    assert rows_twice(scanned(jump_px), NOISE) == -jump_px[1]


@pytest.mark.parametrize("jump_px", [(0, 0), (20, 0), (0, 20), (10, 3 - LEAST_TWICE)])
def test_nothing_is_said_of_other_jumps(jump_px: tuple[int, int]) -> None:
    assert rows_twice(scanned(jump_px), NOISE) == 0


def test_a_pattern_that_comes_back_is_no_jump() -> None:
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    lattice = 120 + 40 * np.sign(np.sin(rows / 2.5)) * np.sign(np.sin(columns / 3.0))
    stripes = 120 + 40 * np.sign(np.sin(columns / 3.0 + np.sin(columns / 40.0)))
    noise = np.random.default_rng(3).normal(0, NOISE, SHAPE)
    for grey in (lattice, stripes):
        assert rows_twice(np.asarray(grey + noise, np.float32), NOISE) == 0


def test_noise_alone_and_small_images_tell_nothing() -> None:
    noise = np.random.default_rng(4).normal(120, NOISE, SHAPE).astype(np.float32)
    assert rows_twice(noise, NOISE) == 0
    assert rows_twice(scanned((0, -20))[:100], NOISE) == 0
    assert rows_twice(np.zeros(SHAPE, np.float32), 0.0) == 0
