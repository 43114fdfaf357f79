import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detection.recall_first.extent import extended

SIDES = (40, 60, 40, 60)


def light_within(top: int, bottom: int, left: int, right: int, noise: float = 0.0) -> np.ndarray:
    light = np.random.default_rng(3).normal(0, noise, (100, 100)).astype(np.float32)
    light[top:bottom, left:right] += 1
    light[SIDES[0] : SIDES[1], SIDES[2] : SIDES[3]] = 0
    return light


@pytest.mark.parametrize("noise", [0.0, 1.0])
def test_sides_move_to_where_the_light_ends(noise: float) -> None:
    found = extended(SIDES, light_within(33, 60, 40, 64, noise), 1.0, 11)
    assert np.abs(np.subtract(found, (33, 60, 40, 64))).max() <= (3 if noise else 0)


def test_nothing_moves_without_light_and_no_side_further_than_allowed() -> None:
    assert extended(SIDES, np.zeros((100, 100), np.float32), 1.0, 11) == SIDES
    assert extended(SIDES, light_within(0, 100, 0, 100), 1.0, 11) == (29, 71, 29, 71)


def test_a_brighter_cell_asks_for_more_light_beyond_it() -> None:
    light = light_within(33, 60, 40, 60)
    assert extended(SIDES, light, 100.0, 11) == SIDES


@given(st.integers(0, 99), st.integers(1, 99), st.integers(0, 99), st.integers(1, 99), st.integers(0, 40))
def test_a_box_only_grows_and_stays_in_the_frame(
    top: int, high: int, left: int, wide: int, most: int
) -> None:
    sides = top, min(top + high, 100), left, min(left + wide, 100)
    found = extended(sides, np.random.default_rng(1).normal(0, 1, (100, 100)).astype(np.float32), 0.1, most)
    assert 0 <= found[0] <= sides[0] < sides[1] <= found[1] <= 100
    assert 0 <= found[2] <= sides[2] < sides[3] <= found[3] <= 100
    assert max(np.abs(np.subtract(found, sides))) <= most
