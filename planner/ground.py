"""Where the beam may go: the union of the saved fields, less what a frame that lands off could reach.

A frame may be scanned where the frame grown by the reach (guard and beam halo) lies inside the union of the
fields. So the allowed ground is that union, eroded by a square of half-width `reach`. The union is eroded,
not each field: across the overlap of two fields the beam may go.

All is worked out about one rectangle at a time, from the few fields near it, so that a section of many fields
whose edges all differ costs no more than one of few.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from planner.rects import TOLERANCE_M, RectM, grown
from planner.shapes import decompose, edges, slots


class Ground:
    """Saved ground and the part of it where frames may lie.

    Parameters
    ----------
    fields_m : sequence of RectM
        Ground whose fluorescence is saved.
    reach_m : float
        How far from its rectangle a frame may bleach: guard and beam halo.

    Attributes
    ----------
    reach_m : float
        The same and 0.2 pm more, so that rounding of floats never carries a frame over the line.
    """

    def __init__(self, fields_m: Sequence[RectM], reach_m: float) -> None:
        self.reach_m = reach_m + 2 * TOLERANCE_M
        self._fields = np.asarray(fields_m, dtype=np.float64).reshape(-1, 4)

    def saved(self, rect: RectM) -> bool:
        """Whether some of `rect` has its fluorescence saved."""
        return bool(len(self._near(rect)))

    def allows(self, rect: RectM) -> bool:
        """Whether a frame may lie on `rect`."""
        if self._inside_one_field(rect):
            return True
        _, _, mask = self._mask(rect)
        return bool(mask.size and mask.all())

    def allowed_within(self, rect: RectM, overlap_m: float) -> tuple[RectM, ...]:
        """Rectangles whose union is the allowed part of `rect`.

        Parameters
        ----------
        rect : RectM
        overlap_m : float
            Where the allowed part is no rectangle, its rectangles overlap by so much, as far as it lets them.

        Returns
        -------
        tuple of RectM
            Empty where nothing is allowed; none lies inside another.
        """
        if self._inside_one_field(rect):
            return (rect,)
        xs, ys, mask = self._mask(rect)
        return decompose(xs, ys, mask, overlap_m)

    def _near(self, rect: RectM) -> NDArray[np.float64]:
        """Fields (N, 4) that share ground with `rect`."""
        low, high = self._fields[:, :2], self._fields[:, 2:]
        near = np.minimum(high, rect[2:]) - np.maximum(low, rect[:2]) > TOLERANCE_M
        return np.asarray(self._fields[near.all(axis=1)])

    def _inside_one_field(self, rect: RectM) -> bool:
        """Whether one field alone allows `rect`; true of most, and quick."""
        window = grown(rect, self.reach_m)
        low = self._fields[:, :2] <= np.asarray(window[:2]) + TOLERANCE_M
        high = self._fields[:, 2:] >= np.asarray(window[2:]) - TOLERANCE_M
        return bool((low & high).all(axis=1).any())

    def _mask(self, rect: RectM) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
        """Cut `rect` into cells that are allowed or not.

        Returns
        -------
        xs, ys : (C + 1,) and (R + 1,) arrays of float64
            Edges of the cells, m.
        mask : (R, C) array of bool
        """
        window = grown(rect, self.reach_m)
        near = self._near(window)
        near_xs = edges([window[0], window[2], *_within(near[:, [0, 2]].flat, window[0], window[2])])
        near_ys = edges([window[1], window[3], *_within(near[:, [1, 3]].flat, window[1], window[3])])
        saved = np.zeros((len(near_ys) - 1, len(near_xs) - 1), dtype=np.bool_)
        for x0, y0, x1, y1 in near:
            saved[slots(near_ys, y0, y1), slots(near_xs, x0, x1)] = True

        reach = self.reach_m
        xs = edges([rect[0], rect[2], *_within((near_xs[:, None] + (-reach, reach)).flat, rect[0], rect[2])])
        ys = edges([rect[1], rect[3], *_within((near_ys[:, None] + (-reach, reach)).flat, rect[1], rect[3])])
        mask = np.ones((len(ys) - 1, len(xs) - 1), dtype=np.bool_)
        for row, column in np.argwhere(~saved):
            beyond_y = slots(ys, near_ys[row] - reach, near_ys[row + 1] + reach)
            beyond_x = slots(xs, near_xs[column] - reach, near_xs[column + 1] + reach)
            mask[beyond_y, beyond_x] = False
        return xs, ys, mask


def _within(values: Iterable[float], low: float, high: float) -> list[float]:
    """Return those of `values` that lie between `low` and `high`."""
    return [float(v) for v in values if low < v < high]
