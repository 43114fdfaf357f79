import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detection.background.polynomial_surface import lower_surface, surface_through


def fitted_by_the_book(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The same by the whole design matrix, at full weight of every term up to the sixth degree."""
    y, x = (np.polynomial.chebyshev.chebvander((2 * np.arange(n) + 1) / n - 1, 6) for n in values.shape)
    terms = [np.outer(y.T[i], x.T[j]).ravel() for i in range(7) for j in range(7 - i)]
    design, root = np.stack(terms, axis=1), np.sqrt(weight.ravel())
    factors, *_ = np.linalg.lstsq(design * root[:, None], values.ravel() * root, rcond=None)
    return np.asarray((design @ factors).reshape(values.shape))


@given(seed=st.integers(0, 1000), rows=st.integers(7, 40), columns=st.integers(7, 40))
def test_it_is_the_weighted_least_squares_fit(seed: int, rows: int, columns: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(500, 20, (rows, columns)).astype(np.float32)
    weight = rng.uniform(0.2, 1, (rows, columns))
    np.testing.assert_allclose(surface_through(values, weight), fitted_by_the_book(values, weight), atol=0.01)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (2, 3), (12, 5)])
def test_grids_of_few_blocks_and_no_weight_are_taken(shape: tuple[int, int]) -> None:
    values = np.full(shape, 7, dtype=np.float32)
    assert surface_through(values, np.ones(shape)) == pytest.approx(7, rel=1e-4)
    assert surface_through(values, np.zeros(shape)) == pytest.approx(0, abs=1e-6)
    assert lower_surface(values) == pytest.approx(7, rel=1e-4)


def test_the_lower_side_is_followed_under_hills() -> None:
    values = np.full((40, 40), 100, dtype=np.float32)
    values[10:16, 10:16] = 900
    hill = values > 100
    plain, lower = surface_through(values, np.ones_like(values)), lower_surface(values)
    assert lower[hill].mean() < 0.75 * plain[hill].mean()
    assert np.abs(lower[~hill] - 100).mean() < np.abs(plain[~hill] - 100).mean()
