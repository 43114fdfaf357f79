"""Covering programmes solved to the middle of what is nearly optimal, by an interior point method.

The duals of a covering programme are far from unique, and the simplex method finds extreme ones: most frames
that they favour are of no use in the next programme. With duals near the central path far fewer rounds are
needed (Gondzio, Gonzalez-Brevis, Munari, Eur. J. Oper. Res. 224 (2013) 41).
"""

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from scipy.linalg.blas import ssyrk

Values = NDArray[np.float64]
Single = NDArray[np.floating]

_GAP = 0.05
"""Relative gap between programme and duals at which the search ends, and error of the constraints. .02 took
longer and gave the same plans on layouts of `benchmarks/targeting/planning.py` with seeds from 0."""
_CENTERING = 0.15
"""Part of the mean product of slacks that each step aims at. Chosen by hand, as are the two below."""
_STEP = 0.95
"""Part of the way to the nearest bound that a step takes."""
_MOST_STEPS = 30


def central_duals(matrix: Values, costs: Values) -> Values:
    """Return nearly optimal duals of ``min costs @ x`` with ``matrix @ x >= 1`` and ``x >= 0``.

    Parameters
    ----------
    matrix : (M, N) array
        Of ones and zeros; each row has a one.
    costs : (N,) array
        Above 0.

    Returns
    -------
    (M,) array
        Above 0. ``matrix.T @ duals`` may be somewhat above the costs. Computed in single precision.
    """
    rows, columns = matrix.shape
    unit = float(costs.mean())
    a: Single = matrix.astype(np.float32)
    c: Single = (costs / unit).astype(np.float32)
    y: Single = np.full(rows, 0.3 * np.median(c / np.maximum(a.sum(axis=0), 1)), dtype=np.float32)
    s: Single = np.maximum(c - a.T @ y, 0.1)
    x: Single = np.full(columns, 0.5, dtype=np.float32)
    w: Single = np.maximum(a @ x - 1, 0.3)
    for _ in range(_MOST_STEPS):
        missing, dear = 1 - a @ x + w, c - a.T @ y - s
        products = float(x @ s + y @ w)
        if products < _GAP * y.sum() and np.abs(missing).max() < _GAP and np.abs(dear).max() < _GAP:
            break
        aim = _CENTERING * products / (rows + columns)
        by_x, by_y = aim - x * s, aim - y * w
        ratio = y / w
        normal = ssyrk(1.0, (a * np.sqrt(ratio)[:, None]).T)
        normal[np.diag_indices(columns)] += s / x
        right = a.T @ (by_y / w + ratio * missing) - dear + by_x / x
        try:
            factor = cho_factor(normal, overwrite_a=True, check_finite=False)
        except LinAlgError:
            break
        dx = cho_solve(factor, right, check_finite=False)
        dw = a @ dx - missing
        dy = (by_y - y * dw) / w
        ds = (by_x - s * dx) / x
        primal, dual = min(_room(x, dx), _room(w, dw)), min(_room(y, dy), _room(s, ds))
        x, w = x + primal * dx, w + primal * dw
        y, s = y + dual * dy, s + dual * ds
    return np.asarray(y.astype(np.float64) * unit)


def _room(values: Single, change: Single) -> float:
    """Return how much of a change keeps values above 0, at most all of it."""
    least = float(np.min(change / values))
    return 1.0 if least >= -_STEP else -_STEP / least
