import math

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detection.errors import DetectionError
from detection.image.boxes import BoxPx
from detection.registration.rigid import (
    Ellipse,
    Rigid,
    box_around,
    ellipse_in,
    fit_rigid,
    pixels_of_plane,
    plane_of_pixels,
    warp_matrix,
)

angles = st.floats(-math.pi, math.pi)
shifts = st.tuples(st.floats(-500, 500), st.floats(-500, 500))
motions = st.builds(Rigid, angles, shifts)
POINTS = np.array([[0.0, 0.0], [30.0, -20.0], [-11.0, 45.0], [60.0, 2.0]])


@given(motions)
def test_a_motion_and_its_inverse_are_nothing(motion: Rigid) -> None:
    assert motion.inverse().apply(motion.apply(POINTS)) == pytest.approx(POINTS, abs=1e-9)
    assert motion.after(motion.inverse()).distance_um(Rigid(), 100) == pytest.approx(0, abs=1e-9)


@given(motions, motions)
def test_one_after_the_other(first: Rigid, second: Rigid) -> None:
    together = second.after(first).apply(POINTS)
    assert together == pytest.approx(second.apply(first.apply(POINTS)), abs=1e-8)


@given(motions)
def test_a_fit_finds_the_motion(motion: Rigid) -> None:
    found = fit_rigid(POINTS, motion.apply(POINTS))
    assert found.distance_um(motion, 100) == pytest.approx(0, abs=1e-6)


def test_one_pair_is_no_fit() -> None:
    with pytest.raises(DetectionError, match="1 pairs"):
        fit_rigid(POINTS[:1], POINTS[:1])


@given(motions, motions)
def test_no_point_is_further_apart_than_said(one: Rigid, two: Rigid) -> None:
    limit = one.distance_um(two, 75.1)
    assert (np.hypot(*(one.apply(POINTS) - two.apply(POINTS)).T) <= limit + 1e-9).all()


def test_the_plane_has_y_upwards_and_its_origin_in_the_middle() -> None:
    places = plane_of_pixels(np.array([[50.0, 20.0], [100.0, 0.0]]), (40, 100), 0.5)
    assert places.tolist() == [[0, 0], [25, 10]]
    assert pixels_of_plane(places, (40, 100), 0.5).tolist() == [[50, 20], [100, 0]]


@given(angles, st.floats(-20, 20), st.floats(-20, 20), st.sampled_from([0.2, 0.5]))
def test_a_warp_takes_pixels_where_the_motion_takes_places(
    angle: float, x: float, y: float, size: float
) -> None:
    motion = Rigid(angle, (x, y))
    source, target = ((80, 100), 0.3), ((120, 90), size)
    matrix = warp_matrix(motion, source, target)
    # OpenCV counts from the middle of the first pixel.
    warped = matrix @ np.array([12.0, 34.0, 1.0]) + 0.5
    place = plane_of_pixels(np.array([[12.5, 34.5]]), *source)
    assert warped == pytest.approx(pixels_of_plane(motion.apply(place), *target)[0], abs=1e-6)


def test_a_warped_spot_lies_where_it_should() -> None:
    image = np.zeros((80, 80), dtype=np.float32)
    image[20, 60] = 1
    motion = Rigid(math.pi / 2, (0.0, 0.0))
    warped = cv2.warpAffine(image, warp_matrix(motion, ((80, 80), 1.0), ((80, 80), 1.0)), (80, 80))
    # Counter-clockwise: from the upper right to the upper left.
    assert np.argwhere(np.asarray(warped) > 0.5).tolist() == [[19, 20]]


boxes = st.builds(
    lambda x, y, w, h: BoxPx(x, y, x + w, y + h),
    st.integers(0, 60),
    st.integers(0, 40),
    st.integers(1, 40),
    st.integers(1, 40),
)


@given(boxes)
def test_the_ellipse_of_a_box_has_that_box(box: BoxPx) -> None:
    assert box_around(ellipse_in(box, (80, 100), 0.178), (80, 100), 0.178) == box


@given(motions, st.floats(0.5, 20), st.floats(0.5, 20))
def test_a_moved_ellipse_holds_the_moved_points_of_the_old_one(motion: Rigid, a: float, b: float) -> None:
    turns = np.linspace(0, math.tau, 60)
    rim = np.column_stack([3 + a * np.cos(turns), -4 + b * np.sin(turns)])
    moved = Ellipse((3.0, -4.0), (a, b)).moved(motion)
    assert (np.abs(motion.apply(rim) - moved.center_um) <= np.array(moved.half_um) + 1e-6).all()


def test_a_box_beyond_the_frame_is_none() -> None:
    assert box_around(Ellipse((100.0, 0.0), (2.0, 2.0)), (50, 50), 1.0) is None
