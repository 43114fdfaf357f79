"""Positions of images, from the stage and from their measured distances."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array, diags_array
from scipy.sparse.linalg import spsolve

Points = NDArray[np.float64]

_ROUNDS = 12
_SIGMAS = 2.385
"""Width of the Cauchy weights in standard deviations: 95 % efficient for Gaussian errors (Holland and Welsch,
Commun. Stat. A 6 (1977) 813)."""
_LEAST_M = 1e-8
"""Smallest error of a distance that is assumed, m. Chosen by hand."""


@dataclass(frozen=True, slots=True)
class Shift:
    """Measured distance of two images.

    Attributes
    ----------
    first, second : int
        Indices of the images.
    off_m : (float, float)
        Centre of the second less that of the first, m.
    likeness : float
        Correlation of what both show, 0 to 1.
    """

    first: int
    second: int
    off_m: tuple[float, float]
    likeness: float


@dataclass(frozen=True, slots=True)
class Settled:
    """Positions of images.

    Attributes
    ----------
    centers_m : (N, 2) array
    residuals_m : (M,) array
        Distance of each measured shift from that of the positions.
    agree : (M,) array of bool
        False for shifts that the others contradict.
    """

    centers_m: Points
    residuals_m: NDArray[np.float64]
    agree: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Groups:
    """Images that share an error: those scanned while the stage stood still.

    Attributes
    ----------
    of : (N,) array of int
        Number of the group of each image, from 0.
    error_m : float
        Standard error of a position within its group, m.
    """

    of: NDArray[np.int64]
    error_m: float


def settled(
    stage_m: Points, shifts: Sequence[Shift], stage_error_m: float, groups: Groups | None = None
) -> Settled:
    """Return the positions that fit the shifts and the stage best, by reweighted least squares.

    Shifts that contradict the others lose their weight. The mean of all positions that shifts join is that of
    the stage.

    Parameters
    ----------
    stage_m : (N, 2) array
        Positions by the read-back of the stage, m.
    shifts : sequence of Shift
    stage_error_m : float
        Standard error of a position of the stage, m.
    groups : Groups, optional
        Images of a group move together, but for their own error; each moves alone without.
    """
    stage_m = np.asarray(stage_m, dtype=np.float64)
    if not shifts:
        return Settled(stage_m, np.zeros(0), np.zeros(0, np.bool_))
    count, m = len(stage_m), len(shifts)
    first = np.array([one.first for one in shifts])
    second = np.array([one.second for one in shifts])
    off_m = np.array([one.off_m for one in shifts])
    # In units of the error of the stage, so that the numbers are near one.
    unit = max(stage_error_m, _LEAST_M)
    own = _own_errors(count, unit, groups)
    unknown = own.shape[0]
    rows = np.arange(m)
    signs = np.concatenate([-np.ones(m), np.ones(m)])
    ends = np.concatenate([first, second])
    distances = csr_array(coo_array((signs, (np.concatenate([rows, rows]), ends)), shape=(m, unknown)))
    wanted = (off_m - (stage_m[second] - stage_m[first])) / unit
    weights = np.ones(m)
    moved = np.zeros((unknown, 2))
    # Residuals are smaller than errors, since each image follows its few distances.
    freedom = max(m - count + 1, 0.1 * m) / m
    sigma = 1.0
    for _ in range(_ROUNDS):
        scaled = diags_array(weights / sigma**2)
        normal = (distances.T @ scaled @ distances + own).tocsc()
        right = distances.T @ (scaled @ wanted)
        moved = np.column_stack([spsolve(normal, right[:, axis]) for axis in (0, 1)])
        residuals = np.hypot(*(distances @ moved - wanted).T)
        # Of the length of a Gaussian error on two axes the median is 1.177 standard deviations.
        sigma = max(float(np.median(residuals)) / 1.177 / freedom**0.5, _LEAST_M / unit)
        weights = 1 / (1 + (residuals / (_SIGMAS * sigma)) ** 2)
    residuals = np.hypot(*(distances @ moved - wanted).T)
    return Settled(stage_m + moved[:count] * unit, residuals * unit, residuals <= 3 * _SIGMAS * sigma)


def _own_errors(count: int, unit_m: float, groups: Groups | None) -> csr_array:
    """Return the normal matrix of images, and after them groups, for what is known of each alone."""
    if groups is None:
        return csr_array(diags_array(np.ones(count)))
    kinds = int(groups.of.max()) + 1
    weight = (unit_m / max(groups.error_m, _LEAST_M)) ** 2
    rows = np.arange(count)
    signs = np.concatenate([np.ones(count), -np.ones(count)])
    ends = np.concatenate([rows, count + groups.of])
    apart = csr_array(coo_array((signs, (np.concatenate([rows, rows]), ends)), shape=(count, count + kinds)))
    of_groups = diags_array(np.concatenate([np.zeros(count), np.ones(kinds)]))
    return csr_array(weight * (apart.T @ apart) + of_groups)
