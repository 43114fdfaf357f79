import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.pose import FmToSem, Pose, box_to_rect, frame_rect, inner_rect, to_pixels, to_stage

poses = st.builds(
    Pose,
    center_m=st.tuples(st.floats(-0.1, 0.1), st.floats(-0.1, 0.1)),
    pixel_size_m=st.tuples(st.floats(1e-9, 1e-6), st.floats(1e-9, 1e-6)),
    rotation_rad=st.floats(-math.pi, math.pi),
    flip_x=st.booleans(),
    flip_y=st.booleans(),
)
shapes = st.tuples(st.integers(1, 4096), st.integers(1, 4096))
points = st.lists(st.tuples(st.floats(-5000, 5000), st.floats(-5000, 5000)), min_size=1, max_size=8)


@given(pose=poses, shape=shapes, at=points)
def test_pixels_to_stage_and_back(pose: Pose, shape: tuple[int, int], at: list[tuple[float, float]]) -> None:
    there = to_stage(pose, shape, np.array(at))
    # 0.1 m held in float64 is good to 1e-17 m: a hundred-millionth of the smallest pixel here.
    np.testing.assert_allclose(to_pixels(pose, shape, there), at, atol=1e-6)


def test_an_unrotated_frame_has_x_right_and_y_up() -> None:
    pose = Pose((1e-3, 2e-3), (1e-6, 2e-6))
    corners = to_stage(pose, (10, 20), np.array([[0, 0], [20, 10], [10, 5]], dtype=float))
    np.testing.assert_allclose(corners, [[0.99e-3, 2.01e-3], [1.01e-3, 1.99e-3], [1e-3, 2e-3]], atol=1e-12)


def test_rotation_is_counter_clockwise_and_flips_mirror_the_frame() -> None:
    right = np.array([[20.0, 5.0]])
    turned = to_stage(Pose((0, 0), (1e-6, 1e-6), rotation_rad=math.pi / 2), (10, 20), right)
    np.testing.assert_allclose(turned, [[0, 1e-5]], atol=1e-15)
    mirrored = to_stage(Pose((0, 0), (1e-6, 1e-6), flip_x=True), (10, 20), right)
    np.testing.assert_allclose(mirrored, [[-1e-5, 0]], atol=1e-15)
    upside_down = to_stage(Pose((0, 0), (1e-6, 1e-6), flip_y=True), (10, 20), np.array([[10.0, 0.0]]))
    np.testing.assert_allclose(upside_down, [[0, -5e-6]], atol=1e-15)


@given(pose=poses, shape=shapes)
def test_the_inner_rectangle_lies_in_the_frame_and_the_frame_in_its_rectangle(
    pose: Pose, shape: tuple[int, int]
) -> None:
    x0, y0, x1, y1 = inner_rect(pose, shape)
    corners = to_pixels(pose, shape, np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]]))
    slack = 1e-6 * max(shape) + 1e-6
    assert corners.min() >= -slack
    assert corners[:, 0].max() <= shape[1] + slack
    assert corners[:, 1].max() <= shape[0] + slack
    outer = frame_rect(pose, shape)
    tiny = 1e-12
    assert outer[0] <= x0 + tiny
    assert outer[1] <= y0 + tiny
    assert x1 <= outer[2] + tiny
    assert y1 <= outer[3] + tiny


@given(pose=poses, shape=shapes, box=st.tuples(*[st.integers(0, 2000)] * 2, *[st.integers(1, 500)] * 2))
def test_a_box_lies_in_its_rectangle(
    pose: Pose, shape: tuple[int, int], box: tuple[int, int, int, int]
) -> None:
    x, y, w, h = box
    x0, y0, x1, y1 = box_to_rect(pose, shape, (x, y, x + w, y + h))
    inside = to_stage(pose, shape, np.array([[x + w / 2, y + h / 2], [x, y], [x + w, y + h]], dtype=float))
    assert np.all(inside >= np.array([x0, y0]) - 1e-12)
    assert np.all(inside <= np.array([x1, y1]) + 1e-12)


@given(
    shift=st.tuples(st.floats(-1e-4, 1e-4), st.floats(-1e-4, 1e-4)),
    rotation=st.floats(-0.2, 0.2),
    scale=st.floats(0.8, 1.25),
    shear=st.floats(-0.1, 0.1),
    at=st.tuples(st.floats(-0.1, 0.1), st.floats(-0.1, 0.1)),
)
def test_calibration_there_and_back(
    shift: tuple[float, float], rotation: float, scale: float, shear: float, at: tuple[float, float]
) -> None:
    calibration = FmToSem(shift, rotation, scale, shear)
    there = calibration.to_sem(np.array([at]))
    np.testing.assert_allclose(calibration.to_fm(there), [at], atol=1e-12)


def test_calibration_follows_its_formula() -> None:
    calibration = FmToSem((1.0, 2.0), math.pi / 2, 2.0, 0.5)
    # scale (1, 1) -> (2, 2); shear -> (3, 2); a quarter turn -> (-2, 3); shift -> (-1, 5)
    np.testing.assert_allclose(calibration.to_sem(np.array([[1.0, 1.0]])), [[-1.0, 5.0]], atol=1e-12)


@pytest.mark.parametrize("size", [(0.0, 1e-6), (-1e-6, 1e-6), (math.nan, 1e-6), (math.inf, 1e-6)])
def test_an_impossible_pixel_size_is_refused(size: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match=r"pixel size|finite"):
        Pose((0, 0), size)
