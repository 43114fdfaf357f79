"""Seams: ground that no single frame shows must lie in frames that overlap enough to be stitched.

A frame shows a point of a required rectangle safely if the point is at least half the overlap away from each
side of the frame inside the rectangle. Where every point is shown safely, neighbouring frames overlap by the
whole overlap at each seam, and leave no gap if each lands off by half of it.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from planner.geometry.rects import TOLERANCE_M, RectM, hull

Rects = NDArray[np.float64]
"""(N, 4) array: x0, y0, x1, y1 of each rectangle, m."""


def table_of(rects: Sequence[RectM]) -> Rects:
    """Return rectangles as an array (N, 4)."""
    return np.asarray(rects, dtype=np.float64).reshape(-1, 4)


def safe_parts(rect: RectM, frames: Rects, overlap_m: float) -> Rects:
    """Return the parts of a required rectangle that frames show safely, (M, 4); at most one for each."""
    low, high = np.asarray(rect[:2]), np.asarray(rect[2:])
    half = overlap_m / 2
    first = np.where(frames[:, :2] <= low + TOLERANCE_M, low, frames[:, :2] + half)
    last = np.where(frames[:, 2:] >= high - TOLERANCE_M, high, frames[:, 2:] - half)
    found = np.hstack((np.maximum(first, low), np.minimum(last, high)))
    return np.asarray(found[(found[:, 2:] - found[:, :2] > TOLERANCE_M).all(axis=1)])


def not_shown(rect: RectM, frames: Rects, overlap_m: float) -> RectM | None:
    """Return the smallest rectangle around what frames do not show safely of a required one; None if all."""
    parts = safe_parts(rect, frames, overlap_m)
    if not len(parts):
        return rect
    if _holds(parts, rect).any():
        return None
    xs = np.unique(np.concatenate(((rect[0], rect[2]), parts[:, 0], parts[:, 2])))
    ys = np.unique(np.concatenate(((rect[1], rect[3]), parts[:, 1], parts[:, 3])))
    middle_x, middle_y = (xs[1:] + xs[:-1]) / 2, (ys[1:] + ys[:-1]) / 2
    across = (parts[:, 0, None] < middle_x) & (middle_x < parts[:, 2, None])
    up = (parts[:, 1, None] < middle_y) & (middle_y < parts[:, 3, None])
    free = ~(up.T @ across)
    free &= (np.diff(ys) > TOLERANCE_M)[:, None] & (np.diff(xs) > TOLERANCE_M)[None, :]
    rows, columns = np.nonzero(free.any(axis=1))[0], np.nonzero(free.any(axis=0))[0]
    if not len(rows):
        return None
    return float(xs[columns[0]]), float(ys[rows[0]]), float(xs[columns[-1] + 1]), float(ys[rows[-1] + 1])


def needed_for(rect: RectM, part: RectM, overlap_m: float) -> RectM:
    """Return the smallest frame that shows a part of a required rectangle safely."""
    half = overlap_m / 2
    return (
        part[0] if part[0] <= rect[0] + TOLERANCE_M else part[0] - half,
        part[1] if part[1] <= rect[1] + TOLERANCE_M else part[1] - half,
        part[2] if part[2] >= rect[2] - TOLERANCE_M else part[2] + half,
        part[3] if part[3] >= rect[3] - TOLERANCE_M else part[3] + half,
    )


def holding(rect: RectM, frames: Rects) -> NDArray[np.int64]:
    """Return the indices of the frames that show a rectangle whole."""
    return np.nonzero(_holds(frames, rect))[0]


def showing(rect: RectM, frames: Rects, overlap_m: float) -> tuple[int, ...]:
    """Choose frames that show a required rectangle: the smallest that holds it, or those to stitch.

    Returns
    -------
    tuple of int
        Ascending indices; if all frames together do not show all of it safely, all that overlap it.
    """
    whole = holding(rect, frames)
    if len(whole):
        areas = (frames[whole, 2] - frames[whole, 0]) * (frames[whole, 3] - frames[whole, 1])
        return (int(whole[np.argmin(np.round(areas, 20))]),)
    shared = np.minimum(frames[:, 2:], rect[2:]) - np.maximum(frames[:, :2], rect[:2])
    chosen = [int(n) for n in np.nonzero((shared > TOLERANCE_M).all(axis=1))[0]]
    if not_shown(rect, frames[chosen], overlap_m) is not None:
        return tuple(chosen)
    for index in sorted(chosen, key=lambda n: (round(float(shared[n].prod()), 20), n)):
        others = [n for n in chosen if n != index]
        if not_shown(rect, frames[others], overlap_m) is None:
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
    kept, needs = table_of(frames), table_of(required)
    for _ in range(_PASSES):
        before = kept.copy()
        index = 0
        while index < len(kept):
            need = _need(index, kept, needs, overlap_m, keep_whole)
            if need is None:
                kept = np.delete(kept, index, axis=0)
                continue
            kept[index] = need
            index += 1
        if len(kept) == len(before) and np.abs(kept - before).max(initial=0.0) <= TOLERANCE_M:
            break
    return tuple((float(a), float(b), float(c), float(d)) for a, b, c, d in kept)


_PASSES = 4
"""Most passes over the frames; most layouts settle in two or three. Chosen by hand."""


def _need(index: int, frames: Rects, required: Rects, overlap_m: float, keep_whole: bool) -> RectM | None:
    """Return the smallest frame that shows what the other frames do not; None if they show all."""
    frame = frames[index]
    others = np.delete(frames, index, axis=0)
    found: RectM | None = None
    for row in _near(required, frame):
        rect: RectM = (float(row[0]), float(row[1]), float(row[2]), float(row[3]))
        if keep_whole and _holds(frame[None], rect)[0] and not len(holding(rect, others)):
            need = rect
        else:
            left = not_shown(rect, others, overlap_m)
            if left is None:
                continue
            need = needed_for(rect, left, overlap_m)
        found = need if found is None else hull(found, need)
    return found


def _near(rects: Rects, frame: NDArray[np.float64]) -> Rects:
    """Return the rectangles that overlap or touch a frame."""
    apart = np.minimum(rects[:, 2:], frame[2:]) - np.maximum(rects[:, :2], frame[:2])
    return np.asarray(rects[(apart >= -TOLERANCE_M).all(axis=1)])


def _holds(frames: Rects, rect: RectM) -> NDArray[np.bool_]:
    return np.asarray(
        (frames[:, :2] <= np.asarray(rect[:2]) + TOLERANCE_M).all(axis=1)
        & (frames[:, 2:] >= np.asarray(rect[2:]) - TOLERANCE_M).all(axis=1)
    )
