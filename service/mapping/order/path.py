"""Short open paths through dissimilarities: nearest neighbour, then 2-opt and Or-opt while they improve."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_STARTS = 12
"""Points from which a path is begun; the best is kept. Chosen by hand."""
_LONGEST_SEGMENT = 3
"""Most points that Or-opt moves at once (Or, 1976)."""
_LEAST_GAIN = 1e-12
"""Smaller gains are rounding."""


def shortest_path(distances: Floats) -> list[int]:
    """Return the order of a short path through all points.

    Parameters
    ----------
    distances : (N, N) array
        Symmetric, finite.

    Returns
    -------
    list of int
        The end with the smaller index comes first.
    """
    count = len(distances)
    if count < 3:
        return list(range(count))
    best: list[int] = []
    for start in np.unique(np.linspace(0, count - 1, min(count, _STARTS)).astype(int)):
        path = _improved(np.array(_nearest(distances, int(start))), distances)
        if not best or _length(path, distances) < _length(best, distances) - _LEAST_GAIN:
            best = path
    return best if best[0] < best[-1] else best[::-1]


def _length(path: list[int], distances: Floats) -> float:
    return float(distances[path[:-1], path[1:]].sum())


def _nearest(distances: Floats, start: int) -> list[int]:
    left = np.ones(len(distances), dtype=np.bool_)
    path = [start]
    left[start] = False
    while left.any():
        row = np.where(left, distances[path[-1]], np.inf)
        path.append(int(row.argmin()))
        left[path[-1]] = False
    return path


def _improved(path: NDArray[np.int_], distances: Floats) -> list[int]:
    while True:
        shorter = _two_opt(path, distances)
        if shorter is None:
            shorter = _or_opt(path, distances)
        if shorter is None:
            return [int(n) for n in path]
        path = shorter


def _two_opt(path: NDArray[np.int_], distances: Floats) -> NDArray[np.int_] | None:
    """Reverse the part whose reversal gains most, ends of the path included; None if none gains."""
    count = len(path)
    along = distances[np.ix_(path, path)]
    before = np.concatenate([[0.0], along[np.arange(count - 1), np.arange(1, count)]])  # edge into each point
    after = np.concatenate([before[1:], [0.0]])
    i, j = np.triu_indices(count, 1)
    new_before = np.where(i > 0, along[np.maximum(i - 1, 0), j], 0.0)
    new_after = np.where(j < count - 1, along[i, np.minimum(j + 1, count - 1)], 0.0)
    gains = before[i] + after[j] - new_before - new_after
    best = int(gains.argmax())
    if gains[best] <= _LEAST_GAIN:
        return None
    a, b = int(i[best]), int(j[best])
    changed = path.copy()
    changed[a : b + 1] = changed[a : b + 1][::-1]
    return changed


def _or_opt(path: NDArray[np.int_], distances: Floats) -> NDArray[np.int_] | None:
    """Move a few neighbouring points to another place; None if that gains nothing."""
    count = len(path)
    for size in range(1, min(_LONGEST_SEGMENT, count - 2) + 1):
        for start in range(count - size + 1):
            segment, rest = path[start : start + size], np.delete(path, np.s_[start : start + size])
            whole = np.concatenate([path[max(start - 1, 0) : start + size + 1]])
            removed = distances[whole[:-1], whole[1:]].sum() - distances[segment[:-1], segment[1:]].sum()
            if 0 < start < count - size:
                removed -= distances[path[start - 1], path[start + size]]
            inside = distances[rest[:-1], rest[1:]]
            for part in (segment, segment[::-1]):
                added = np.concatenate(
                    [
                        [distances[part[-1], rest[0]]],
                        distances[rest[:-1], part[0]] + distances[part[-1], rest[1:]] - inside,
                        [distances[rest[-1], part[0]]],
                    ]
                )
                at = int(added.argmin())
                if added[at] < removed - _LEAST_GAIN:
                    return np.insert(rest, at, part)
    return None
