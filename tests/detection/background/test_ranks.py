"""Percentiles of plain arrays."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from detection.background.ranks import median, percentile, ranked

VALUES = arrays.arrays(
    np.float32,
    arrays.array_shapes(min_dims=1, max_dims=2, max_side=40),
    elements=st.floats(-1e6, 1e6, width=32),
)


@settings(max_examples=40)
@given(VALUES, st.floats(0, 100))
def test_percentiles_are_those_of_numpy(values: np.ndarray, percent: float) -> None:
    expected = float(np.percentile(values.astype(np.float64), percent))
    assert percentile(values, percent) == pytest.approx(expected, rel=1e-9, abs=1e-6)


def test_a_median_lies_between_the_two_in_the_middle() -> None:
    assert median(np.array([[4.0, 1.0], [2.0, 9.0]], np.float32)) == 3.0
    assert median(np.array([5.0], np.float32)) == 5.0


def test_a_rank_counts_from_the_least() -> None:
    values = np.array([3.0, 8.0, 1.0], np.float32)
    assert [ranked(values, rank) for rank in range(3)] == [1.0, 3.0, 8.0]
