"""A change in a series, against its own scatter."""

import math

import numpy as np
import pytest

from service.trends.change import Change, change_of


def test_a_step_is_found_once_half_of_the_latest_four_and_more_show_it() -> None:
    level = [100.0, 101.0, 99.0, 100.0] * 25
    assert change_of([*level, 50.0, 51.0], 1.25) is None
    found = change_of([*level, 50.0, 51.0, 49.0], 1.25)
    assert found is not None
    assert found == Change(found.ratio, 99)
    assert found.ratio == pytest.approx(0.5, abs=0.02)


def test_a_slow_change_is_found_that_no_step_shows() -> None:
    rng = np.random.default_rng(1)
    fading = [math.exp(-0.002 * n + 0.05 * rng.standard_normal()) for n in range(300)]
    at = next(n for n in range(300) if change_of(fading[:n], 1.25) is not None)
    # It has fallen by a quarter after 112.
    assert 112 <= at <= 180


@pytest.mark.parametrize("scatter", [0.02, 0.1, 0.3])
def test_what_only_scatters_is_no_change(scatter: float) -> None:
    rng = np.random.default_rng(2)
    for _ in range(20):
        series = [math.exp(scatter * rng.standard_normal()) for _ in range(100)]
        assert all(change_of(series[:n], 1.25) is None for n in range(101))


def test_too_few_and_dark_values_are_no_error() -> None:
    assert change_of([], 1.25) is None
    assert change_of([9.0] * 3 + [1.0] * 4, 1.25) is None
    assert change_of([0.0] * 20, 1.25) is None
    found = change_of([100.0] * 8 + [0.0, -1.0, 2.0, 0.0], 1.25)
    assert found is not None
    assert found.ratio == pytest.approx(0.02)
