"""Shift between two tiles of the holder: measured where both show the same, else none."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from drivers.pose import Pose
from service.mapping.tiles.shifts import Floats, shift_between

UM = 1e-6
SIDE = 64
_RNG = np.random.default_rng(4)
GROUND: Floats = np.asarray(gaussian_filter(_RNG.normal(0, 40, (SIDE, 3 * SIDE)), 2.0), np.float32)
"""A texture of which tiles show parts; a pixel is 1 um."""


def tile(left: int) -> Floats:
    return GROUND[:, left : left + SIDE]


def pose(x_um: float) -> Pose:
    return Pose((x_um * UM, 0.0), (UM, UM))


def measured(second: Floats, stands_um: float, furthest_um: float = 10.0) -> tuple[float, float] | None:
    """Return the distance of a second tile, whose stage says `stands_um`, from the first, um."""
    found = shift_between((3, 5), (tile(0), second), (pose(0), pose(stands_um)), furthest_um * UM)
    if found is None:
        return None
    assert (found.first, found.second) == (3, 5)
    return found.off_m[0] / UM, found.off_m[1] / UM


def test_the_true_distance_is_found_whatever_the_stage_says() -> None:
    for says_um in (38.0, 40.0, 43.0):
        assert measured(tile(40), says_um) == pytest.approx((40.0, 0.0), abs=0.3)


def test_an_error_larger_than_that_of_the_stage_is_not_believed() -> None:
    assert measured(tile(40), 43.0, furthest_um=2.0) is None
    assert measured(tile(40), 41.0, furthest_um=2.0) is not None


def test_an_overlap_that_is_narrow_flat_or_of_other_ground_shows_nothing() -> None:
    assert measured(tile(60), 60.0) is None
    assert measured(np.full((SIDE, SIDE), 7, np.float32), 40.0) is None
    assert measured(tile(110), 40.0) is None
