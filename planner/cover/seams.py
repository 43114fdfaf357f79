"""Seams: ground that no single frame shows must lie in frames that overlap enough to be stitched.

A frame shows a point of a required rectangle safely if the point is at least half the overlap away from each
side of the frame inside the rectangle. Where every point is shown safely, neighbouring frames overlap by the
whole overlap at each seam, and leave no gap if each lands off by half of it.
"""

from collections.abc import Iterable, Sequence
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from planner.geometry.rects import TOLERANCE_M, RectM, area_m2, cut, grown, holds, hull

Rects = NDArray[np.float64]
"""(N, 4) array: x0, y0, x1, y1 of each rectangle, m."""


def table_of(rects: Sequence[RectM]) -> Rects:
    """Return rectangles as an array (N, 4)."""
    return np.asarray(rects, dtype=np.float64).reshape(-1, 4)


def not_shown(rect: RectM, frames: Iterable[RectM], overlap_m: float) -> RectM | None:
    """Return the smallest rectangle around what frames do not show safely of a required one; None if all."""
    left = pieces_not_shown(rect, frames, overlap_m)
    return reduce(hull, left) if left else None


def pieces_not_shown(rect: RectM, frames: Iterable[RectM], overlap_m: float) -> list[RectM]:
    """Return what frames do not show safely of a required rectangle, in pieces that do not overlap."""
    left = [rect]
    for frame in frames:
        part = safe_part(rect, frame, overlap_m / 2)
        if part is not None:
            left = [piece for whole in left for piece in _without(whole, part)]
            if not left:
                break
    return left


def safe_part(rect: RectM, frame: RectM, half_m: float) -> RectM | None:
    """Return the part of a required rectangle that a frame shows safely; None if there is none."""
    x0 = rect[0] if frame[0] <= rect[0] + TOLERANCE_M else frame[0] + half_m
    y0 = rect[1] if frame[1] <= rect[1] + TOLERANCE_M else frame[1] + half_m
    x1 = rect[2] if frame[2] >= rect[2] - TOLERANCE_M else frame[2] - half_m
    y1 = rect[3] if frame[3] >= rect[3] - TOLERANCE_M else frame[3] - half_m
    return (x0, y0, x1, y1) if x1 - x0 > TOLERANCE_M and y1 - y0 > TOLERANCE_M else None


def holding(rect: RectM, frames: Rects) -> NDArray[np.int64]:
    """Return the indices of the frames (N, 4) that show a rectangle whole."""
    low = (frames[:, :2] <= np.asarray(rect[:2]) + TOLERANCE_M).all(axis=1)
    high = (frames[:, 2:] >= np.asarray(rect[2:]) - TOLERANCE_M).all(axis=1)
    return np.nonzero(low & high)[0]


def overlapping(rect: RectM, frames: Rects) -> NDArray[np.int64]:
    """Return the indices of the frames (N, 4) that show some of a rectangle."""
    shared = np.minimum(frames[:, 2:], rect[2:]) - np.maximum(frames[:, :2], rect[:2])
    return np.nonzero((shared > TOLERANCE_M).all(axis=1))[0]


def showing(rect: RectM, frames: Sequence[RectM], table: Rects, overlap_m: float) -> tuple[int, ...]:
    """Choose frames that show a required rectangle: the smallest that holds it, or those to stitch.

    Parameters
    ----------
    rect : RectM
    frames : sequence of RectM
    table : (N, 4) array
        The same.
    overlap_m : float

    Returns
    -------
    tuple of int
        Ascending indices; if all frames together do not show all of it safely, all that overlap it.
    """
    whole = holding(rect, table).tolist()
    if whole:
        return (min(whole, key=lambda n: (round(area_m2(frames[n]), 20), n)),)
    chosen = overlapping(rect, table).tolist()
    if not_shown(rect, (frames[n] for n in chosen), overlap_m) is not None:
        return tuple(chosen)
    for index in sorted(chosen, key=lambda n: (round(area_m2(cut(frames[n], rect)), 20), n)):
        others = [n for n in chosen if n != index]
        if not_shown(rect, (frames[n] for n in others), overlap_m) is None:
            chosen = others
    return tuple(chosen)


def trimmed(
    frames: Sequence[RectM], required: Sequence[RectM], overlap_m: float, keep_whole: bool
) -> tuple[RectM, ...]:
    """Shrink or drop frames as long as they still show all required rectangles safely.

    Parameters
    ----------
    frames : sequence of RectM
        They show all of them.
    required : sequence of RectM
    overlap_m : float
        At each seam.
    keep_whole : bool
        Keep every rectangle whole that a single frame shows.
    """
    kept: dict[int, RectM] = dict(enumerate(frames))
    # Frames only shrink: those that do not overlap at first never will.
    table = table_of(frames)
    near: list[list[int]] = [overlapping(rect, table).tolist() for rect in required]
    regions: list[list[int]] = [[] for _ in frames]
    for number, indices in enumerate(near):
        for index in indices:
            regions[index].append(number)
    # Once is enough: the less the others show, the more of a frame is needed.
    for index, frame in enumerate(frames):
        parts = []
        for number in regions[index]:
            others = [kept[n] for n in near[number] if n != index and n in kept]
            parts.append(_needed(required[number], frame, others, overlap_m, keep_whole))
        needs = [part for part in parts if part is not None]
        if not needs:
            del kept[index]
        elif _differ(need := reduce(hull, needs), frame):
            kept[index] = need
    return tuple(kept.values())


def _needed(
    rect: RectM, frame: RectM, others: Sequence[RectM], overlap_m: float, keep_whole: bool
) -> RectM | None:
    """Return the smallest frame for what others do not show of a required rectangle; None for nothing."""
    if keep_whole and holds(frame, rect) and not any(holds(other, rect) for other in others):
        return rect
    left = not_shown(rect, others, overlap_m)
    if left is None:
        return None
    # A side of a frame on that of the rectangle, or beyond, needs no overlap: no need to grow past it.
    return cut(grown(left, overlap_m / 2), rect)


def _without(rect: RectM, part: RectM) -> list[RectM]:
    """Return what is left of a rectangle without another, in rectangles that are no slivers."""
    x0, y0, x1, y1 = rect
    left, low, right, high = max(x0, part[0]), max(y0, part[1]), min(x1, part[2]), min(y1, part[3])
    if right - left <= TOLERANCE_M or high - low <= TOLERANCE_M:
        return [rect]
    found = []
    if left - x0 > TOLERANCE_M:
        found.append((x0, y0, left, y1))
    if x1 - right > TOLERANCE_M:
        found.append((right, y0, x1, y1))
    if low - y0 > TOLERANCE_M:
        found.append((left, y0, right, low))
    if y1 - high > TOLERANCE_M:
        found.append((left, high, right, y1))
    return found


def _differ(a: RectM, b: RectM) -> bool:
    return any(abs(v - w) > TOLERANCE_M for v, w in zip(a, b, strict=True))
