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
        return tuple(_improved(points, _nearest_neighbour(points, first)))
    points.append(start_m)
    return tuple(_improved(points, _nearest_neighbour(points, len(points) - 1))[1:])


def route_length(points_m: Sequence[Point], start_m: Point | None = None) -> float:
    """Length of the way over points in this order, from the start if there is one, m."""
    stops = list(points_m) if start_m is None else [start_m, *points_m]
    return sum(math.dist(a, b) for a, b in pairwise(stops))


def _neighbours(points: Sequence[Point], count: int) -> NDArray[np.int64]:
    """Nearest points (N, count) of each point, nearest first; itself among them."""
    table = np.asarray(points, dtype=np.float64)
    _, found = KDTree(table).query(table, k=count)
    return np.asarray(found, dtype=np.int64).reshape(len(table), count)


def _nearest_neighbour(points: Sequence[Point], first: int) -> list[int]:
    """Go on to the nearest point not yet visited."""
    table = np.asarray(points, dtype=np.float64)
    near = _neighbours(points, min(len(points), _NEAREST)).tolist()
    visited = np.zeros(len(points), dtype=np.bool_)
    order = [first]
    visited[first] = True
    while len(order) < len(points):
        here = order[-1]
        following = next((n for n in near[here] if not visited[n]), None)
        if following is None:
            rest = np.nonzero(~visited)[0]
            following = int(rest[np.argmin(((table[rest] - table[here]) ** 2).sum(axis=1))])
        visited[following] = True
        order.append(following)
    return order


def _quadrant_neighbours(points: Sequence[Point]) -> list[list[int]]:
    """Nearest points of each quadrant about each point."""
    near = _neighbours(points, min(len(points), _NEAREST)).tolist()
    lists: list[list[int]] = []
    for index, (x, y) in enumerate(points):
        counts = [0, 0, 0, 0]
        chosen = []
        for other in near[index]:
            if other == index:
                continue
            quadrant = (points[other][0] >= x) + 2 * (points[other][1] >= y)
            if counts[quadrant] < _PER_QUADRANT:
                counts[quadrant] += 1
                chosen.append(other)
        lists.append(chosen)
    return lists


class _Route:
    """An open route whose first point stays, and the changes that make it shorter."""

    def __init__(self, points: Sequence[Point], order: list[int]) -> None:
        self.points = points
        self.order = order
        self.place = [0] * len(order)
        self._number(0, len(order))

    def _number(self, low: int, high: int) -> None:
        for position in range(low, high):
            self.place[self.order[position]] = position

    def length(self, a: int | None, b: int | None) -> float:
        """Distance of two points; none to the void beyond the end."""
        return 0.0 if a is None or b is None else math.dist(self.points[a], self.points[b])

    def at(self, position: int) -> int | None:
        """Return the point at a position, or None beyond the end."""
        return self.order[position] if position < len(self.order) else None

    def replace(self, low: int, stretch: list[int]) -> None:
        """Put a new order on the positions from `low` on."""
        self.order[low : low + len(stretch)] = stretch
        self._number(low, low + len(stretch))

    def two_opt(self, a: int, c: int) -> bool:
        """Turn the stretch between two points round, so that they become neighbours, if that is shorter."""
        i, j = sorted((self.place[a], self.place[c]))
        if j - i > _LONGEST_CHANGE:
            return False
        order = self.order
        # Turn i+1 .. j: the edge after i and the edge after j are exchanged for (i, j) and (i+1, j+1).
        after = self.at(j + 1)
        gain = self.length(order[i], order[i + 1]) + self.length(order[j], after)
        if gain - self.length(order[i], order[j]) - self.length(order[i + 1], after) > _LEAST_GAIN_M:
            self.replace(i + 1, order[i + 1 : j + 1][::-1])
            return True
        # Turn i .. j-1: the edge before i and the edge before j.
        if i == 0:
            return False
        gain = self.length(order[i - 1], order[i]) + self.length(order[j - 1], order[j])
        if gain - self.length(order[i - 1], order[j - 1]) - self.length(order[i], order[j]) > _LEAST_GAIN_M:
            self.replace(i, order[i:j][::-1])
            return True
        return False

    def or_opt(self, a: int, c: int) -> bool:
        """Move one to three points that begin or end with `a` beside `c`, if that is shorter."""
        place_a, place_c = self.place[a], self.place[c]
        if abs(place_a - place_c) > _LONGEST_CHANGE:
            return False
        for count in range(1, _LONGEST_SEGMENT + 1):
            for low in {place_a, place_a - count + 1}:
                high = low + count
                if low < 1 or high > len(self.order) or low <= place_c < high:
                    continue
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


def _improved(points: Sequence[Point], order: list[int]) -> list[int]:
    """2-opt and Or-opt until no point finds a change for the better."""
    tour = _Route(points, order)
    near = _quadrant_neighbours(points)
    todo = deque(order)
    waiting = set(order)
    while todo:
        point = todo.popleft()
        waiting.discard(point)
        for other in near[point]:
            if tour.two_opt(point, other) or tour.or_opt(point, other):
                for touched in (point, other):
                    if touched not in waiting:
                        waiting.add(touched)
                        todo.append(touched)
                break
    return tour.order
