"""Medians and quantiles are those of numpy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.image_checks.levels import levels_of
from service.image_checks.order import median_of, of_sorted, quantiles_of
from tests.examples import examples


@given(st.integers(1, 12), st.integers(1, 40), st.floats(0, 1), st.integers(0, 2**32 - 1))
@examples(50)
def test_they_are_those_of_numpy(rows: int, columns: int, share: float, seed: int) -> None:
    values = np.random.default_rng(seed).normal(0, 30, (rows, columns)).astype(np.float32)
    assert median_of(values) == pytest.approx(float(np.median(values)), rel=1e-5, abs=1e-5)
    found = np.quantile(values, share, axis=1)
    np.testing.assert_allclose(quantiles_of(values, share), found, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(of_sorted(np.sort(values, axis=1), share), found, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@given(st.lists(st.integers(0, 255), min_size=1, max_size=30), st.integers(0, 255), st.integers(0, 255))
@examples(30)
def test_grey_levels(dtype: type[np.unsignedinteger], grey: list[int], one: int, other: int) -> None:
    levels = levels_of(np.array([grey], dtype))
    assert (levels.low, levels.high) == (min(grey), max(grey))
    assert levels.median == float(np.median(grey))
    between = [min(one, other) <= level <= max(one, other) for level in grey]
    assert levels.share(min(one, other), max(one, other)) == pytest.approx(np.mean(between))


def test_levels_beyond_the_smallest_one_are_no_others() -> None:
    levels = levels_of(np.array([[0, 1, 255]], np.uint8))
    assert levels.share(-2, 0) == pytest.approx(1 / 3)
    assert levels.share(254, 300) == pytest.approx(1 / 3)
