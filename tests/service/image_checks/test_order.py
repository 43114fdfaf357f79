"""Medians and quantiles are those of numpy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.image_checks.order import grey_median_of, median_of, medians_of, quantiles_of
from tests.examples import examples


@given(st.integers(1, 12), st.integers(1, 40), st.floats(0, 1), st.integers(0, 2**32 - 1))
@examples(50)
def test_they_are_those_of_numpy(rows: int, columns: int, share: float, seed: int) -> None:
    values = np.random.default_rng(seed).normal(0, 30, (rows, columns)).astype(np.float32)
    assert median_of(values) == pytest.approx(float(np.median(values)), rel=1e-5, abs=1e-5)
    np.testing.assert_allclose(medians_of(values), np.median(values, axis=1), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(
        quantiles_of(values, share), np.quantile(values, share, axis=1), rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@given(st.lists(st.integers(0, 255), min_size=1, max_size=30))
@examples(30)
def test_grey_levels(dtype: type[np.unsignedinteger], levels: list[int]) -> None:
    assert grey_median_of(np.array([levels], dtype)) == float(np.median(levels))
