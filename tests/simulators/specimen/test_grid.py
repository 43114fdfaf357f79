import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.pose import Pose, to_stage
from simulators.specimen.grid import Grid

POSES = st.builds(
    Pose,
    st.tuples(st.floats(-1e-2, 1e-2), st.floats(-1e-2, 1e-2)),
    st.tuples(st.floats(1e-8, 1e-6), st.floats(1e-8, 1e-6)),
    st.floats(-math.pi, math.pi),
    st.booleans(),
    st.booleans(),
)
SHAPES = st.tuples(st.integers(2, 40), st.integers(2, 40))


def points(grid: Grid) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    x, y = grid.points_um()
    return np.column_stack([x.ravel(), y.ravel()]).astype(np.float64)


@given(POSES, SHAPES)
def test_points_are_those_of_the_pose(pose: Pose, shape: tuple[int, int]) -> None:
    rows, columns = np.mgrid[: shape[0], : shape[1]] + 0.5
    expected = to_stage(pose, shape, np.column_stack([columns.ravel(), rows.ravel()])) * 1e6
    np.testing.assert_allclose(points(Grid.of_pose(pose, shape)), expected, atol=4e-3)


@given(POSES, SHAPES, st.floats(1e-3, 10))
def test_a_coarse_grid_covers_the_same_ground(pose: Pose, shape: tuple[int, int], step_um: float) -> None:
    grid = Grid.of_pose(pose, shape)
    coarse = grid.coarse(step_um)
    assert coarse.shape <= grid.shape
    np.testing.assert_allclose(coarse.center_um, grid.center_um, atol=1e-6)
    assert coarse.radius_um == pytest.approx(grid.radius_um)


@given(POSES, SHAPES, st.floats(-1, 1), st.floats(-1, 1), st.floats(0.01, 2))
def test_a_window_holds_every_point_of_its_disc(
    pose: Pose, shape: tuple[int, int], across: float, down: float, size: float
) -> None:
    grid = Grid.of_pose(pose, shape)
    center = grid.center_um + grid.radius_um * np.array([across, down])
    radius = grid.radius_um * size
    near = np.hypot(*(points(grid) - center).T).reshape(shape) < radius * 0.999
    window = grid.window(center, radius)
    if window is None:
        assert not near.any()
        return
    part, inner = window
    near[part] = False
    assert not near.any()
    assert min(inner.shape) >= 2
    whole = points(grid).reshape(*shape, 2)
    np.testing.assert_allclose(points(inner).reshape(*inner.shape, 2), whole[part], atol=4e-3)
