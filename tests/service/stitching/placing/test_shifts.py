"""Shifts between overlapping tiles, and what proves them."""

import cv2
import numpy as np
import pytest

from service.image_files.images import Pixels
from service.stitching.placing.shifts import find_shift
from tests.service.stitching.textures import ground, image

GROUND = ground(1)


def tiles(width: int, off: tuple[float, float], noise: float = 12.0) -> tuple[Pixels, Pixels]:
    """Two tiles that overlap by a width; the second lies off its place."""
    left = 500 - width
    one = image(GROUND, 20, 100, (480, 400), noise, 1)
    other = image(GROUND, 20 + left - 20 + off[0], 100 + off[1], (380, 400), noise, 2)
    return one, other


@pytest.mark.parametrize("width", [30, 60, 200])
@pytest.mark.parametrize("off", [(0.0, 0.0), (-3.4, 2.25), (-11.0, -17.6)])
def test_the_shift_is_found_between_pixels(width: int, off: tuple[float, float]) -> None:
    one, other = tiles(width, off)
    found = find_shift(one, other, (500 - width - 20, 0), 24)
    assert found is not None
    assert np.hypot(found.shift_px[0] - off[0], found.shift_px[1] - off[1]) < 0.3
    assert found.likeness > 0.9


def test_the_shift_is_found_in_a_wide_search() -> None:
    one, other = tiles(150, (-70.3, 51.8))
    found = find_shift(one, other, (330, 0), 200)
    assert found is not None
    assert found.shift_px == pytest.approx((-70.3, 51.8), abs=0.3)


def test_16_bits_are_compared_like_8() -> None:
    one, other = (tile.astype(np.uint16) * 200 + 5 for tile in tiles(60, (2.5, -4.0)))
    found = find_shift(one, other, (420, 0), 24)
    assert found is not None
    assert found.shift_px == pytest.approx((2.5, -4.0), abs=0.3)


def test_other_ground_proves_nothing() -> None:
    for seed in range(3):
        one, _ = tiles(100, (0.0, 0.0))
        other = image(ground(10 + seed), 50, 50, (380, 400), 12, seed)
        assert find_shift(one, other, (380, 0), 24) is None
        assert find_shift(one, other, (380, 0), 200) is None


def test_noise_and_even_ground_prove_nothing() -> None:
    even = np.full((900, 900), 200, np.float32)
    for noise in (0.0, 12.0):
        one, other = (image(even, 0, 0, (400, 300), noise, seed) for seed in (1, 2))
        assert find_shift(one, other, (300, 0), 60) is None


def test_a_single_object_on_empty_ground_proves_nothing() -> None:
    """The corner of a cell alone: it fits many a piece of a membrane."""
    even = np.full((900, 900), 200, np.float32)
    even[100:112, 100:112] = 80
    one, other = image(even, 90, 90, (400, 300), 4, 1), image(even, 95, 92, (400, 300), 4, 2)
    assert find_shift(one, other, (0, 0), 24) is None


def test_a_knife_mark_fits_everywhere_along_itself() -> None:
    """Found on development seed 704: a line through both tiles, 3 um off along itself."""
    even = np.full((900, 900), 200, np.float32)
    cv2.line(even, (0, 130), (899, 250), 120.0, 8)
    # The second lies 40 px further along the line than is believed.
    along = image(even, 0, 0, (400, 500), 12, 1), image(even, 240, 5.3, (400, 500), 12, 2)
    assert find_shift(*along, (200, 0), 60) is None
    # A particle beside it shows where along.
    cv2.ellipse(even, (330, 320), (25, 14), 30, 0, 360, 60.0, -1)
    cv2.ellipse(even, (350, 90), (12, 30), 10, 0, 360, 90.0, -1)
    both = image(even, 0, 0, (400, 500), 12, 1), image(even, 240, 5.3, (400, 500), 12, 2)
    found = find_shift(*both, (200, 0), 60)
    assert found is not None
    assert found.shift_px == pytest.approx((40, 5.3), abs=0.5)


@pytest.mark.parametrize("corner", [(480.0, 0.0), (0.0, 400.0), (478.0, 0.0), (2000.0, -50.0)])
def test_tiles_that_hardly_meet_prove_nothing(corner: tuple[float, float]) -> None:
    one, other = tiles(100, (0.0, 0.0))
    assert find_shift(one, other, corner, 1) is None


def test_tiles_of_a_few_pixels_are_no_error() -> None:
    small = np.ones((3, 2), np.uint8)
    assert find_shift(small, small, (0, 0), 200) is None
    assert find_shift(small, tiles(100, (0.0, 0.0))[0], (-1, 0), 8) is None
