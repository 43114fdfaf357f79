"""Upright rectangles in stage metres: grow, join, touch, and the area of many."""

from bisect import insort
from collections.abc import Iterable, Sequence

RectM = tuple[float, float, float, float]
"""(x0, y0, x1, y1) in stage metres, x0 < x1, y0 < y1."""

TOLERANCE_M = 1e-13
"""Edges closer than this are one edge. Far above the rounding of a float at 200 mm (3e-17 m) and far below
the smallest pixel (5e-10 m)."""


def grown(rect: RectM, margin_m: float) -> RectM:
    """`rect` with `margin_m` added on every side; a negative margin shrinks it."""
    x0, y0, x1, y1 = rect
    return x0 - margin_m, y0 - margin_m, x1 + margin_m, y1 + margin_m


def hull(a: RectM, b: RectM) -> RectM:
    """Return the smallest rectangle that holds both."""
    return min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])


def cut(rect: RectM, to: RectM) -> RectM:
    """Return the part of `rect` inside another; the two must share ground."""
    return max(rect[0], to[0]), max(rect[1], to[1]), min(rect[2], to[2]), min(rect[3], to[3])


def touch(a: RectM, b: RectM) -> bool:
    """Whether two rectangles share ground, an edge or a corner."""
    return (
        min(a[2], b[2]) - max(a[0], b[0]) >= -TOLERANCE_M
        and min(a[3], b[3]) - max(a[1], b[1]) >= -TOLERANCE_M
    )


def area_m2(rect: RectM) -> float:
    """Area, m2."""
    return (rect[2] - rect[0]) * (rect[3] - rect[1])


def center(rect: RectM) -> tuple[float, float]:
    """Return the point in the middle, m."""
    return (rect[0] + rect[2]) / 2, (rect[1] + rect[3]) / 2


def union_area_m2(rects: Iterable[RectM]) -> float:
    """Area of the union, m2: what lies under several rectangles counts once.

    A line sweeps along x and keeps the y intervals of the rectangles that it cuts.
    """
    events: list[tuple[float, bool, float, float]] = []
    for x0, y0, x1, y1 in rects:
        events += [(x0, True, y0, y1), (x1, False, y0, y1)]
    events.sort()
    cut: list[tuple[float, float]] = []
    total, last = 0.0, 0.0
    for x, enters, y0, y1 in events:
        if cut and x > last:
            total += (x - last) * _union_length(cut)
        last = x
        if enters:
            insort(cut, (y0, y1))
        else:
            cut.remove((y0, y1))
    return total


def _union_length(intervals: Sequence[tuple[float, float]]) -> float:
    """Length of the union of intervals that are sorted by their start."""
    total, reached = 0.0, intervals[0][0]
    for low, high in intervals:
        if high > reached:
            total += high - max(low, reached)
            reached = high
    return total


def overlap(a: RectM, b: RectM) -> bool:
    """Whether two rectangles share ground; touching edges share none."""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def about(center_m: tuple[float, float], size_m: tuple[float, float]) -> RectM:
    """Return the rectangle of a size about a centre."""
    (x, y), (w, h) = center_m, size_m
    return x - w / 2, y - h / 2, x + w / 2, y + h / 2
