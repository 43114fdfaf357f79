"""Short open routes over points: nearest neighbour, then 2-opt and Or-opt until nothing improves.

Improvements are sought among the two nearest points of each quadrant (Johnson and McGeoch, 'The traveling
salesman problem', 1997), since plain nearest neighbours do not lead out of their own cluster.
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
"""Nearest points that are sorted into quadrants. Chosen by hand."""
_LONGEST_CHANGE = 1000
"""Most points that a change may reverse or move; bounds the time of large routes. Chosen by hand."""
_LONGEST_SEGMENT = 3
"""Most points that Or-opt moves at once (Or, 1976)."""
_LEAST_GAIN_M = 1e-12
"""Smaller gains are rounding."""
_MOST_THOROUGH = 20_000
"""Most points of a route in which changes with a longer first edge are tried as well; they save 1 to 3 % of
its length in three times the time."""
_QUERIES_PER_COUNT = 100
"""Queries of a tree between two counts of its visited points. Chosen by hand."""


def route(points_m: Sequence[Point], start_m: Point | None = None) -> tuple[int, ...]:
    """Order points into a short route.

    Parameters
    ----------
    points_m : sequence of (x, y)
        m, finite; equal points are allowed.
    start_m : (x, y), optional
        Start of the route; the leftmost point by default.

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
    """Return the length of the route over points in this order, from the start if given, m."""
    stops = list(points_m) if start_m is None else [start_m, *points_m]
    return sum(math.dist(a, b) for a, b in pairwise(stops))


def _nearest(points: Sequence[Point]) -> NDArray[np.int64]:
    """Return the nearest points (N, K) of each point, itself included, nearest first."""
    table = np.asarray(points, dtype=np.float64)
    count = min(len(points), _NEAREST)
    _, found = KDTree(table).query(table, k=count)
    return np.asarray(found, dtype=np.int64).reshape(len(table), count)


def _nearest_neighbour(points: Sequence[Point], first: int, nearest: NDArray[np.int64]) -> list[int]:
    """Return the order that always continues with the nearest point not yet visited."""
    rest = _Unvisited(points)
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


class _Unvisited:
    """Points not yet visited, for queries of the nearest one.

    The tree is rebuilt whenever half of its points are visited, so that a query meets few of those.
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
        if self._asked % _QUERIES_PER_COUNT == 0 and 2 * (len(self.visited) - sum(self.visited)) < len(
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
    """Return the nearest points in each quadrant around each point, nearest first."""
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
    """An open route with a fixed first point, and the changes that shorten it."""

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
        """Return the distance of two points; 0 beyond the end of the route."""
        return 0.0 if a is None or b is None else math.dist(self.points[a], self.points[b])

    def at(self, position: int) -> int | None:
        """Return the point at a position, or None before the start or beyond the end."""
        return self.order[position] if 0 <= position < len(self.order) else None

    def replace(self, low: int, stretch: list[int]) -> None:
        """Replace the points from position `low` on."""
        self.order[low : low + len(stretch)] = stretch
        self._number(low, low + len(stretch))

    def beside(self, point: int) -> list[int]:
        """Return the points before and after a point."""
        position = self.place[point]
        return self.order[max(position - 1, 0) : position] + self.order[position + 1 : position + 2]

    def improve(self, a: int, near: Sequence[int]) -> int | None:
        """Shorten the route by an edge from `a` to one of its neighbours.

        Returns
        -------
        int or None
            The neighbour; None if no change shortens the route.
        """
        position = self.place[a]
        before = self.length(self.at(position - 1), a)
        after = self.length(a, self.at(position + 1))
        longest = before + after if self.thorough else max(before, after)
        for c in near:
            distance = math.dist(self.points[a], self.points[c])
            if distance >= longest:
                return None
            if abs(position - self.place[c]) > _LONGEST_CHANGE:
                continue
            if distance < after and self._reverse_after(a, c, distance, after):
                return c
            if distance < before and self._reverse_before(a, c, distance, before):
                return c
            if (self.thorough or distance < after) and self._shift(a, c, -1):
                return c
            if (self.thorough or distance < before) and self._shift(a, c, 1):
                return c
        return None

    def _reverse_after(self, a: int, c: int, distance: float, after: float) -> bool:
        """2-opt: reverse a stretch so that `c` follows or precedes `a`."""
        order = self.order
        i, j = self.place[a], self.place[c]
        gain = after + self.length(c, self.at(j + 1)) - distance
        if gain - self.length(self.at(i + 1), self.at(j + 1)) <= _LEAST_GAIN_M:
            return False
        low, high = (i, j) if i < j else (j, i)
        self.replace(low + 1, order[low + 1 : high + 1][::-1])
        return True

    def _reverse_before(self, a: int, c: int, distance: float, before: float) -> bool:
        """2-opt, as `_reverse_after`, with the edges before `a` and before `c`."""
        order = self.order
        i, j = self.place[a], self.place[c]
        if i == 0 or j == 0:
            return False
        gain = before + self.length(order[j - 1], c) - distance
        if gain - self.length(order[i - 1], order[j - 1]) <= _LEAST_GAIN_M:
            return False
        low, high = (i, j) if i < j else (j, i)
        self.replace(low, order[low:high][::-1])
        return True

    def _shift(self, a: int, c: int, side: int) -> bool:
        """Or-opt: move one to three points that end with `a` next to `c`.

        `side` is where the other points are: -1 before `a`, so that its edge to the next point is removed, or
        1 after it.
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
        """Move the segment [low, high) before position `gap`, in the shorter direction, if that is a gain."""
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
    """Apply 2-opt and Or-opt until no point has a change that shortens the route."""
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
