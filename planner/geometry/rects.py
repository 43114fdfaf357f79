"""Upright rectangles in stage metres, and the area of their union."""

from bisect import insort
from collections.abc import Iterable, Sequence

RectM = tuple[float, float, float, float]
"""(x0, y0, x1, y1) in stage metres, x0 < x1, y0 < y1."""

TOLERANCE_M = 1e-13
"""Edges closer than this are one edge. Far above the rounding of a float at 200 mm (3e-17 m) and far below
the smallest pixel (5e-10 m)."""


def centered(center_m: tuple[float, float], size_m: tuple[float, float]) -> RectM:
    """Return the rectangle with a centre and a size (width, height), m."""
    (x, y), (width, height) = center_m, size_m
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def center(rect: RectM) -> tuple[float, float]:
    """Return the centre, m."""
    return (rect[0] + rect[2]) / 2, (rect[1] + rect[3]) / 2


def area_m2(rect: RectM) -> float:
    """Return the area, m2."""
    return (rect[2] - rect[0]) * (rect[3] - rect[1])


def grown(rect: RectM, margin_m: float) -> RectM:
    """Return a rectangle with a margin added on every side; a negative margin shrinks it."""
    x0, y0, x1, y1 = rect
    return x0 - margin_m, y0 - margin_m, x1 + margin_m, y1 + margin_m


def hull(a: RectM, b: RectM) -> RectM:
    """Return the smallest rectangle that holds both."""
    return min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])


def cut(rect: RectM, to: RectM) -> RectM:
    """Return the part of a rectangle inside another; the two must overlap."""
    return max(rect[0], to[0]), max(rect[1], to[1]), min(rect[2], to[2]), min(rect[3], to[3])


def overlap(a: RectM, b: RectM) -> bool:
    """Return True if two rectangles share an area; touching edges do not count."""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def holds(outer: RectM, inner: RectM) -> bool:
    """Return True if a rectangle holds all of another, within the tolerance."""
    return (
        outer[0] <= inner[0] + TOLERANCE_M
        and outer[1] <= inner[1] + TOLERANCE_M
        and outer[2] >= inner[2] - TOLERANCE_M
        and outer[3] >= inner[3] - TOLERANCE_M
    )


def touch(a: RectM, b: RectM) -> bool:
    """Return True if two rectangles share an area, an edge or a corner, within `TOLERANCE_M`."""
    return (
        min(a[2], b[2]) - max(a[0], b[0]) >= -TOLERANCE_M
        and min(a[3], b[3]) - max(a[1], b[1]) >= -TOLERANCE_M
    )


def union_area_m2(rects: Iterable[RectM]) -> float:
    """Return the area of the union, m2; where rectangles overlap, the area counts once.

    A sweep line along x keeps the y intervals of the rectangles that it crosses.

    Parameters
    ----------
    rects : iterable of RectM

    Returns
    -------
    float
        0 for no rectangles.
    """
    events: list[tuple[float, bool, float, float]] = []
    for x0, y0, x1, y1 in rects:
        events += [(x0, True, y0, y1), (x1, False, y0, y1)]
    events.sort()
    crossed: list[tuple[float, float]] = []
    total, last = 0.0, 0.0
    for x, enters, y0, y1 in events:
        if crossed and x > last:
            total += (x - last) * _union_length(crossed)
        last = x
        if enters:
            insort(crossed, (y0, y1))
        else:
            crossed.remove((y0, y1))
    return total


def _union_length(intervals: Sequence[tuple[float, float]]) -> float:
    """Return the length of the union of intervals sorted by their start."""
    total, reached = 0.0, intervals[0][0]
    for low, high in intervals:
        if high > reached:
            total += high - max(low, reached)
            reached = high
    return total
