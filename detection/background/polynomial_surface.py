"""Polynomial surfaces through the blocks of a frame: the bell of the illumination."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

DEGREE = 6
"""Degree of the surface: even, as the bell of the illumination. Chosen by hand. Sweep: x 0.7 area +.02; x
1.4 recall -.027, precision -.009, whole in paper sections -.035, whole -.009, area -.03. See
`detection.recall_first.settings` for the sweep."""
LOWER_ROUNDS = 4
"""Rounds of reweighting. Chosen by hand. Sweep: x 0.7 and x 1.4 change little."""
UPPER_WEIGHT = 0.1
"""Weight of values above the surface, against 1 less this below it. Chosen by hand. Sweep: x 0.7 and x 1.4
change little."""
RIDGE = 1e-12
"""Share of the mean of the diagonal that keeps the equations solvable where hardly anything has weight."""


@dataclass(frozen=True, slots=True, eq=False)
class _Terms:
    """Terms shared by all fits on one size of grid.

    Attributes
    ----------
    y, x : (rows, orders), (columns, orders) array of float64
        Chebyshev polynomials of 0 up to twice the degree along both axes.
    i, j : (terms,) array of int64
        Orders of the terms of the surface along y and x.
    moments : (4, terms, terms) array of int64
        Indices of the flattened moments that make the product of each pair of terms.
    """

    y: NDArray[np.floating]
    x: NDArray[np.floating]
    i: NDArray[np.int64]
    j: NDArray[np.int64]
    moments: NDArray[np.int64]


def surface_through(values: NDArray[np.float32], weight: NDArray[np.floating]) -> NDArray[np.float32]:
    """Fit a polynomial surface of sixth degree by weighted least squares; 0 if nothing has weight.

    A product of Chebyshev polynomials is half the sum of two others, so that all products of terms come from
    few moments of the weight. Sums run over one axis at a time by einsum: the matrix library would start
    threads for products of this size, which on a busy machine costs thirty times what they save.

    Parameters
    ----------
    values : (rows, columns) array of float32
    weight : (rows, columns) array of float
        0 or more.

    Returns
    -------
    (rows, columns) array of float32
    """
    terms = _terms(values.shape[0], values.shape[1])
    degrees = int(terms.i.max()) + 1, int(terms.j.max()) + 1
    y, x = terms.y[:, : degrees[0]], terms.x[:, : degrees[1]]
    weight = np.asarray(weight, dtype=np.float64)
    moments = np.einsum("ax,xb->ab", np.einsum("ya,yx->ax", terms.y, weight), terms.x)
    products = moments.ravel()[terms.moments].sum(axis=0) / 4
    right = np.einsum("ix,xj->ij", np.einsum("yi,yx->ix", y, weight * values), x)
    count = len(products)
    # Above 0 even without any weight, so that the equations can always be solved.
    products.ravel()[:: count + 1] += RIDGE * float(np.trace(products)) / count + np.finfo(np.float64).tiny
    square = np.zeros(degrees)
    square[terms.i, terms.j] = np.linalg.solve(products, right[terms.i, terms.j])
    surface = np.einsum("yj,xj->yx", np.einsum("yi,ij->yj", y, square), x)
    return np.asarray(surface, dtype=np.float32)


def lower_surface(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Fit a polynomial surface along the lower side of values, by asymmetric least squares.

    Source: Eilers, 'Parametric time warping', Anal. Chem. 76 (2004) 404 (asymmetric weights).

    Parameters
    ----------
    values : (rows, columns) array of float32

    Returns
    -------
    (rows, columns) array of float32
    """
    surface = surface_through(values, np.ones(values.shape))
    for _ in range(LOWER_ROUNDS - 1):
        surface = surface_through(values, np.where(values > surface, UPPER_WEIGHT, 1 - UPPER_WEIGHT))
    return surface


@lru_cache(maxsize=8)
def _terms(rows: int, columns: int) -> _Terms:
    orders = tuple(min(DEGREE, n - 1) for n in (rows, columns))
    y, x = (
        np.polynomial.chebyshev.chebvander((2 * np.arange(n) + 1) / n - 1, 2 * order)
        for n, order in zip((rows, columns), orders, strict=True)
    )
    i, j = (order.ravel() for order in np.indices((orders[0] + 1, orders[1] + 1)))
    low = i + j <= DEGREE
    i, j = i[low], j[low]
    along_y = i[:, None] + i, abs(i[:, None] - i)
    along_x = j[:, None] + j, abs(j[:, None] - j)
    moments = np.stack([a * x.shape[1] + b for a in along_y for b in along_x])
    return _Terms(y, x, i, j, moments)
