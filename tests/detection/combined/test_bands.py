"""Folds are bands; cells are not, not even in a row."""

import numpy as np
import pytest
from numpy.typing import NDArray

from detection.combined.bands import bands_in

PIXEL_UM = 0.36
Y, X = np.mgrid[:256, :256]


def fold(width_um: float) -> NDArray[np.bool_]:
    bent = 40 + 0.6 * X + 20 * np.sin(X / 60)
    return np.asarray(np.abs(Y - bent) <= width_um / PIXEL_UM / 2)


def cells_in_a_row(count: int, radius_um: float) -> NDArray[np.bool_]:
    step = 2 * radius_um / PIXEL_UM
    mask = np.zeros(Y.shape, np.bool_)
    for number in range(count):
        mask |= np.hypot(Y - 120, X - 30 - number * step) <= 1.05 * step / 2
    return mask


@pytest.mark.parametrize("width_um", [0.8, 2.0, 4.0])
def test_a_fold_across_the_frame_is_a_band(width_um: float) -> None:
    assert np.array_equal(bands_in(fold(width_um), PIXEL_UM), fold(width_um))


@pytest.mark.parametrize(("count", "radius_um"), [(1, 7.0), (3, 8.75), (5, 6.0)])
def test_cells_are_no_band_not_even_in_a_row(count: int, radius_um: float) -> None:
    assert not bands_in(cells_in_a_row(count, radius_um), PIXEL_UM).any()


def test_a_fold_beside_a_cell_is_a_band_and_the_cell_is_none() -> None:
    cell = np.hypot(Y - 220, X - 40) <= 15
    assert np.array_equal(bands_in(fold(2.0) | cell, PIXEL_UM), fold(2.0))
    assert not bands_in(np.zeros(Y.shape, np.bool_), PIXEL_UM).any()
