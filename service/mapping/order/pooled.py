"""Order of sections by the dissimilarity of those up to three apart, not of neighbours alone.

Where one section is hardly more like its neighbour than like the next but one, the noise of one
dissimilarity decides which comes first; three on each side decide better. If dissimilarity grows by equal
steps with the distance in the block, up to a limit, and its errors are equal and independent, the most
likely order is that of the least sum of dissimilarities with weights that fall by equal steps.
"""

from collections.abc import Sequence
from functools import cache
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from service.mapping.order.path import shortest_path

Floats = NDArray[np.float64]
Ints = NDArray[np.int_]

WEIGHTS = (1.0, 2 / 3, 1 / 3)
"""Of sections 1, 2 and 3 apart. Of 1 to 8 distances, 3 gave most right neighbours on simulated stacks of
development seeds 210 and 211: of 100 sections 92 and 98 of 99, after 89 and 97 with neighbours alone."""
_WINDOW = 6
"""Neighbouring sections of which all orders are tried: 720. Chosen by hand."""
_LEAST_GAIN = 1e-9
"""Smaller gains are rounding."""


def most_likely_order(unlike: Floats) -> list[int]:
    """Return the order of least pooled dissimilarity that is found from the shortest path.

    Parameters
    ----------
    unlike : (N, N) array
        Symmetric, finite.

    Returns
    -------
    list of int
        The end with the smaller index comes first.
    """
    path = np.array(shortest_path(unlike), dtype=np.int_)
    while True:
        better = _reversed_part(path, unlike)
        if better is None:
            better = _reordered_windows(path, unlike)
        if better is None:
            break
        path = better
    if len(path) > 1 and path[0] > path[-1]:
        path = path[::-1]
    return [int(n) for n in path]


def pooled_costs(paths: Ints, unlike: Floats) -> Floats:
    """Return the pooled dissimilarity of each path (paths, points)."""
    total = np.zeros(len(paths))
    for apart, weight in enumerate(WEIGHTS, start=1):
        total += weight * unlike[paths[:, :-apart], paths[:, apart:]].sum(axis=1)
    return total


def _reversed_part(path: Ints, unlike: Floats) -> Ints | None:
    """Reverse the part of the path whose reversal gains most; None if none gains."""
    count, reach = len(path), len(WEIGHTS)
    if count < 2:
        return None
    # Points beyond the ends are unlike nothing.
    along = np.zeros((count + 2 * reach, count + 2 * reach))
    along[reach:-reach, reach:-reach] = unlike[np.ix_(path, path)]
    first, last = np.triu_indices(count, 1)
    gains = np.zeros(len(first))
    first, last = first + reach, last + reach
    for outside in range(reach):
        for inside in range(reach - outside):
            weight = WEIGHTS[outside + inside] * (inside <= last - first)
            before, after = first - 1 - outside, last + 1 + outside
            near, far = np.minimum(first + inside, last), np.maximum(last - inside, first)
            gains += weight * (along[before, near] + along[after, far])
            gains -= weight * (along[before, far] + along[after, near])
    best = int(gains.argmax())
    if gains[best] <= _LEAST_GAIN:
        return None
    start, stop = int(first[best]) - reach, int(last[best]) - reach + 1
    changed = path.copy()
    changed[start:stop] = changed[start:stop][::-1]
    return changed


def _reordered_windows(path: Ints, unlike: Floats) -> Ints | None:
    """Put the points of each window into their best order; None if none gains."""
    changed, gained = path.copy(), False
    size = min(_WINDOW, len(path))
    for start in range(len(path) - size + 1):
        costs = _window_costs(changed, start, unlike)
        best = int(costs.argmin())
        if costs[best] < costs[0] - _LEAST_GAIN:
            changed[start : start + size] = changed[start : start + size][_orders(size)[best]]
            gained = True
    return changed if gained else None


def link_margins(path: Sequence[int], unlike: Floats) -> Floats:
    """Return by how much the pooled dissimilarity grows if two neighbours are none any more.

    Parameters
    ----------
    path : sequence of int
        Points in order.
    unlike : (N, N) array

    Returns
    -------
    (N - 1,) array
        Of each link, over all orders of a few points around it; infinite of a single link.
    """
    points = np.asarray(path, dtype=np.int_)
    size = min(_WINDOW, len(points))
    margins = np.full(max(len(points) - 1, 0), np.inf)
    if size < 3:
        return margins
    places = np.argsort(_orders(size), axis=1)
    parted = np.abs(np.diff(places, axis=1)) > 1
    for start in range(len(points) - size + 1):
        costs = _window_costs(points, start, unlike)
        grown = np.where(parted, (costs - costs[0])[:, None], np.inf).min(axis=0)
        links = slice(start, start + size - 1)
        margins[links] = np.minimum(margins[links], grown)
    return margins


def _window_costs(path: Ints, start: int, unlike: Floats) -> Floats:
    """Return the pooled dissimilarity around a window of the path, for each order of its points."""
    reach, size = len(WEIGHTS), min(_WINDOW, len(path))
    orders = _orders(size)
    ends = path[max(start - reach, 0) : start], path[start + size : start + size + reach]
    before, after = (np.broadcast_to(part, (len(orders), len(part))) for part in ends)
    return pooled_costs(np.hstack([before, path[start : start + size][orders], after]), unlike)


@cache
def _orders(size: int) -> Ints:
    """Return all orders of so many points, (orders, points), the present one first."""
    return np.array(list(permutations(range(size))), dtype=np.int_).reshape(-1, size)
