"""The way over the frames of a section: nearest neighbour, then 2-opt and Or-opt until nothing gets shorter.

An open route. Improvements are looked for among the two nearest points of each quadrant (Johnson and McGeoch,
'The traveling salesman problem', 1997): plain nearest neighbours do not see out of their own cluster.
"""

import math
from collections import deque
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

Point = tuple[float, float]

_PER_QUADRANT = 2
_NEAREST = 24
"""Nearest points that are sorted into quadrants."""
_LONGEST_CHANGE = 1000
"""Longest stretch of a route that one change may turn or shift; it bounds the time of large routes."""
_LONGEST_SEGMENT = 3
"""Points that Or-opt moves at once."""
_LEAST_GAIN_M = 1e-12
_MOST_THOROUGH = 20_000
"""Points of a route up to which also changes are tried that begin with a longer edge: 1 to 3 % of its length,
for three times the time."""
_ASKED_BEFORE_COUNT = 100
"""Questions to a tree after which its visited points are counted."""


def route(points_m: Sequence[Point], start_m: Point | None = None) -> tuple[int, ...]:
    """Order points into a short route.

    Parameters
    ----------
    points_m : sequence of (x, y)
        m, finite; equal points are allowed.
    start_m : (x, y), optional
        Where the route comes from; without it, it starts at the leftmost point.

    Returns
    -------
    tuple of int
        Every index of `points_m` once.
    """
    points = list(points_m)
    if len(points) < 2:
        return tuple(range(len(points)))
    if start_m is None:
        first = min(range(len(points)), key=lambda n: points[n])
    else:
        first = len(points)
        points.append(start_m)
    nearest = _nearest(points)
    order = _improved(points, _nearest_neighbour(points, first, nearest), nearest)
    return tuple(order if start_m is None else order[1:])


def route_length(points_m: Sequence[Point], start_m: Point | None = None) -> float:
    """Length of the way over points in this order, from the start if there is one, m."""
    stops = list(points_m) if start_m is None else [start_m, *points_m]
    return sum(math.dist(a, b) for a, b in pairwise(stops))


def _nearest(points: Sequence[Point]) -> NDArray[np.int64]:
    """Nearest points (N, K) of each point, nearest first; itself among them."""
    table = np.asarray(points, dtype=np.float64)
    count = min(len(points), _NEAREST)
    _, found = KDTree(table).query(table, k=count)
    return np.asarray(found, dtype=np.int64).reshape(len(table), count)


def _nearest_neighbour(points: Sequence[Point], first: int, nearest: NDArray[np.int64]) -> list[int]:
    """Go on to the nearest point not yet visited."""
    rest = _Rest(points)
    near = nearest.tolist()
    visited = rest.visited
    order = [first]
    visited[first] = True
    for _ in range(len(points) - 1):
        for following in near[order[-1]]:
            if not visited[following]:
                break
        else:
            following = rest.nearest(order[-1])
        visited[following] = True
        order.append(following)
    return order


class _Rest:
    """Points not yet visited, to be asked for the nearest where all near ones are.

    The tree is built anew whenever half of its points are visited, so that a question meets few of those.
    """

    def __init__(self, points: Sequence[Point]) -> None:
        self.visited = [False] * len(points)
        self._table = np.asarray(points, dtype=np.float64)
        self._build()

    def _build(self) -> None:
        self._left = np.nonzero(~np.asarray(self.visited))[0]
        self._tree = KDTree(self._table[self._left])
        self._asked = 0

    def nearest(self, index: int) -> int:
        """Return the point not yet visited that is nearest to the one of this index."""
        self._asked += 1
        if self._asked % _ASKED_BEFORE_COUNT == 0 and 2 * (len(self.visited) - sum(self.visited)) < len(
            self._left
        ):
            self._build()
        count = _NEAREST
        while True:
            count = min(4 * count, len(self._left))
            _, found = self._tree.query(self._table[index], k=count)
            for candidate in self._left[np.atleast_1d(found)].tolist():
                if not self.visited[candidate]:
                    return int(candidate)


def _quadrant_neighbours(points: Sequence[Point], nearest: NDArray[np.int64]) -> list[list[int]]:
    """Nearest points of each quadrant about each point, nearest first."""
    table = np.asarray(points, dtype=np.float64)
    ahead = table[nearest] >= table[:, None, :]
    quadrant = ahead[:, :, 0] + 2 * ahead[:, :, 1]
    other = nearest != np.arange(len(table))[:, None]
    chosen = np.zeros(nearest.shape, dtype=np.bool_)
    for number in range(4):
        inside = (quadrant == number) & other
        chosen |= inside & (np.cumsum(inside, axis=1) <= _PER_QUADRANT)
    ends = np.cumsum(chosen.sum(axis=1)).tolist()
    flat = nearest[chosen].tolist()
    return [flat[low:high] for low, high in pairwise([0, *ends])]


