"""Parameters of a fit, and the moves of the plane."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detection.alignment.edges import edges
from detection.alignment.fit import Fit, Outlines
from detection.alignment.values import Similarity

POINTS = np.array([[-20.0, 3.0], [15.0, 8.0], [4.0, -30.0], [10.0, 10.0]])


def a_fit() -> Fit:
    target = edges(np.random.default_rng(0).random((64, 64), dtype=np.float32), 2.0)
    return Fit(target, 0.5, Outlines(POINTS, np.ones(4, np.complex64), np.arange(4)))


@given(
    st.floats(-5, 5),
    st.floats(-5, 5),
    st.floats(-0.02, 0.02),
    st.floats(0.97, 1.03),
)
def test_parameters_and_motion_are_each_others_inverse(x: float, y: float, turn: float, scale: float) -> None:
    motion = Similarity((x, y), turn, scale)
    fit = a_fit()
    assert fit.motion(fit.parameters(motion)).distance_um(motion, POINTS) < 1e-9


def test_the_slope_is_that_of_the_correlation() -> None:
    fit = a_fit()
    at = np.array([0.3, -0.2, 0.1, 0.05])
    _, slope = fit.slope(at)
    for n in range(4):
        step = np.eye(4)[n] * 0.02
        measured = (fit.slope(at + step)[0] - fit.slope(at - step)[0]) / 0.04
        assert slope[n] == pytest.approx(measured, abs=0.05)


def test_edges_do_not_depend_on_which_side_is_brighter() -> None:
    image = np.zeros((40, 40), np.float32)
    image[:, 20:] = 1
    image += np.random.default_rng(1).normal(0, 0.01, image.shape).astype(np.float32)
    np.testing.assert_allclose(edges(image, 2.0), edges(1 - image, 2.0), atol=1e-4)


def test_a_quarter_turn_takes_x_to_y() -> None:
    turned = Similarity((1.0, 0.0), math.pi / 2, 2.0).apply(np.array([[3.0, 0.0]]))
    np.testing.assert_allclose(turned, [[1.0, 6.0]], atol=1e-12)
