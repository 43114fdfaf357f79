"""Ground that earlier frames have imaged, not exposed again where that can be avoided."""

from collections.abc import Sequence

import numpy as np

from planner.geometry.rects import TOLERANCE_M, RectM, area_m2, cut, grown
from planner.geometry.shapes import edges, slots


class Imaged:
    """Union of the rectangles that frames have scanned, without their halo.

    Parameters
    ----------
    rects_m : sequence of RectM
        As actually scanned.
    """

    def __init__(self, rects_m: Sequence[RectM]) -> None:
        self._rects = np.asarray(rects_m, dtype=np.float64).reshape(-1, 4)

    def shows(self, rect: RectM) -> bool:
        """Return True if all of `rect` is imaged."""
        return self.not_shown(rect) is None

    def left_of(self, rect: RectM, guard_m: float, overlap_m: float) -> RectM | None:
        """Return the part of a required rectangle that is still to be imaged.

        Required rectangles include the guard because a frame may land off its place. The place of earlier
        frames is known, so that they need not show the guard. The part left includes the tile overlap, so
        that images join.

        Returns
        -------
        RectM or None
            `rect` itself if that saves nothing; None if all is imaged.
        """
        if not len(self._rects):
            return rect
        shrunk_m = min(guard_m, 0.49 * (rect[2] - rect[0]), 0.49 * (rect[3] - rect[1]))
        left = self.not_shown(grown(rect, -shrunk_m))
        if left is None:
            return None
        part = cut(grown(left, max(guard_m, overlap_m)), rect)
        return part if area_m2(part) < area_m2(rect) else rect

    def not_shown(self, rect: RectM) -> RectM | None:
        """Return the smallest rectangle around the part of `rect` not imaged; None if all is."""
        low, high = self._rects[:, :2], self._rects[:, 2:]
        near = self._rects[(np.minimum(high, rect[2:]) - np.maximum(low, rect[:2]) > TOLERANCE_M).all(axis=1)]
        if not len(near):
            return rect
        xs = edges(np.clip([rect[0], rect[2], *near[:, [0, 2]].flat], rect[0], rect[2]))
        ys = edges(np.clip([rect[1], rect[3], *near[:, [1, 3]].flat], rect[1], rect[3]))
        free = np.ones((len(ys) - 1, len(xs) - 1), dtype=np.bool_)
        for x0, y0, x1, y1 in near:
            free[slots(ys, y0, y1), slots(xs, x0, x1)] = False
        rows, columns = np.nonzero(free.any(axis=1))[0], np.nonzero(free.any(axis=0))[0]
        if not len(rows):
            return None
        return (
            float(xs[columns[0]]),
            float(ys[rows[0]]),
            float(xs[columns[-1] + 1]),
            float(ys[rows[-1] + 1]),
        )
