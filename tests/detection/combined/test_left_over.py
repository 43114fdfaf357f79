"""Bright parts beyond the boxes of the network: a cell of their own, or the rim of one that is shown."""

import numpy as np
import pytest
from numpy.typing import NDArray

from detection.combined.left_over import left_over
from detection.image.boxes import BoxPx, sides_of
from detection.image.frames import check_frame
from detection.image.working_grid import WorkingGrid, on_working_grid
from detection.network.inputs import WORKING_PIXEL_UM
from tests.detection.synthetic import PIXEL_SIZE_UM, make_section

SHOWN = BoxPx(200, 200, 280, 280)


@pytest.fixture(scope="module")
def grid() -> WorkingGrid:
    frame = check_frame(make_section(1, cells=0).pixels, PIXEL_SIZE_UM, 500.0)
    return on_working_grid(frame, WORKING_PIXEL_UM)


def standing(grid: WorkingGrid, *boxes: BoxPx) -> NDArray[np.bool_]:
    mask = np.zeros(grid.residual.shape, np.bool_)
    for box in boxes:
        mask[box.y0 // grid.shrink : box.y1 // grid.shrink, box.x0 // grid.shrink : box.x1 // grid.shrink] = 1
    return mask


def test_a_cell_that_is_shown_leaves_nothing_not_even_its_rim(grid: WorkingGrid) -> None:
    assert not left_over(standing(grid, SHOWN), sides_of([SHOWN]), grid).any()
    a_little_larger = BoxPx(196, 196, 284, 284)
    assert not left_over(standing(grid, a_little_larger), sides_of([SHOWN]), grid).any()


def test_a_cell_that_touches_a_shown_one_is_left(grid: WorkingGrid) -> None:
    neighbour = BoxPx(280, 220, 320, 260)
    left = left_over(standing(grid, SHOWN, neighbour), sides_of([SHOWN]), grid)
    assert left[230 // grid.shrink, 300 // grid.shrink]
    assert left.sum() >= 0.9 * standing(grid, neighbour).sum()


def test_whatever_stands_alone_is_left_however_small(grid: WorkingGrid) -> None:
    speck = BoxPx(400, 400, 402, 402)
    assert np.array_equal(
        left_over(standing(grid, SHOWN, speck), sides_of([SHOWN]), grid), standing(grid, speck)
    )


def test_without_hits_of_the_network_everything_is_left(grid: WorkingGrid) -> None:
    both = standing(grid, SHOWN, BoxPx(20, 20, 60, 60))
    assert np.array_equal(left_over(both, sides_of([]), grid), both)
    assert not left_over(standing(grid), sides_of([]), grid).any()