class _Route:
    """An open route whose first point stays, and the changes that make it shorter."""

    def __init__(self, points: Sequence[Point], order: list[int]) -> None:
        self.points = points
        self.order = order
        self.thorough = len(order) <= _MOST_THOROUGH
        self.place = [0] * len(order)
        self._number(0, len(order))

    def _number(self, low: int, high: int) -> None:
        place = self.place
        for position, point in enumerate(self.order[low:high], start=low):
            place[point] = position

    def length(self, a: int | None, b: int | None) -> float:
        """Distance of two points; none to the void beyond the end."""
        return 0.0 if a is None or b is None else math.dist(self.points[a], self.points[b])

    def at(self, position: int) -> int | None:
        """Return the point at a position, or None before the start or beyond the end."""
        return self.order[position] if 0 <= position < len(self.order) else None

    def replace(self, low: int, stretch: list[int]) -> None:
        """Put a new order on the positions from `low` on."""
        self.order[low : low + len(stretch)] = stretch
        self._number(low, low + len(stretch))

    def beside(self, point: int) -> list[int]:
        """Points before and after a point."""
        position = self.place[point]
        return self.order[max(position - 1, 0) : position] + self.order[position + 1 : position + 2]

    def improve(self, a: int, near: Sequence[int]) -> int | None:
        """Make the route shorter by an edge from `a` to one of its neighbours.

        Returns
        -------
        int or None
            The neighbour; None where no change is for the better.
        """
        position = self.place[a]
        before = self.length(self.at(position - 1), a)
        after = self.length(a, self.at(position + 1))
        longest = before + after if self.thorough else max(before, after)
        for c in near:
            apart = math.dist(self.points[a], self.points[c])
            if apart >= longest:
                return None
            if abs(position - self.place[c]) > _LONGEST_CHANGE:
                continue
            if apart < after and self._turn_after(a, c, apart, after):
                return c
            if apart < before and self._turn_before(a, c, apart, before):
                return c
            if (self.thorough or apart < after) and self._shift(a, c, -1):
                return c
            if (self.thorough or apart < before) and self._shift(a, c, 1):
                return c
        return None

    def _turn_after(self, a: int, c: int, apart: float, after: float) -> bool:
        """2-opt: turn a stretch round, so that `c` comes after `a` or before it in place of what does now."""
        order = self.order
        i, j = self.place[a], self.place[c]
        gain = after + self.length(c, self.at(j + 1)) - apart
        if gain - self.length(self.at(i + 1), self.at(j + 1)) <= _LEAST_GAIN_M:
            return False
        low, high = (i, j) if i < j else (j, i)
        self.replace(low + 1, order[low + 1 : high + 1][::-1])
        return True

    def _turn_before(self, a: int, c: int, apart: float, before: float) -> bool:
        """The same with the edges before `a` and before `c`."""
        order = self.order
        i, j = self.place[a], self.place[c]
        if i == 0 or j == 0:
            return False
        gain = before + self.length(order[j - 1], c) - apart
        if gain - self.length(order[i - 1], order[j - 1]) <= _LEAST_GAIN_M:
            return False
        low, high = (i, j) if i < j else (j, i)
        self.replace(low, order[low:high][::-1])
        return True

    def _shift(self, a: int, c: int, side: int) -> bool:
        """Or-opt: move one to three points that end with `a` beside `c`.

        `side` says where the other points lie: -1 before `a`, so that its edge to the point after is given
        up, or 1 after it.
        """
        place_a, place_c = self.place[a], self.place[c]
        for count in range(1, _LONGEST_SEGMENT + 1):
            low = place_a if side > 0 else place_a - count + 1
            high = low + count
            if low < 1 or high > len(self.order) or low <= place_c < high:
                return False
            # Before `c` or after it; position 0 stays first.
            for gap in (place_c, place_c + 1):
                if gap > 0 and not low <= gap <= high and self._move(low, high, gap):
                    return True
        return False

    def _move(self, low: int, high: int, gap: int) -> bool:
        """Put the segment [low, high) before position `gap`, the better way round, if that is shorter."""
        order = self.order
        segment = order[low:high]
        left, right = order[gap - 1], self.at(gap)
        closed = self.length(order[low - 1], self.at(high))
        gain = self.length(order[low - 1], segment[0]) + self.length(segment[-1], self.at(high)) - closed
        gain += self.length(left, right)
        straight = self.length(left, segment[0]) + self.length(segment[-1], right)
        turned = self.length(left, segment[-1]) + self.length(segment[0], right)
        if gain - min(straight, turned) <= _LEAST_GAIN_M:
            return False
        if turned < straight:
            segment.reverse()
        if gap > high:
            self.replace(low, order[high:gap] + segment)
        else:
            self.replace(gap, segment + order[gap:low])
        return True


def _improved(points: Sequence[Point], order: list[int], nearest: NDArray[np.int64]) -> list[int]:
    """2-opt and Or-opt until no point finds a change for the better."""
    tour = _Route(points, order)
    near = _quadrant_neighbours(points, nearest)
    todo = deque(order)
    waiting = [True] * len(order)
    while todo:
        point = todo.popleft()
        waiting[point] = False
        around = [point, *tour.beside(point)]
        other = tour.improve(point, near[point])
        if other is not None:
            for touched in (*around, other, *tour.beside(other), *tour.beside(point)):
                if not waiting[touched]:
                    waiting[touched] = True
                    todo.append(touched)
    return tour.order
