import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.errors import PlannerError
from planner.focus_plane import FocusPlane, fit_focus_plane, leverage
from tests.examples import examples

TRUE = FocusPlane(5.8e-3, 2e-3, -1e-3)


def array(columns: int, rows: int) -> list[tuple[float, float]]:
    return [(c * 0.8e-3 - 3e-3, r * 0.8e-3) for r in range(rows) for c in range(columns)]


def test_a_plane_is_found_exactly() -> None:
    points = array(4, 3)
    fit = fit_focus_plane(points, [TRUE.at(p) for p in points], 1e-6)
    assert fit.outliers == ()
    assert fit.rms_m < 1e-12
    assert fit.plane.at((9e-3, -7e-3)) == pytest.approx(TRUE.at((9e-3, -7e-3)), abs=1e-12)


@examples(10)
@given(
    bad=st.sets(st.integers(0, 19), max_size=7),
    off_um=st.lists(st.floats(10, 300), min_size=20, max_size=20),
    seed=st.integers(0, 1000),
)
def test_a_third_of_wrong_measurements_changes_nothing_and_is_named(
    bad: set[int], off_um: list[float], seed: int
) -> None:
    points = array(5, 4)
    noise = np.random.default_rng(seed).uniform(-0.5e-6, 0.5e-6, len(points))
    signs = np.random.default_rng(seed + 1).choice([-1, 1], len(points))
    z = [TRUE.at(p) + float(noise[n]) for n, p in enumerate(points)]
    for n in bad:
        z[n] += float(signs[n]) * off_um[n] * 1e-6
    # A planted error of one measurement is known by more than the tolerance and what the fit may be off.
    fit = fit_focus_plane(points, z, 3e-6)
    assert set(fit.outliers) == bad
    assert all(abs(fit.plane.at(p) - TRUE.at(p)) < 1.5e-6 for p in points)


def test_many_points_are_drawn_from_and_still_found() -> None:
    points = array(10, 10)
    z = [TRUE.at(p) for p in points]
    for n in range(30):
        z[n] += 50e-6 + n * 1e-6
    fit = fit_focus_plane(points, z, 1e-6)
    assert fit.outliers == tuple(range(30))


def test_a_row_of_points_says_nothing_across_it() -> None:
    points = [(x * 1e-3, 2e-3) for x in range(5)]
    fit = fit_focus_plane(points, [TRUE.at(p) for p in points], 1e-6)
    assert fit.plane.slope_x == pytest.approx(TRUE.slope_x)
    assert fit.plane.slope_y == pytest.approx(0, abs=1e-12)


def test_one_and_two_points() -> None:
    one = fit_focus_plane([(1e-3, 1e-3)], [5e-3], 1e-6).plane
    assert one == FocusPlane(5e-3, 0.0, 0.0)
    two = fit_focus_plane([(0, 0), (2e-3, 0)], [5e-3, 5.002e-3], 1e-6).plane
    assert two.at((1e-3, 4e-3)) == pytest.approx(5.001e-3)


@pytest.mark.parametrize(
    ("points", "z", "tolerance"),
    [
        ([], [], 1e-6),
        ([(0.0, 0.0)], [math.nan], 1e-6),
        ([(math.inf, 0.0)], [1.0], 1e-6),
        ([(0.0, 0.0)], [1.0, 2.0], 1e-6),
        ([(0.0, 0.0)], [1.0], 0.0),
        ([(0.0, 0.0)], [1.0], math.nan),
    ],
)
def test_nonsense_is_refused(points: list[tuple[float, float]], z: list[float], tolerance: float) -> None:
    with pytest.raises(PlannerError):
        fit_focus_plane(points, z, tolerance)


def test_a_plane_is_surest_among_its_points_and_knows_nothing_beside_a_row() -> None:
    points = array(5, 4)
    middle, edge, far = (leverage(points, at) for at in ((-1.4e-3, 1.2e-3), points[0], (9e-3, 1.2e-3)))
    assert middle == pytest.approx(1 / 19, rel=0.05)
    assert middle < edge < 1 < far
    row = array(6, 1)
    assert leverage(row, (2e-3, 0.0)) < 3
    assert leverage(row, (2e-3, 0.8e-3)) == math.inf
    # Sections of a row scatter a little; that is no second direction.
    scattered = [(x, y + 3e-6 * (-1) ** n) for n, (x, y) in enumerate(row)]
    assert leverage(scattered, (2e-3, 0.8e-3)) == math.inf
    assert leverage(scattered, (2e-3, 3e-6)) < 3


def test_a_tilt_that_one_point_alone_tells_is_not_known() -> None:
    row = array(6, 1)
    assert leverage([*row, (0.0, 0.8e-3)], (0.0, 1.6e-3)) == math.inf
    assert leverage([*row, (0.0, 0.8e-3), (1e-3, 0.8e-3)], (0.0, 1.6e-3)) < 25
    assert leverage([(0.0, 0.0)], (0.0, 0.0)) == math.inf


@given(seed=st.integers(0, 200))
def test_leverage_is_the_variance_of_the_plane(seed: int) -> None:
    """With one point taken away, by the very fits: heights of 1 at one point, 0 at the others."""
    rng = np.random.default_rng(seed)
    points = [(float(x), float(y)) for x, y in rng.uniform(-1e-3, 1e-3, (9, 2))]
    place = (float(rng.uniform(-2e-3, 2e-3)), float(rng.uniform(-2e-3, 2e-3)))
    expected = []
    for left_out in range(9):
        kept = [p for n, p in enumerate(points) if n != left_out]
        a = np.column_stack([np.ones(8), np.array(kept)])
        weights = np.array([1, *place]) @ np.linalg.pinv(a)
        expected.append(float(weights @ weights))
    assert leverage(points, place) == pytest.approx(max(expected), rel=1e-6)
