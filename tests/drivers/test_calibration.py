import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from drivers.calibration import fit_calibration
from drivers.errors import CalibrationError
from drivers.pose import FmToSem

calibrations = st.builds(
    FmToSem,
    shift_m=st.tuples(st.floats(-5e-4, 5e-4), st.floats(-5e-4, 5e-4)),
    rotation_rad=st.floats(-math.pi, math.pi),
    scale=st.floats(0.8, 1.25),
    shear=st.floats(-0.1, 0.1),
)


def _points(seed: int, count: int, off_m: float = 0.0) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    return np.asarray(rng.uniform(-1e-3, 1e-3, (count, 2)) + off_m)


@given(truth=calibrations, seed=st.integers(0, 1000), count=st.integers(3, 12), off_m=st.floats(-1e-2, 1e-2))
def test_exact_pairs_give_the_calibration_back(truth: FmToSem, seed: int, count: int, off_m: float) -> None:
    fm = _points(seed, count, off_m)
    fit = fit_calibration(fm, truth.to_sem(fm))
    if not fit.with_shear:
        return
    # A hundredth of a nanometre, also far from the points.
    far = np.array([[1e-2, -1e-2]])
    assert np.abs(fit.calibration.to_sem(fm) - truth.to_sem(fm)).max() < 1e-11
    assert np.abs(fit.calibration.to_sem(far) - truth.to_sem(far)).max() < 1e-9
    assert fit.rms_m < 1e-11
    assert fit.outliers == ()


@given(truth=calibrations, seed=st.integers(0, 1000))
def test_two_pairs_fix_shift_rotation_and_scale(truth: FmToSem, seed: int) -> None:
    plain = FmToSem(truth.shift_m, truth.rotation_rad, truth.scale)
    fm = _points(seed, 2)
    fit = fit_calibration(fm, plain.to_sem(fm))
    assert not fit.with_shear
    assert fit.calibration.shear == 0
    assert fit.standard_error_m is not None or fit.rms_m < 1e-11
    assert fit.calibration.scale == pytest.approx(truth.scale, rel=1e-9)


def test_points_on_one_line_tell_no_shear() -> None:
    fm = np.array([[0.0, 0.0], [1e-3, 1e-3], [2e-3, 2e-3], [3e-3, 3e-3]])
    fit = fit_calibration(fm, FmToSem((1e-5, 0), 0.01, 1.01).to_sem(fm))
    assert not fit.with_shear
    assert fit.calibration.rotation_rad == pytest.approx(0.01)
    assert fit.calibration.scale == pytest.approx(1.01)


def test_no_other_calibration_fits_better() -> None:
    rng = np.random.default_rng(3)
    fm = _points(4, 9)
    sem = FmToSem((2e-5, -1e-5), 0.02, 1.003, 0.004).to_sem(fm) + rng.normal(0, 2e-7, (9, 2))
    fit = fit_calibration(fm, sem)

    def misfit(c: FmToSem) -> float:
        return float(((sem - c.to_sem(fm)) ** 2).sum())

    best, least = fit.calibration, misfit(fit.calibration)
    for dx, dr, ds, dh in rng.normal(0, 1, (200, 4)) * (1e-8, 1e-5, 1e-5, 1e-5):
        other = FmToSem(
            (best.shift_m[0] + dx, best.shift_m[1]), best.rotation_rad + dr, best.scale + ds, best.shear + dh
        )
        assert misfit(other) >= least


def test_the_standard_error_is_that_of_repeated_measurements() -> None:
    truth, fm = FmToSem((2e-5, -1e-5), 0.02, 1.003, 0.004), _points(5, 8)
    rng = np.random.default_rng(6)
    misses, said = [], []
    for _ in range(200):
        fit = fit_calibration(fm, truth.to_sem(fm) + rng.normal(0, 1e-7, fm.shape))
        misses.append(((fit.calibration.to_sem(fm) - truth.to_sem(fm)) ** 2).sum(axis=1))
        assert fit.standard_error_m is not None
        said.append(fit.standard_error_m)
    worst = math.sqrt(np.mean(misses, axis=0).max())
    assert np.mean(said) == pytest.approx(worst, rel=0.15)


def test_a_wrong_pair_is_named() -> None:
    rng = np.random.default_rng(7)
    fm = _points(8, 10)
    sem = FmToSem((2e-5, -1e-5), 0.02).to_sem(fm) + rng.normal(0, 1e-7, fm.shape)
    sem[3] += (5e-6, 0)
    assert fit_calibration(fm, sem).outliers == (3,)


@pytest.mark.parametrize("count", [5, 6, 8])
def test_of_few_good_pairs_hardly_ever_one_is_named(count: int) -> None:
    rng = np.random.default_rng(11)
    named = 0
    for seed in range(100):
        fm = _points(seed, count)
        named += bool(fit_calibration(fm, fm + rng.normal(0, 5e-8, fm.shape)).outliers)
    assert named <= 3


@pytest.mark.parametrize(
    ("fm", "sem", "says"),
    [
        ([[0.0, 0.0]], [[0.0, 0.0]], "at least 2 pairs"),
        ([[0.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [1.0, 0.0]], "fluorescence lie in one place"),
        ([[0.0, 0.0], [1.0, 0.0]], [[2.0, 2.0], [2.0, 2.0]], "SEM lie in one place"),
        ([[0.0, 0.0], [math.nan, 0.0]], [[0.0, 0.0], [1.0, 0.0]], "finite"),
        ([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]], [[0.0, 0.0], [-1.0, 0.0], [0.0, 1.0]], "mirror image"),
        ([[0.0, 0.0], [1.0, 0.0]], [[0.0, 0.0]], "pairs"),
    ],
)
def test_points_that_fix_nothing_are_refused(
    fm: list[list[float]], sem: list[list[float]], says: str
) -> None:
    with pytest.raises(CalibrationError, match=says):
        fit_calibration(np.array(fm), np.array(sem))
