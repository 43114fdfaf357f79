"""Allowed ground of frames: the union of the saved fields, eroded by the reach of the beam.

A frame is allowed if, grown by the reach (guard and beam halo), it lies inside the union of the fields
without the fluorescence still to be taken. So the allowed ground is that union, eroded by a square of
half-width `reach`. The union is eroded, not each field: frames may cross the overlap of two fields. If the
section has an outline, the frame itself lies inside it.

Everything is computed around one rectangle at a time, from the few fields near it, so that a section of many
fields with different edges costs no more than one of few.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from planner.geometry.rects import TOLERANCE_M, RectM, area_m2, grown
from planner.geometry.shapes import decompose, edges, eroded, slots

_OUTLINE_STEPS = 16
"""Columns and rows into which a rectangle cut by a slanting outline is divided. Chosen by hand."""
_BLOCKS = 64
"""Columns and rows in which ground outside an outline is looked for. Chosen by hand."""
_LEAST_OUTLINE_PART = 0.02
"""Least share of a rectangle that a further frame at a slanting outline must add. Chosen by hand."""
_LEAST_CELL_PART = 0.05
"""Least share for a cell cut by the outline: less would show hardly more than its edge. Chosen by hand."""


class Ground:
    """Saved ground, and the part of it where frames are allowed.

    Parameters
    ----------
    fields_m : sequence of RectM
        Ground whose fluorescence is saved.
    reach_m : float
        Distance beyond a frame within which it may bleach: guard and beam halo.
    unsaved_m : sequence of RectM
        Fluorescence still to be taken; not saved even where fields overlap it.
    outline : shapely.Polygon or MultiPolygon, optional
        Limit of frames; none by default.

    Attributes
    ----------
    reach_m : float
        The same plus 0.2 pm, so that float rounding never carries a frame over the line.
    """

    def __init__(
        self,
        fields_m: Sequence[RectM],
        reach_m: float,
        unsaved_m: Sequence[RectM] = (),
        outline: shapely.Geometry | None = None,
    ) -> None:
        self.reach_m = reach_m + 2 * TOLERANCE_M
        self._fields = np.asarray(fields_m, dtype=np.float64).reshape(-1, 4)
        # The quick checks of one rectangle are quicker without arrays: most sections have few fields.
        self._field_rects = [_rect(field) for field in self._fields]
        self._unsaved = np.asarray(unsaved_m, dtype=np.float64).reshape(-1, 4)
        self._outline = outline
        if outline is not None:
            shapely.prepare(outline)

    def narrowed(self, margin_m: float) -> "Ground":
        """Return the ground of which any rectangle may grow by a margin at each side and still be allowed."""
        fields, unsaved = ([_rect(row) for row in table] for table in (self._fields, self._unsaved))
        outline = None if self._outline is None else eroded(self._outline, margin_m)
        return Ground(fields, self.reach_m + margin_m, unsaved, outline)

    def saved(self, rect: RectM) -> bool:
        """Return True if a part of `rect` lies in a saved field."""
        return bool(len(_near(self._fields, rect)))

    def allows(self, rect: RectM) -> bool:
        """Return True if a frame on `rect` is allowed."""
        if not self.inside_outline(rect):
            return False
        if self._inside_one_field(rect):
            return True
        if self._corner_outside(rect):
            return False
        _, _, mask = self._mask(rect)
        return bool(mask.size and mask.all())

    def inside_outline(self, rect: RectM) -> bool:
        """Return True if `rect` lies inside the outline, or if there is none."""
        return self._outline is None or bool(shapely.covers(self._outline, _polygons(rect)))

    def touches_unsaved(self, rect: RectM) -> bool:
        """Return True if a frame on `rect` could bleach fluorescence still to be taken."""
        return bool(len(_near(self._unsaved, grown(rect, self.reach_m))))

    def inside_fields(self, rect: RectM) -> bool:
        """Return True if a frame on `rect` could not bleach anything outside the fields."""
        return Ground([_rect(f) for f in self._fields], self.reach_m - 2 * TOLERANCE_M).allows(rect)

    def allowed_within(self, rect: RectM, overlap_m: float, cell: RectM | None = None) -> tuple[RectM, ...]:
        """Return rectangles whose union is the allowed part of `rect`.

        Parameters
        ----------
        rect : RectM
        overlap_m : float
            Overlap of the rectangles of an allowed part that is not a rectangle, as far as it has room.
        cell : RectM, optional
            Inside `rect`. If an outline cuts `rect`, the rectangles show as much of the cell as possible, and
            then of its surroundings.

        Returns
        -------
        tuple of RectM
            Empty if nothing is allowed; none lies inside another.
        """
        inside = self.inside_outline(rect)
        if inside and self._inside_one_field(rect):
            return (rect,)
        xs, ys, mask = self._mask(rect)
        if inside:
            return decompose(xs, ys, mask, overlap_m)
        xs, ys, mask = self._cut_by_outline(xs, ys, mask, cell)
        least_m2 = _LEAST_OUTLINE_PART * area_m2(rect)
        if cell is None:
            return decompose(xs, ys, mask, overlap_m, least_m2)
        # The cell counts as much as its surroundings; if the outline cuts it, only the cell counts.
        surroundings, least_m2 = (
            (1.0, least_m2) if self.inside_outline(cell) else (0.0, _LEAST_CELL_PART * area_m2(rect))
        )
        worth = np.full(mask.shape, surroundings)
        worth[slots(ys, cell[1], cell[3]), slots(xs, cell[0], cell[2])] += area_m2(rect) / area_m2(cell)
        return decompose(xs, ys, mask, overlap_m, least_m2, worth)

    def blocked_within(
        self, rect: RectM
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
        """Divide `rect` into cells, and tell which of them no frame may hold.

        Returns
        -------
        xs, ys : (C + 1,) and (R + 1,) arrays of float64
            Edges of the cells, m.
        blocked : (R, C) array of bool
            A frame that holds none of them may still leave a slanting outline.
        """
        xs, ys, mask = self._mask(rect)
        if self._outline is None:
            return xs, ys, ~mask
        fine_xs, fine_ys = (np.linspace(v[0], v[-1], _BLOCKS + 1) for v in (xs, ys))
        fine_xs, fine_ys = edges([*xs, *fine_xs]), edges([*ys, *fine_ys])
        middle_x, middle_y = (fine_xs[1:] + fine_xs[:-1]) / 2, (fine_ys[1:] + fine_ys[:-1]) / 2
        columns, rows = np.searchsorted(xs, middle_x) - 1, np.searchsorted(ys, middle_y) - 1
        inside = shapely.contains_xy(self._outline, *np.meshgrid(middle_x, middle_y))
        return fine_xs, fine_ys, ~(mask[np.ix_(rows, columns)] & inside)

    def place(self, rect: RectM, width_m: float, height_m: float) -> RectM | None:
        """Place a frame of a given size over `rect` on allowed ground, as near to its centre as possible.

        The nearest one has each axis at the centre, at an end of its room or at an edge of the allowed
        ground, so that only these places are tried.
        """
        x, y = (rect[0] + rect[2] - width_m) / 2, (rect[1] + rect[3] - height_m) / 2
        room = (rect[2] - width_m, rect[3] - height_m, rect[0] + width_m, rect[1] + height_m)
        middle = (x, y, x + width_m, y + height_m)
        if self.allows(middle):
            return middle
        for low_x, low_y in self._free_low_ends(room, width_m, height_m, (x, y)):
            placed = (low_x, low_y, low_x + width_m, low_y + height_m)
            if self.allows(placed):
                return placed
        return None

    def place_over_most(
        self, aim: RectM, width_m: float, height_m: float, pieces: Sequence[RectM] = ()
    ) -> RectM | None:
        """Place a frame of a given size on allowed ground where it shows most of some ground.

        The further a frame lies from the centre of `aim` along an axis, the less it shows of it: as in
        `place`, it lies along each axis at the centre or at an edge of the allowed ground, steps along an
        outline included.

        Parameters
        ----------
        aim : RectM
        width_m, height_m : float
        pieces : sequence of RectM, optional
            The ground, of which no two overlap; by default `aim` itself.

        Returns
        -------
        RectM or None
            None if no frame shows any of it.
        """
        room = (aim[0] - width_m, aim[1] - height_m, aim[2] + width_m, aim[3] + height_m)
        middle = (aim[0] + aim[2] - width_m) / 2, (aim[1] + aim[3] - height_m) / 2
        lows = np.asarray(self._free_low_ends(room, width_m, height_m, middle), dtype=np.float64).reshape(
            -1, 2
        )
        highs = lows + np.asarray((width_m, height_m))
        shown = np.zeros(len(lows))
        for piece in pieces or (aim,):
            sides = np.minimum(highs, piece[2:]) - np.maximum(lows, piece[:2])
            shown += sides.clip(min=0).prod(axis=1)
        # Rounded, so that of places that show as much the one nearest to the centre comes first, and that no
        # frame shows picometres of an edge.
        share = np.round(shown / sum(map(area_m2, pieces or (aim,))), 6)
        for index in np.argsort(-share, kind="stable"):
            if share[index] <= 0:
                return None
            x, y = lows[index].tolist()
            placed = (x, y, x + width_m, y + height_m)
            if self.allows(placed):
                return placed
        return None

    def _free_low_ends(
        self,
        room: RectM,
        width_m: float,
        height_m: float,
        aim: tuple[float, float],
    ) -> list[tuple[float, float]]:
        """Return the lower left corners of allowed frames in `room`, nearest to `aim` first."""
        xs, ys, mask = self._mask(room)
        if not self.inside_outline(room):
            xs, ys, mask = self._cut_by_outline(xs, ys, mask)
        low_x = _low_ends(xs, room[0], room[2] - width_m, aim[0], width_m)
        low_y = _low_ends(ys, room[1], room[3] - height_m, aim[1], height_m)
        blocked = np.zeros((len(ys), len(xs)), dtype=np.int64)
        blocked[1:, 1:] = (~mask).cumsum(axis=0).cumsum(axis=1)
        left, right = _touched(xs, low_x, width_m)
        below, above = _touched(ys, low_y, height_m)
        count = blocked[np.ix_(above, right)] - blocked[np.ix_(below, right)]
        count += blocked[np.ix_(below, left)] - blocked[np.ix_(above, left)]
        rows, columns = np.nonzero(count == 0)
        off_m = np.hypot(low_x[columns] - aim[0], low_y[rows] - aim[1])
        # Rounded, so that the order of places as far away does not hang on the last bit.
        order = np.argsort(np.round(off_m, 12), kind="stable")
        return list(zip(low_x[columns[order]].tolist(), low_y[rows[order]].tolist(), strict=True))

    def _cut_by_outline(
        self,
        xs: NDArray[np.float64],
        ys: NDArray[np.float64],
        mask: NDArray[np.bool_],
        cell: RectM | None = None,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
        """Divide the cells of `_mask`, also at the edges of `cell`, and keep those inside the outline."""
        corners = shapely.get_coordinates(self._outline)
        if cell is not None:
            corners = np.vstack((corners, np.reshape(cell, (2, 2))))
        steps = np.linspace(0.0, 1.0, _OUTLINE_STEPS + 1)
        fine_xs = edges([*xs, *_within(corners[:, 0], xs[0], xs[-1]), *(xs[0] + steps * (xs[-1] - xs[0]))])
        fine_ys = edges([*ys, *_within(corners[:, 1], ys[0], ys[-1]), *(ys[0] + steps * (ys[-1] - ys[0]))])
        columns = np.searchsorted(xs, (fine_xs[1:] + fine_xs[:-1]) / 2) - 1
        rows = np.searchsorted(ys, (fine_ys[1:] + fine_ys[:-1]) / 2) - 1
        low_x, low_y = np.meshgrid(fine_xs[:-1], fine_ys[:-1])
        high_x, high_y = np.meshgrid(fine_xs[1:], fine_ys[1:])
        inside = shapely.covers(self._outline, _polygons((low_x, low_y, high_x, high_y)))
        return fine_xs, fine_ys, mask[np.ix_(rows, columns)] & inside

    def _inside_one_field(self, rect: RectM) -> bool:
        """Return True if one field alone allows `rect`: a quick check that holds for most."""
        window = grown(rect, self.reach_m)
        if len(self._unsaved) and len(_near(self._unsaved, window)):
            return False
        x0, y0, x1, y1 = grown(window, -TOLERANCE_M)
        return any(
            left <= x0 and below <= y0 and right >= x1 and above >= y1
            for left, below, right, above in self._field_rects
        )

    def _corner_outside(self, rect: RectM) -> bool:
        """Return True if a corner that the reach touches lies in no field: a quick end for most others.

        Corners are moved inwards by more than the tolerances of `_mask`.
        """
        x0, y0, x1, y1 = grown(rect, self.reach_m - 4 * TOLERANCE_M)
        return not all(
            any(left <= x <= right and below <= y <= above for left, below, right, above in self._field_rects)
            for x in (x0, x1)
            for y in (y0, y1)
        )

    def _mask(self, rect: RectM) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
        """Divide `rect` into cells that are allowed or not.

        Returns
        -------
        xs, ys : (C + 1,) and (R + 1,) arrays of float64
            Edges of the cells, m.
        mask : (R, C) array of bool
        """
        window = grown(rect, self.reach_m)
        near, pending = _near(self._fields, window), _near(self._unsaved, window)
        both = np.concatenate((near, pending))
        near_xs = edges([window[0], window[2], *_within(both[:, [0, 2]].flat, window[0], window[2])])
        near_ys = edges([window[1], window[3], *_within(both[:, [1, 3]].flat, window[1], window[3])])
        saved = np.zeros((len(near_ys) - 1, len(near_xs) - 1), dtype=np.bool_)
        for x0, y0, x1, y1 in near:
            saved[slots(near_ys, y0, y1), slots(near_xs, x0, x1)] = True
        for x0, y0, x1, y1 in pending:
            saved[slots(near_ys, y0, y1), slots(near_xs, x0, x1)] = False

        reach = self.reach_m
        xs = edges([rect[0], rect[2], *_within((near_xs[:, None] + (-reach, reach)).flat, rect[0], rect[2])])
        ys = edges([rect[1], rect[3], *_within((near_ys[:, None] + (-reach, reach)).flat, rect[1], rect[3])])
        mask = np.ones((len(ys) - 1, len(xs) - 1), dtype=np.bool_)
        for row, column in np.argwhere(~saved):
            beyond_y = slots(ys, near_ys[row] - reach, near_ys[row + 1] + reach)
            beyond_x = slots(xs, near_xs[column] - reach, near_xs[column + 1] + reach)
            mask[beyond_y, beyond_x] = False
        return xs, ys, mask


def _low_ends(
    cell_edges: NDArray[np.float64], least: float, most: float, middle: float, length: float
) -> NDArray[np.float64]:
    """Return the candidate low ends of a frame along one axis."""
    places = np.concatenate(([least, most, middle], cell_edges, cell_edges - length))
    return np.unique(places[(places >= least - TOLERANCE_M) & (places <= most + TOLERANCE_M)])


def _touched(
    cell_edges: NDArray[np.float64], lows: NDArray[np.float64], length: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first cell that a frame touches along one axis, and the one after the last."""
    last = len(cell_edges) - 1
    first = np.searchsorted(cell_edges, lows + TOLERANCE_M, side="right") - 1
    after = np.searchsorted(cell_edges, lows + length - TOLERANCE_M)
    return first.clip(0, last), after.clip(0, last)


def _near(rects: NDArray[np.float64], rect: RectM) -> NDArray[np.float64]:
    """Return those of `rects` (N, 4) that overlap `rect`."""
    low, high = rects[:, :2], rects[:, 2:]
    near = np.minimum(high, rect[2:]) - np.maximum(low, rect[:2]) > TOLERANCE_M
    return np.asarray(rects[near.all(axis=1)])


def _polygons(rect: tuple[Any, Any, Any, Any]) -> Any:
    """Return rectangles as polygons, smaller by `TOLERANCE_M`: those that touch the outline are inside."""
    x0, y0, x1, y1 = rect
    return shapely.box(x0 + TOLERANCE_M, y0 + TOLERANCE_M, x1 - TOLERANCE_M, y1 - TOLERANCE_M)


def _rect(row: NDArray[np.float64]) -> RectM:
    return float(row[0]), float(row[1]), float(row[2]), float(row[3])


def _within(values: Iterable[float], low: float, high: float) -> list[float]:
    """Return the values between `low` and `high`."""
    return [float(v) for v in values if low < v < high]
