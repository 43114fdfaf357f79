"""FM to SEM calibration from pairs of points seen in both."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from drivers.errors import CalibrationError
from drivers.pose import FmToSem

FEWEST = 2
"""Pairs that determine shift, rotation and scale; shear needs one more."""

FEWEST_FOR_SHEAR = 3
FEWEST_FOR_OUTLIERS = 5
"""Fewest pairs of which one can be judged by the fit of the others."""

OUTLIER_FACTOR = 5.0
"""Least distance of an outlier from the fit of the other pairs, in root mean squares of their residuals.

Chosen by hand; not measured.
"""

OUTLIER_CHANCE = 0.01
"""Chance that a set of good pairs has an outlier; few pairs estimate their scatter badly and need more.

Chosen by hand; not measured.
"""

LEAST_SPREAD = 0.05
"""Narrow over long side of a cloud of points, below which it counts as a line and shear is not fitted.

Chosen by hand; not measured.
"""


@dataclass(frozen=True, slots=True)
class CalibrationFit:
    """The least-squares calibration of pairs of points.

    Attributes
    ----------
    calibration : FmToSem
    residuals_m : (N, 2) array
        Position of each point in the SEM minus its position by the calibration, m.
    rms_m : float
        Root mean square length of the residuals, m.
    standard_error_m : float or None
        Standard error of the calibration at the worst of the points, m; None where there are as many
        unknowns as coordinates.
    outliers : tuple of int
        Indices of pairs that do not agree with the others.
    with_shear : bool
        True if shear was fitted; with two pairs, or points on one line, it is 0.
    """

    calibration: FmToSem
    residuals_m: NDArray[np.float64]
    rms_m: float
    standard_error_m: float | None
    outliers: tuple[int, ...]
    with_shear: bool


def fit_calibration(fm_m: NDArray[np.float64], sem_m: NDArray[np.float64]) -> CalibrationFit:
    """Fit shift, rotation, scale and shear by least squares.

    Parameters
    ----------
    fm_m, sem_m : (N, 2) array
        Stage positions of the same points in FM and in the SEM, m; N >= 2.

    Returns
    -------
    CalibrationFit

    Raises
    ------
    CalibrationError
        The points do not determine a calibration: too few, not finite, all in one place, or mirrored.
    """
    fm, sem = np.asarray(fm_m, dtype=np.float64), np.asarray(sem_m, dtype=np.float64)
    _check(fm, sem)
    with_shear = len(fm) >= FEWEST_FOR_SHEAR and not _on_a_line(fm)
    if with_shear and _mirrored(fm, sem):
        raise CalibrationError(
            "the SEM's points are a mirror image of those of fluorescence: one axis of the stage counts the"
            " other way; x grows to the right and y upwards in both"
        )
    calibration, error_m = _fit(fm, sem, with_shear)
    residuals = sem - calibration.to_sem(fm)
    rms_m = float(np.sqrt((residuals**2).sum(axis=1).mean()))
    return CalibrationFit(calibration, residuals, rms_m, error_m, _outliers(fm, sem, with_shear), with_shear)


def _check(fm: NDArray[np.float64], sem: NDArray[np.float64]) -> None:
    if fm.shape != sem.shape or fm.ndim != 2 or fm.shape[1] != 2:
        raise CalibrationError("points come in pairs of x and y")
    if len(fm) < FEWEST:
        raise CalibrationError(f"a calibration needs at least {FEWEST} pairs of points, not {len(fm)}")
    if not (np.isfinite(fm).all() and np.isfinite(sem).all()):
        raise CalibrationError("the positions of points must be finite numbers")
    for points, name in ((fm, "fluorescence"), (sem, "SEM")):
        if float(np.ptp(points, axis=0).max()) <= 0:
            raise CalibrationError(f"all points of the {name} lie in one place")


def _on_a_line(points: NDArray[np.float64]) -> bool:
    spread = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
    return bool(spread[1] < LEAST_SPREAD * spread[0])


def _mirrored(fm: NDArray[np.float64], sem: NDArray[np.float64]) -> bool:
    affine, *_ = np.linalg.lstsq(fm - fm.mean(axis=0), sem - sem.mean(axis=0), rcond=None)
    return bool(np.linalg.det(affine) < 0)


def _fit(fm: NDArray[np.float64], sem: NDArray[np.float64], with_shear: bool) -> tuple[FmToSem, float | None]:
    """Fit in closed form, about the centre of the points, as complex numbers x + iy.

    For a given shear, the best rotation and scale are one complex factor (Umeyama 1991).
    """
    middle_fm, middle_sem = fm.mean(axis=0), sem.mean(axis=0)
    here, there = (fm - middle_fm) @ (1, 1j), (sem - middle_sem) @ (1, 1j)
    shear = _best_shear(here, there) if with_shear else 0.0
    sheared = here + shear * here.imag
    factor = complex(np.vdot(sheared, there) / np.vdot(sheared, sheared).real)
    turned = FmToSem((0.0, 0.0), math.atan2(factor.imag, factor.real), abs(factor), shear)
    x_m, y_m = (middle_sem - turned.to_sem(middle_fm[None])[0]).tolist()
    moved = factor * sheared
    # Derivatives by rotation, scale, x, y and shear, each in a unit that makes them of similar size.
    size_m = np.full_like(moved, np.abs(moved).max())
    by_each = [1j * moved, moved, size_m, 1j * size_m]
    if with_shear:
        by_each.append(factor * here.imag)
    jacobian = np.concatenate([(columns := np.column_stack(by_each)).real, columns.imag])
    misfit = np.concatenate([(moved - there).real, (moved - there).imag])
    return replace(turned, shift_m=(x_m, y_m)), _standard_error(jacobian, misfit)


def _best_shear(here: NDArray[np.complex128], there: NDArray[np.complex128]) -> float:
    """Return the shear that leaves the least misfit.

    The misfit falls as ``|<sheared, there>|^2 / |sheared|^2`` grows, a ratio of two polynomials of second
    degree in the shear. The numerator of its derivative is one as well.
    """
    along, across = np.vdot(here, there), np.vdot(here.imag, there)
    above = (abs(along) ** 2, 2 * (along * across.conjugate()).real, abs(across) ** 2)
    below = (np.vdot(here, here).real, 2 * here.real @ here.imag, here.imag @ here.imag)
    squared = above[2] * below[1] - above[1] * below[2]
    linear = 2 * (above[2] * below[0] - above[0] * below[2])
    constant = above[1] * below[0] - above[0] * below[1]
    larger = -(linear + math.copysign(math.sqrt(max(0.0, linear**2 - 4 * squared * constant)), linear)) / 2
    roots = [float(top / bottom) for top, bottom in ((constant, larger), (larger, squared)) if bottom]

    def explained(shear: float) -> float:
        return float(np.polyval(above[::-1], shear) / np.polyval(below[::-1], shear))

    return max(roots, key=explained, default=0.0)


def _standard_error(jacobian: NDArray[np.float64], misfit: NDArray[np.float64]) -> float | None:
    """Return the standard error of a position by the calibration, at the worst of the points, m.

    The first half of the rows belongs to x, the second to y.
    """
    freedom = jacobian.shape[0] - jacobian.shape[1]
    if freedom < 1:
        return None
    variance = float(misfit @ misfit) / freedom
    covariance = np.linalg.pinv(jacobian.T @ jacobian) * variance
    of_numbers = np.einsum("ij,jk,ik->i", jacobian, covariance, jacobian).clip(min=0)
    return float(np.sqrt(of_numbers.reshape(2, -1).sum(axis=0).max()))


def _outliers(fm: NDArray[np.float64], sem: NDArray[np.float64], with_shear: bool) -> tuple[int, ...]:
    """Find pairs that the fit of the others puts elsewhere, leaving out each in turn.

    Several wrong pairs can hide each other; the largest misfit is then still named among the residuals.
    """
    if len(fm) < FEWEST_FOR_OUTLIERS:
        return ()
    found = []
    for index in range(len(fm)):
        others = np.arange(len(fm)) != index
        if with_shear and _on_a_line(fm[others]):
            # Without this pair the shear is undetermined.
            continue
        calibration, _ = _fit(fm[others], sem[others], with_shear)
        rest = sem[others] - calibration.to_sem(fm[others])
        freedom = rest.size - (5 if with_shear else 4)
        miss = float(np.hypot(*(sem[[index]] - calibration.to_sem(fm[[index]])).T)[0])
        factor = _outlier_factor(len(fm), freedom) * _uncertainty(fm[others], fm[index])
        # At least a nanometre: exact pairs would otherwise be outliers by rounding.
        if miss > factor * max(float(np.sqrt((rest**2).sum() * 2 / freedom)), 1e-9):
            found.append(index)
    return tuple(found)


def _outlier_factor(pairs: int, freedom: int) -> float:
    """Return the distance of a pair, in root mean squares of the others, that chance seldom exceeds.

    The root of the quantile of Fisher's F with 2 and `freedom` degrees, which has a closed form; the chance
    is shared among the pairs.
    """
    chance = OUTLIER_CHANCE / pairs
    return max(OUTLIER_FACTOR, float(np.sqrt(freedom / 2 * (chance ** (-2 / freedom) - 1))))


def _uncertainty(others: NDArray[np.float64], at: NDArray[np.float64]) -> float:
    """Return the standard error of a fit to `others` at a place, over their scatter."""
    middle = others.mean(axis=0)
    spread = float(np.abs(others - middle).max())
    design = np.column_stack([np.ones(len(others)), (others - middle) / spread])
    place = np.concatenate([[1.0], (at - middle) / spread])
    return float(np.sqrt(1 + place @ np.linalg.pinv(design.T @ design) @ place))
