import numpy as np
import pytest

from detection.background.masked_smoothing import Smoother


def test_what_does_not_count_is_not_seen_and_is_filled() -> None:
    values = np.full((30, 40), 5, dtype=np.float32)
    where = np.ones(values.shape, dtype=np.bool_)
    where[8:20, 10:30] = False
    values[~where] = 1000
    assert Smoother(where, 2.0)(values) == pytest.approx(5, rel=1e-4)


def test_the_width_is_that_of_the_gaussian() -> None:
    values = np.zeros((41, 41), dtype=np.float32)
    values[20, 20] = 1
    smooth = Smoother(np.ones(values.shape, dtype=np.bool_), 2.0)(values)
    assert smooth[20, 20] == pytest.approx(1 / (2 * np.pi * 4), rel=0.12)
    assert smooth[20, 24] / smooth[20, 20] == pytest.approx(np.exp(-2), rel=0.12)


def test_where_nothing_counts_the_median_is_everywhere() -> None:
    values = np.arange(12, dtype=np.float32).reshape(3, 4)
    assert Smoother(np.zeros((3, 4), dtype=np.bool_), 1.0)(values) == pytest.approx(5.5)
