"""Brightness of cells above the background."""

import numpy as np
import pytest
from numpy.typing import NDArray

from detection.image.brightness import brightness_adu
from detection.image.frames import check_frame


def frame(levels: tuple[float, ...], noise: float = 3.0) -> NDArray[np.uint16]:
    """Discs of 16 px in a row, on uneven background."""
    y, x = np.mgrid[:160, :200]
    image = 300 + 0.4 * x + np.random.default_rng(1).normal(0, noise, x.shape)
    for n, level in enumerate(levels):
        image += level * ((x - 40 - 60 * n) ** 2 + (y - 80) ** 2 <= 64)
    return np.asarray(image.round(), dtype=np.uint16)


BOXES = [(32, 72, 48, 88), (92, 72, 108, 88), (152, 72, 168, 88)]


def test_cells_are_as_bright_as_they_stand_above_an_uneven_background() -> None:
    found = brightness_adu(check_frame(frame((40.0, 80.0, 0.0)), 0.3), BOXES)
    assert found == pytest.approx((40, 80, 0), abs=6)


def test_a_hot_pixel_and_the_offset_of_the_camera_do_not_count() -> None:
    pixels = frame((40.0, 80.0, 20.0))
    plain = brightness_adu(check_frame(pixels, 0.3), BOXES)
    pixels[80, 40] = 60_000
    assert brightness_adu(check_frame(pixels, 0.3), BOXES) == pytest.approx(plain, abs=2)
    assert brightness_adu(check_frame(pixels, 0.3, 200.0), BOXES) == pytest.approx(plain, abs=2)


def test_a_box_beside_the_frame_has_no_brightness_and_one_across_its_edge_that_of_its_part() -> None:
    beside, across = brightness_adu(check_frame(frame((40.0,)), 0.3), [(-30, 5, -10, 20), (-5, 150, 15, 170)])
    assert beside is None
    assert across == pytest.approx(0, abs=6)
    assert brightness_adu(check_frame(frame(()), 0.3), []) == ()
