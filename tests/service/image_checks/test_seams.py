"""A strip that two images show tells if the specimen moved, where it has detail in both directions."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from service.image_checks.seams import DRIFT_PX, Strips, drift_px

Floats = NDArray[np.float32]
ROWS, COLUMNS, MARGIN = 480, 96, 40
NOISE = 8.0


@pytest.fixture(scope="module")
def ground() -> Floats:
    """More ground than a strip shows, with edges in all directions."""
    field = np.random.default_rng(1).standard_normal((ROWS + 2 * MARGIN, COLUMNS + 2 * MARGIN))
    smooth = cv2.GaussianBlur(field, (0, 0), 4.0)
    return np.asarray(cv2.GaussianBlur(np.where(smooth > 0, 160.0, 90.0), (0, 0), 0.7), np.float32)


def scanned(ground: Floats, way_px: NDArray[np.float64], seed: int) -> Floats:
    """Scan a strip of which each row is off by its way, column and row."""
    rows, columns = np.mgrid[:ROWS, :COLUMNS].astype(np.float32) + np.float32(MARGIN)
    off = way_px.astype(np.float32)
    grey = cv2.remap(ground, columns + off[:, :1], rows + off[:, 1:], cv2.INTER_LINEAR)
    return np.asarray(grey + np.random.default_rng(seed).normal(0, NOISE, grey.shape), np.float32)


def found(ground: Floats, way_px: NDArray[np.float64]) -> float | None:
    return drift_px(Strips(scanned(ground, way_px, 2), scanned(ground, np.zeros((ROWS, 2)), 3)))


PART = np.linspace(0, 1, ROWS)[:, None]


def test_one_that_stands_still_is_known_to_wherever_it_lies(ground: Floats) -> None:
    for off in ((0.0, 0.0), (8.0, -12.0)):
        assert found(ground, np.full((ROWS, 2), off)) == 0


@pytest.mark.parametrize("way_px", [(10.0, 0.0), (0.0, -18.0), (-14.0, 20.0)])
def test_a_steady_drift_is_found_in_any_direction(ground: Floats, way_px: tuple[float, float]) -> None:
    assert found(ground, PART * way_px) == pytest.approx(np.hypot(*way_px), abs=3.0)


@pytest.mark.parametrize("way_px", [(9.0, 0.0), (0.0, 16.0), (-12.0, -12.0)])
def test_so_is_a_jump_that_one_image_does_not_show(ground: Floats, way_px: tuple[float, float]) -> None:
    assert found(ground, (PART > 0.6) * np.array(way_px)) == pytest.approx(np.hypot(*way_px), abs=2.0)


def test_a_way_that_hardly_shows_is_no_drift(ground: Floats) -> None:
    way_px = found(ground, PART * (0.0, 1.5))
    assert way_px is None or way_px < DRIFT_PX


def test_other_ground_noise_and_lines_tell_nothing(ground: Floats) -> None:
    here = scanned(ground, np.zeros((ROWS, 2)), 4)
    noise = np.random.default_rng(5).normal(120, NOISE, (2, ROWS, COLUMNS)).astype(np.float32)
    line = np.zeros((ROWS, COLUMNS), np.float32)
    line[:, 48:54] = 80
    assert drift_px(Strips(here, here[::-1].copy())) is None
    assert drift_px(Strips(noise[0], noise[1])) is None
    assert drift_px(Strips(noise[0] + line, noise[1] + line)) is None


def test_an_end_that_shows_nothing_may_have_moved(ground: Floats) -> None:
    strips = [scanned(ground, np.zeros((ROWS, 2)), seed) for seed in (6, 7)]
    for seed, strip in enumerate(strips, 8):
        strip[240:] = np.random.default_rng(seed).normal(120, NOISE, strip[240:].shape)
    assert drift_px(Strips(*strips)) is None


def test_flat_and_short_strips_tell_nothing() -> None:
    flat = np.zeros((ROWS, COLUMNS), np.float32)
    assert drift_px(Strips(flat, flat)) is None
    assert drift_px(Strips(flat[:60], flat[:60])) is None
