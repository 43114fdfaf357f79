"""Robust fit of the focal plane of an array, as some measurements are wrong."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.errors import PlannerError

_MAX_TRIPLES = 2000
"""Planes that compete; with half of the points wrong, 2000 draws miss a good one with p < 1e-115."""
_REFITS = 10
"""Most refits; they end earlier when the outliers stay the same. Chosen by hand."""
_FLAT = 0.05
"""Share of their longest extent below which points do not span a direction, as a row of sections scatters.
Chosen by hand."""


@dataclass(frozen=True, slots=True)
class FocusPlane:
    """Focal plane over the stage: ``z = z0 + slope_x * x + slope_y * y``, all in m."""

    z0_m: float
    slope_x: float
    slope_y: float

    def at(self, point_m: tuple[float, float]) -> float:
        """Return the focus at a stage position, m."""
        return self.z0_m + self.slope_x * point_m[0] + self.slope_y * point_m[1]


@dataclass(frozen=True, slots=True)
class FocusFit:
    """A plane and the quality of its fit.

    Attributes
    ----------
    plane : FocusPlane
    outliers : tuple of int
        Indices of measurements further from the plane than the tolerance.
    rms_m : float
        Root mean square distance of the others, m.
    """

    plane: FocusPlane
    outliers: tuple[int, ...]
    rms_m: float


def fit_focus_plane(
    points_m: Sequence[tuple[float, float]], z_m: Sequence[float], tolerance_m: float
) -> FocusFit:
    """Fit the plane that most measurements agree on, within a tolerance.

    Planes through three points each (all, or 2000 drawn with a fixed seed) compete for the most points
    within the tolerance, then for the least sum of squares (RANSAC: Fischler and Bolles, Comm. ACM 24 (1981)
    381). The winner is refitted by least squares to the points within the tolerance, until these stay the
    same. Along directions that the points hardly span, such as across a single row, the plane is level.

    Parameters
    ----------
    points_m : sequence of (float, float)
        Stage positions, m.
    z_m : sequence of float
        Focus found at each, m.
    tolerance_m : float
        Largest distance of a good measurement from the plane, m; above zero.

    Raises
    ------
    PlannerError
        Raised when there is no measurement, a number is not finite, or the tolerance is not above zero.
    """
    points = np.asarray(points_m, dtype=np.float64).reshape(-1, 2)
    z = np.asarray(z_m, dtype=np.float64)
    if len(z) == 0 or len(points) != len(z):
        raise PlannerError("a focus plane needs at least one measurement, and a place for each")
    if not (np.isfinite(points).all() and np.isfinite(z).all()):
        raise PlannerError("measurements of the focus must be finite numbers")
    if not tolerance_m > 0:
        raise PlannerError(f"the tolerance of the focus must be above zero, not {tolerance_m!r}")
    good = _consensus(points, z, tolerance_m)
    for _ in range(_REFITS):
        plane = _least_squares(points[good], z[good])
        again = np.abs(_residuals(plane, points, z)) <= tolerance_m
        if not again.any() or (again == good).all():
            break
        good = again
    plane = _least_squares(points[good], z[good])
    left = _residuals(plane, points, z)
    outliers = tuple(int(n) for n in np.flatnonzero(~good))
    return FocusFit(plane, outliers, float(np.sqrt(np.mean(left[good] ** 2))))


def leverage(points_m: Sequence[tuple[float, float]], place_m: tuple[float, float]) -> float:
    """Return the uncertainty of a fitted plane at a place, with any one of its points left out.

    It is the variance of the plane there over that of a measurement (the leverage of the hat matrix:
    Hoaglin and Welsch, The American Statistician 32 (1978) 17): about 1 / N in the middle of the points, more
    outside, infinite if they do not span the direction to the place, as beside a single row. Each point is
    left out in turn, and the largest value counts: a tilt that rests on one measurement may be its error.

    Parameters
    ----------
    points_m : sequence of (float, float)
    place_m : (float, float)

    Returns
    -------
    float
        Above 0; infinite for a single point.
    """
    points, place = np.asarray(points_m, dtype=np.float64), np.asarray(place_m, dtype=np.float64)
    if len(points) < 2:
        return float("inf")
    return max(_leverage(np.delete(points, n, axis=0), place) for n in range(len(points)))


def _leverage(points: NDArray[np.float64], place: NDArray[np.float64]) -> float:
    middle = points.mean(axis=0)
    values, axes = np.linalg.eigh((points - middle).T @ (points - middle))
    way = axes.T @ (place - middle)
    # Scatter across a row is no extent, and no distance either.
    least = _FLAT**2 * float(max(values.max(), 0.0))
    spanned, away = values > least, way**2 > least
    if (away & ~spanned).any():
        return float("inf")
    return float(1 / len(points) + (way[spanned] ** 2 / values[spanned]).sum())


def _consensus(points: NDArray[np.float64], z: NDArray[np.float64], tolerance_m: float) -> NDArray[np.bool_]:
    """Return which measurements agree with the best plane through three of them."""
    count = len(z)
    if count <= 2:
        return np.ones(count, dtype=np.bool_)
    triples = list(itertools.islice(itertools.combinations(range(count), 3), _MAX_TRIPLES + 1))
    if len(triples) > _MAX_TRIPLES:
        rng = np.random.default_rng(0)
        triples = [tuple(rng.choice(count, 3, replace=False)) for _ in range(_MAX_TRIPLES)]
    # All planes at once, else most of the time of a fit goes into starting to solve the next three equations.
    chosen = np.array(triples)
    middle, mean = points[chosen].mean(axis=1, keepdims=True), z[chosen].mean(axis=1, keepdims=True)
    slope = np.linalg.pinv(points[chosen] - middle, rcond=_FLAT) @ (z[chosen] - mean)[..., None]
    left = np.abs(z - mean - ((points - middle) @ slope)[..., 0])
    within = left <= tolerance_m
    agreeing = within.sum(axis=1)
    if not agreeing.any():
        return np.ones(count, dtype=np.bool_)
    # Rounding decides nothing: of planes that fit equally well the first is taken.
    off = np.round(np.where(within, (left / tolerance_m) ** 2, 0.0).sum(axis=1), 9)
    return np.asarray(within[np.lexsort((off, -agreeing))[0]])


def _least_squares(points: NDArray[np.float64], z: NDArray[np.float64]) -> FocusPlane:
    """Return the least-squares plane, of the least slope if there are several."""
    middle, mean = points.mean(axis=0), float(z.mean())
    slope, *_ = np.linalg.lstsq(points - middle, z - mean, rcond=_FLAT)
    return FocusPlane(mean - float(slope @ middle), float(slope[0]), float(slope[1]))


def _residuals(plane: FocusPlane, points: NDArray[np.float64], z: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(z - plane.z0_m - points @ np.array([plane.slope_x, plane.slope_y]))
