"""Cheapest frames of neighbouring required rectangles, by column generation.

The linear programme covers every test point of every rectangle by frames; `pricing` finds frames that improve
it among all whose sides lie on the lines. Rows that the same known frames serve are one row, whose dual is
shared among them by area: this and smoothing of the duals (Wentges, Int. Trans. Oper. Res. 4 (1997) 151) keep
frames from chasing gaps between a few points. Any duals, scaled until no frame collects more than it costs,
bound the optimum from below (Farley, Oper. Res. 38 (1990) 922). HiGHS then chooses among the frames found.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csc_array

from planner.cover.framing import Framing
from planner.cover.seams import holding, table_of
from planner.cover.search.pricing import Candidates, Column, Pair
from planner.geometry.rects import RectM

_SMOOTHING = 0.7
"""Weight of the best duals so far beside those of the last programme. Chosen on layouts of
`benchmarks/planning.py` with seeds from 0, as are the numbers below."""
_EACH = 4
"""Frames added for each rectangle in a round."""
_NEARLY_BEST = 0.9
"""Least rate beside the best at which another frame is added without looking at all again."""
_CLOSE = 1.005
"""Programme over bound at which the search ends."""
_MOST_REFUSED = 40
"""Frames without room on allowed ground after which the search ends: each takes long to try. By hand."""
_MOST_CHOICES = 600
"""Most frames among which HiGHS chooses, those of the least reduced cost."""
_GAP = 0.005
"""Relative gap at which that choice ends; .002 took longer and chose the same frames on those layouts."""

_DIGITS = 15
"""Decimals of relative places, m: femtometres, far below the tolerance of the planner."""

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Found:
    """Frames, and a lower bound of the time of any frames with sides on the lines, s."""

    rects: tuple[RectM, ...]
    bound_s: float


@dataclass(frozen=True, slots=True)
class Wanted:
    """A required rectangle, and the frames that show it by themselves: one, or tiles."""

    rect_m: RectM
    own_m: tuple[RectM, ...]
    own_s: float


def cheapest_frames(
    wanted: Sequence[Wanted],
    start: Sequence[RectM],
    known: Sequence[RectM],
    given: Sequence[RectM],
    framing: Framing,
    rounds: int,
    limit_s: float,
) -> Found:
    """Return frames that show all required rectangles, whole or safely stitched.

    Parameters
    ----------
    wanted : sequence of Wanted
    start : sequence of RectM
        Frames that may hold several of them.
    known : sequence of RectM
        Frames with sides anywhere that may be part of stitched ones.
    given : sequence of RectM
        Frames that are taken anyway.
    framing : Framing
    rounds : int
        Most rounds in which frames are added.
    limit_s : float
        Longest time of the solver; the frames are worse, never wrong, if it ends early.
    """
    whole_worth_s = framing.settings.whole_worth_s
    # Relative to a corner and without the last digits, so that moving everything does not matter.
    corner_m = min(w.rect_m[0] for w in wanted), min(w.rect_m[1] for w in wanted)
    wanted = [
        Wanted(_placed(w.rect_m, corner_m, -1), tuple(_placed(r, corner_m, -1) for r in w.own_m), w.own_s)
        for w in wanted
    ]
    start, known, given = ([_placed(rect, corner_m, -1) for rect in rects] for rects in (start, known, given))
    candidates = Candidates([w.rect_m for w in wanted], known, given, framing, corner_m, whole_worth_s)
    if not candidates.open.any():
        return Found((), 0.0)
    pool = _first_columns(candidates, wanted, start, framing, whole_worth_s)
    pool += [Column((rect,), candidates.rows_of(rect), _cost_s(rect, framing)) for rect in known]
    bound_s = _improve(candidates, pool, framing, rounds, limit_s)
    chosen = _chosen(candidates, pool, limit_s)
    own = tuple(rect for one in wanted for rect in one.own_m)
    return Found(tuple(_placed(r, corner_m, 1) for r in (own if chosen is None else chosen)), bound_s)


class _Programme:
    """Linear programme over the columns so far, rows with the same columns joined.

    Attributes
    ----------
    matrix : csc_array
    costs_s : array
    """

    def __init__(self, candidates: Candidates, pool: Sequence[Column]) -> None:
        rows = np.concatenate([c.rows for c in pool])
        columns = np.repeat(np.arange(len(pool)), [len(c.rows) for c in pool])
        needed = candidates.open[rows]
        rows, columns = rows[needed], columns[needed]
        # Equal sums of random numbers: rows with the same columns, but for a chance of about 1e-12.
        marks = np.random.default_rng(0).integers(1, 2**62, len(pool))
        sums = np.zeros(candidates.rows, dtype=np.int64)
        np.add.at(sums, rows, marks[columns])
        opened = np.nonzero(candidates.open)[0]
        _, first, classes = np.unique(sums[opened], return_index=True, return_inverse=True)
        numbers = np.full(candidates.rows, -1)
        numbers[opened[first]] = np.arange(len(first))
        kept = numbers[rows] >= 0
        self.matrix = csc_array(
            (np.ones(int(kept.sum())), (numbers[rows[kept]], columns[kept])), shape=(len(first), len(pool))
        )
        self.costs_s = np.asarray([c.cost_s for c in pool])
        self._opened, self._classes = opened, classes
        # Rows without ground, those to keep rectangles whole, are classes of their own.
        self._share = np.maximum(candidates.area_m2[opened], 1e-18)
        self._share /= np.bincount(classes, weights=self._share)[classes]
        self._rows = candidates.rows

    def solve(self, limit_s: float) -> tuple[float, Values, Values] | None:
        """Return the optimum, the duals of all rows, and the reduced costs; None if time ran out."""
        found = linprog(  # type: ignore[call-overload]
            c=self.costs_s,
            A_ub=-self.matrix,
            b_ub=-np.ones(self.matrix.shape[0]),
            method="highs-ds",
            options={"time_limit": limit_s, "presolve": False},
        )
        if found.status != 0:
            return None
        joined = -np.asarray(found.ineqlin.marginals, dtype=np.float64)
        duals = np.zeros(self._rows)
        duals[self._opened] = joined[self._classes] * self._share
        return float(found.fun), duals, self.costs_s - self.matrix.T @ joined


def _first_columns(
    candidates: Candidates,
    wanted: Sequence[Wanted],
    start: Sequence[RectM],
    framing: Framing,
    whole_worth_s: float,
) -> list[Column]:
    """Return columns that serve all rows: the frames of each rectangle, and those that hold several."""
    pool: list[Column] = []
    for index, one in enumerate(wanted):
        pool.append(Column(one.own_m, candidates.block(index, len(one.own_m) == 1), one.own_s))
        if whole_worth_s > 0:
            given_up = np.asarray([candidates.points + index])
            pool.append(Column((), given_up, whole_worth_s))
    frames = table_of(start)
    held: dict[int, list[int]] = {}
    for index, one in enumerate(wanted):
        for frame in holding(one.rect_m, frames).tolist():
            held.setdefault(frame, []).append(index)
    for frame, indices in held.items():
        rows = np.concatenate([candidates.block(n, True) for n in indices])
        pool.append(Column((start[frame],), rows, _cost_s(start[frame], framing)))
    return pool


def _cost_s(rect: RectM, framing: Framing) -> float:
    return float(framing.costs_s(np.asarray(rect[2] - rect[0]), np.asarray(rect[3] - rect[1])))


def _improve(
    candidates: Candidates, pool: list[Column], framing: Framing, rounds: int, limit_s: float
) -> float:
    """Add columns to the pool until they are good enough; return a lower bound, s."""
    seen: set[Pair] = set()
    ground = candidates.area_m2 * candidates.open * framing.settings.seconds_per_m2
    values = candidates.values(ground)
    scale = max(1.0, float((values / candidates.cost_s).max()))
    best, bound_s = ground / scale, float(ground.sum()) / scale
    _greedily(candidates, pool, seen, ground)
    _add(candidates, pool, seen, values / np.float32(scale) - 0.9 * candidates.cost_s, 2)
    for _ in range(rounds):
        solved = _Programme(candidates, pool).solve(limit_s / rounds)
        if solved is None or solved[0] <= bound_s * _CLOSE:
            break
        for duals in (_SMOOTHING * best + (1 - _SMOOTHING) * solved[1], solved[1]):
            values = candidates.values(duals)
            scale = max(1.0, float((values / candidates.cost_s).max()))
            if float(duals.sum()) / scale > bound_s:
                best, bound_s = duals / scale, float(duals.sum()) / scale
            added = _add(candidates, pool, seen, values - candidates.cost_s, _EACH)
            if added:
                break
        if not added:
            break
    return bound_s


def _placed(rect: RectM, corner_m: tuple[float, float], sign: int) -> RectM:
    """Return a rectangle moved by a corner, forth or back."""
    x, y = corner_m[0] * sign, corner_m[1] * sign
    moved = rect[0] + x, rect[1] + y, rect[2] + x, rect[3] + y
    return moved if sign > 0 else tuple(round(v, _DIGITS) for v in moved)  # type: ignore[return-value]


def _greedily(candidates: Candidates, pool: list[Column], seen: set[Pair], ground: Values) -> None:
    """Add frames one by one, each with about the least time for ground that those before it do not show."""
    left = ground.copy()
    while left.any():
        rates = candidates.values(left) / candidates.cost_s
        most = rates.max()
        while True:
            pair = divmod(int(rates.argmax()), rates.shape[1])
            if rates[pair] <= 0 or rates[pair] < _NEARLY_BEST * most:
                break
            column = candidates.column(pair)
            if column is None:
                if candidates.refused > _MOST_REFUSED:
                    return
                rates[pair] = 0
                continue
            seen.add(pair)
            pool.append(column)
            left[column.rows] = 0
            # The rates of frames apart from it stay the same.
            rates[np.ix_(*candidates.over(pair))] = 0
        if most <= 0:
            return


def _add(candidates: Candidates, pool: list[Column], seen: set[Pair], gains: Values, count: int) -> int:
    """Add the frames that gain most to the pool; return their number."""
    added = 0
    for pair in candidates.best_near(gains, count):
        if pair in seen or candidates.refused > _MOST_REFUSED:
            continue
        seen.add(pair)
        column = candidates.column(pair)
        if column is not None:
            pool.append(column)
            added += 1
    return added


def _chosen(candidates: Candidates, pool: Sequence[Column], limit_s: float) -> tuple[RectM, ...] | None:
    """Return the frames of the cheapest columns that serve all rows; None if time ran out."""
    programme = _Programme(candidates, pool)
    kept = np.arange(len(pool))
    if len(pool) > _MOST_CHOICES and (solved := programme.solve(limit_s)) is not None:
        kept = np.sort(np.argsort(solved[2], kind="stable")[:_MOST_CHOICES])
    result = milp(
        programme.costs_s[kept],
        integrality=np.ones(len(kept), dtype=np.int64),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(programme.matrix[:, kept], 1, np.inf),
        options={"time_limit": limit_s, "mip_rel_gap": _GAP},
    )
    if result.x is None:
        return None
    return tuple(
        rect for n, x in zip(kept.tolist(), result.x, strict=True) if x > 0.5 for rect in pool[n].rects
    )
