"""Stage positions of frames: one per frame, or one for all frames within the range of the beam shift.

Frames of one stage position share the error of the stage; only that of the beam shift remains between them.
Against fluorescence they need the guard all the same.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from planner.route import Point, route

_WITHIN = 1 - 1e-9
"""Keeps rounding from carrying a frame beyond the range."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Index of a frame, and its stage position."""

    index: int
    stage_m: Point


def stage_positions(
    centers_m: Sequence[Point], shift_range_m: float, start_m: Point | None = None, keep_order: bool = False
) -> tuple[Stop, ...]:
    """Order frames, and let frames near each other share a stage position.

    Parameters
    ----------
    centers_m : sequence of (x, y)
        Centres of the frames.
    shift_range_m : float
        Largest distance of the centre of a frame from its stage position, m; zero for no sharing.
    start_m : (x, y), optional
        Position of the stage before the first frame.
    keep_order : bool
        Keep the given order instead of the shortest route.

    Returns
    -------
    tuple of Stop
        Every frame once; frames of one stage position are consecutive.
    """
    if shift_range_m == 0:
        order = range(len(centers_m)) if keep_order else route(centers_m, start_m)
        return tuple(Stop(n, centers_m[n]) for n in order)
    groups = [sorted(group) if keep_order else group for group in _groups(centers_m, shift_range_m)]
    if keep_order:
        groups.sort()
    middles = [_middle([centers_m[n] for n in group]) for group in groups]
    order = range(len(groups)) if keep_order else route(middles, start_m)
    return tuple(Stop(n, middles[g]) for g in order for n in groups[g])


def _groups(centers: Sequence[Point], range_m: float) -> list[list[int]]:
    """Group points into squares whose corners are within range of their centre.

    Greedy from the left: of the squares that begin at the leftmost remaining point, take the one with the
    most points.
    """
    side = math.sqrt(2.0) * range_m * _WITHIN
    todo = sorted(range(len(centers)), key=lambda n: centers[n])
    taken = [False] * len(todo)
    groups: list[list[int]] = []
    for place, first in enumerate(todo):
        if taken[first]:
            continue
        x, y = centers[first]
        near = []
        for other in todo[place:]:
            if centers[other][0] > x + side:
                break
            if not taken[other] and abs(centers[other][1] - y) <= side:
                near.append(other)
        near.sort(key=lambda n: (centers[n][1], n))
        best = max(
            (
                [n for n in near[k:] if centers[n][1] <= centers[low][1] + side]
                for k, low in enumerate(near)
                if centers[low][1] <= y
            ),
            key=len,
        )
        for index in best:
            taken[index] = True
        groups.append(best)
    return groups


def _middle(points: Sequence[Point]) -> Point:
    """Return the centre of the bounding box of points."""
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    return (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2
