"""Prices of all candidate frames at once, by products of matrices.

What a frame shows of a required rectangle is a block of its test points: what its pair of lines shows in x,
times what its pair shows in y. So the sum of the duals that each of P x Q frames collects is the product of a
matrix of P rows with one of Q columns, for all required rectangles together.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.cover.framing import Framing
from planner.cover.seams import Rects, holding, table_of
from planner.cover.search.lines import axis, safe_span, shown_points
from planner.geometry.rects import TOLERANCE_M, RectM

Indices = NDArray[np.int64]
Values = NDArray[np.float64]
Prices = NDArray[np.float32]
Pair = tuple[int, int]

_LEAST_GAIN_S = 1e-4
"""Smaller gains of a frame are rounding."""


@dataclass(frozen=True, slots=True)
class Column:
    """Frames that are taken together, mostly one, and the rows of the programme that they serve."""

    rects: tuple[RectM, ...]
    rows: Indices
    cost_s: float


class Candidates:
    """All frames whose sides lie on the lines of some required rectangles.

    The rows of the programme are the test points of the rectangles, then one for each rectangle to be kept
    whole.

    Parameters
    ----------
    required : sequence of RectM
    known, given : sequences of RectM
        Frames with sides anywhere: those that may be taken, and those that are there already.
    framing : Framing
    corner_m : (float, float)
        Place of the origin of all these rectangles on the ground.
    whole_worth_s : float
        Time that a rectangle whole in one frame is worth; 0 leaves out these rows.

    Attributes
    ----------
    area_m2 : (rows,) array
        Ground that each row stands for; where rectangles overlap, shared among them.
    open : (rows,) array of bool
        False for rows that the given frames serve.
    cost_s : (P, Q) array
        Costs of all candidates; infinite for those that may not be taken.
    refused : int
        Candidates that turned out to have no room on allowed ground.
    """

    def __init__(
        self,
        required: Sequence[RectM],
        known: Sequence[RectM],
        given: Sequence[RectM],
        framing: Framing,
        corner_m: tuple[float, float],
        whole_worth_s: float,
    ) -> None:
        self._framing = framing
        self._corner_m = corner_m
        self._overlap_m = framing.settings.tile_overlap_m
        self._required = table_of(required)
        self._given = table_of(given)
        longest = framing.longest_m
        r, g = self._required, self._given
        others = table_of([*known, *given])
        self._x = axis(r[:, 0], r[:, 2], longest[0], self._overlap_m, others[:, 2])
        self._y = axis(r[:, 1], r[:, 3], longest[1], self._overlap_m, others[:, 3])
        self._shapes = [(len(a), len(b)) for a, b in zip(self._x.points, self._y.points, strict=True)]
        self._first = np.cumsum([0, *(a * b for a, b in self._shapes)])
        self.points = int(self._first[-1])
        self._whole_rows = whole_worth_s > 0
        self.rows = self.points + (len(r) if self._whole_rows else 0)
        self.cost_s = framing.costs_s(
            (self._x.high - self._x.low)[:, None], (self._y.high - self._y.low)[None, :]
        )
        self._forbid_blocked()
        self._price_s = self.cost_s.astype(np.float32)
        self._any_x = np.stack([shows.any(axis=1) for shows in self._x.shows], axis=1)
        self._any_y = np.stack([shows.any(axis=1) for shows in self._y.shows], axis=1)
        self._left = [shows.astype(np.float32) for shows in self._x.shows]
        self._sum_first = np.cumsum([0, *(b for _, b in self._shapes)])
        self._sums = np.zeros((len(self._x.low), int(self._sum_first[-1])), dtype=np.float32)
        self._right = np.concatenate(self._y.shows, axis=1).astype(np.float32).T
        self._holds_y = np.stack(self._y.holds, axis=1).astype(np.float32).T
        self.area_m2 = self._areas()
        self.refused = 0
        self.open = np.ones(self.rows, dtype=np.bool_)
        for rect in given:
            self.open[self.rows_of(rect)] = False
        for index in range(len(r)):
            if self._whole_rows and (not framing.fits(_rect(r[index])) or len(holding(_rect(r[index]), g))):
                self.open[self.points + index] = False

    def block(self, index: int, whole: bool) -> Indices:
        """Return all rows of a required rectangle, shown whole in one frame or stitched."""
        rows = np.arange(self._first[index], self._first[index + 1])
        return np.append(rows, self.points + index) if whole and self._whole_rows else rows

    def rows_of(self, rect: RectM) -> Indices:
        """Return the rows that any frame serves."""
        across, up = (np.asarray([v]) for v in rect[:2]), (np.asarray([v]) for v in rect[2:])
        (low_x, low_y), (high_x, high_y) = across, up
        found: list[Indices] = []
        for index, row in enumerate(self._required):
            x0, y0, x1, y1 = row.tolist()
            if min(rect[2], x1) <= max(rect[0], x0) or min(rect[3], y1) <= max(rect[1], y0):
                continue
            in_x = shown_points(*safe_span(low_x, high_x, x0, x1, self._overlap_m), self._x.points[index])[0]
            in_y = shown_points(*safe_span(low_y, high_y, y0, y1, self._overlap_m), self._y.points[index])[0]
            whole = bool(len(holding((x0, y0, x1, y1), table_of([rect]))))
            found += self._rows(index, in_x, in_y, whole)
        return np.concatenate(found) if found else np.zeros(0, dtype=np.int64)

    def column(self, pair: Pair) -> Column | None:
        """Return the frame of two pairs of lines; None if it may not be taken, or shows nothing."""
        p, q = pair
        x, y = self._x, self._y
        rect = float(x.low[p]), float(y.low[q]), float(x.high[p]), float(y.high[q])
        dx, dy = self._corner_m
        if self._framing.frame((rect[0] + dx, rect[1] + dy, rect[2] + dx, rect[3] + dy)) is None:
            self.cost_s[p, q] = self._price_s[p, q] = np.inf
            self.refused += 1
            return None
        found: list[Indices] = []
        for index in np.nonzero(self._any_x[p] & self._any_y[q])[0].tolist():
            whole = bool(x.holds[index][p] and y.holds[index][q])
            found += self._rows(index, x.shows[index][p], y.shows[index][q], whole)
        if not found:
            return None
        return Column((rect,), np.concatenate(found), float(self.cost_s[p, q]))

    def values(self, duals: Values) -> Prices:
        """Return the sum of the duals of the rows that each candidate serves, (P, Q)."""
        single = duals.astype(np.float32)
        for n, shows in enumerate(self._left):
            block = single[self._first[n] : self._first[n + 1]].reshape(self._shapes[n])
            np.matmul(shows, block, out=self._sums[:, self._sum_first[n] : self._sum_first[n + 1]])
        found = self._sums @ self._right
        if self._whole_rows:
            whole = np.stack(self._x.holds, axis=1) * duals[self.points :].astype(np.float32)
            found += whole @ self._holds_y
        return np.asarray(found, dtype=np.float32)

    def rates(self, values: Prices) -> Prices:
        """Return values over costs, (P, Q)."""
        return values / self._price_s

    def lowered(self, duals: Values, rates: Prices) -> Values:
        """Return duals lowered until no frame collects more than it costs, where it does and nowhere else.

        Parameters
        ----------
        duals : (rows,) array
        rates : (P, Q) array
            Of the values of these duals.
        """
        most = np.ones(len(self._required))
        over_x, over_y = np.nonzero(rates.max(axis=1) > 1)[0], np.nonzero(rates.max(axis=0) > 1)[0]
        rates = rates[np.ix_(over_x, over_y)]
        for n, (any_x, any_y) in enumerate(zip(self._any_x[over_x].T, self._any_y[over_y].T, strict=True)):
            most[n] = max(1.0, float((rates[any_x] * any_y).max(initial=0)))
        owners = np.repeat(np.arange(len(most)), [a * b for a, b in self._shapes])
        return duals / most[np.append(owners, np.arange(len(most))[: self.rows - self.points])]

    def best_near(self, values: Prices, count: int, share: float = 1.0) -> Iterator[Pair]:
        """Yield for each required rectangle some of the frames over it that gain most.

        Parameters
        ----------
        values : (P, Q) array
        count : int
            Most frames for each.
        share : float
            Part of its costs that is taken off the value of a frame.
        """
        gains = np.maximum(values - self._price_s * np.float32(share), 0)
        gaining_x = np.nonzero(gains.max(axis=1) > _LEAST_GAIN_S)[0]
        gaining_y = np.nonzero(gains.max(axis=0) > _LEAST_GAIN_S)[0]
        gains = gains[np.ix_(gaining_x, gaining_y)]
        for any_x, any_y in zip(self._any_x[gaining_x].T, self._any_y[gaining_y].T, strict=True):
            over_x = np.nonzero(any_x)[0]
            # Rows are taken and columns multiplied: much faster than picking both.
            part = gains[over_x] * any_y
            for _ in range(count if part.size else 0):
                p, q = divmod(int(part.argmax()), part.shape[1])
                if part[p, q] <= _LEAST_GAIN_S:
                    break
                yield int(gaining_x[over_x[p]]), int(gaining_y[q])
                part[p, :] = 0
                part[:, q] = 0

    def clear(self, rates: Prices, pair: Pair) -> None:
        """Set the rates of all frames that overlap a frame to 0."""
        p, q = pair
        x, y = self._x, self._y
        over_x = (x.low < x.high[p]) & (x.high > x.low[p])
        rates[over_x] *= ~((y.low < y.high[q]) & (y.high > y.low[q]))

    def _rows(
        self, index: int, in_x: NDArray[np.bool_], in_y: NDArray[np.bool_], whole: bool
    ) -> list[Indices]:
        columns, rows = np.nonzero(in_x)[0], np.nonzero(in_y)[0]
        if not (len(columns) and len(rows)):
            return []
        found = (self._first[index] + columns[:, None] * self._shapes[index][1] + rows).ravel()
        return [np.append(found, self.points + index) if whole and self._whole_rows else found]

    def _forbid_blocked(self) -> None:
        """Give frames that would hold blocked ground an infinite cost."""
        x, y = self._x, self._y
        dx, dy = self._corner_m
        around = (
            float(x.low.min()) + dx,
            float(y.low.min()) + dy,
            float(x.high.max()) + dx,
            float(y.high.max()) + dy,
        )
        xs, ys, blocked = self._framing.ground.blocked_within(around)
        if not blocked.any():
            return
        tight = 4 * TOLERANCE_M
        across = (x.low[:, None] + dx < xs[1:] - tight) & (x.high[:, None] + dx > xs[:-1] + tight)
        up = (y.low[:, None] + dy < ys[1:] - tight) & (y.high[:, None] + dy > ys[:-1] + tight)
        held = across.astype(np.float32) @ blocked.T.astype(np.float32) @ up.T.astype(np.float32)
        self.cost_s[held > 0] = np.inf

    def _areas(self) -> Values:
        found = np.zeros(self.rows)
        r = self._required
        for index, (xs, ys) in enumerate(zip(self._x.points, self._y.points, strict=True)):
            wide, high = np.diff(np.append(xs, r[index, 2])), np.diff(np.append(ys, r[index, 3]))
            middle_x, middle_y = xs + wide / 2, ys + high / 2
            across = (r[:, 0, None] < middle_x) & (middle_x < r[:, 2, None])
            up = (r[:, 1, None] < middle_y) & (middle_y < r[:, 3, None])
            times = across.T.astype(np.int64) @ up.astype(np.int64)
            found[self._first[index] : self._first[index + 1]] = (wide[:, None] * high / times).ravel()
        return found


def _rect(row: Rects) -> RectM:
    return float(row[0]), float(row[1]), float(row[2]), float(row[3])
