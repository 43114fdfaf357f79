"""Cheapest frames of neighbouring required rectangles, by column generation.

The linear programme covers every test point of every rectangle by frames; `pricing` finds frames that improve
it among all whose sides lie on the lines. Rows that the same known frames serve are one row, whose dual is
shared among them by area: this and duals from the middle of what is nearly optimal (`central_path`) keep
frames from chasing gaps between a few points. Any duals, lowered until no frame collects more than it costs,
bound the optimum from below (Farley, Oper. Res. 38 (1990) 922). HiGHS then chooses among the frames found.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

from planner.cover.framing import Framing
from planner.cover.seams import holding, table_of
from planner.cover.search.pricing import Candidates, Column, Pair, Prices
from planner.cover.search.programme import Programme
from planner.geometry.rects import RectM

_EACH = 2
"""Frames added for each rectangle in a round. Chosen on layouts of `benchmarks/targeting/planning.py` with
seeds from 0, as are the numbers below."""
_DROPPED = 0.5
"""Share of its costs by which the duals of a frame may fall short for it to stay in the next programme. It
can come back."""
_NEARLY_BEST = 0.9
"""Least rate beside the best at which another frame is added without looking at all again."""
_CLOSE = 1.005
"""Most that any frame collects, over its costs, at which the search ends."""
_MOST_REFUSED = 40
"""Frames without room on allowed ground after which the search ends: each takes long to try. By hand."""
_MOST_CHOICES = 600
"""Most frames among which HiGHS chooses, those of the least reduced cost."""
_WHOLE = 1e-6
"""Distance of a number from a whole one that is rounding."""
_GAP = 0.005
"""Relative gap at which that choice ends. A frame of a higher reduced cost is in no cover nearer than that.
.002 took longer and chose the same frames on those layouts."""

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
    bound_s, duals, found = _improved(candidates, pool, framing, rounds)
    chosen = _chosen(candidates, [*pool, *found], duals, limit_s)
    own = tuple(rect for one in wanted for rect in one.own_m)
    return Found(tuple(_placed(r, corner_m, 1) for r in (own if chosen is None else chosen)), bound_s)


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


def _improved(
    candidates: Candidates, pool: Sequence[Column], framing: Framing, rounds: int
) -> tuple[float, Values, list[Column]]:
    """Return a lower bound, s, its duals, and frames that may be worth taking beside the pool."""
    made: dict[Pair, Column | None] = {}
    ground = candidates.area_m2 * candidates.open * framing.settings.seconds_per_m2
    values = candidates.values(ground)
    scale = max(1.0, float(candidates.rates(values).max()))
    best, bound_s = ground / scale, float(ground.sum()) / scale
    active = _greedily(candidates, made, ground)
    active |= _gaining(candidates, made, values / np.float32(scale), _EACH, 0.9)
    for _ in range(rounds):
        columns = [*pool, *(column for pair in sorted(active) if (column := made[pair]))]
        duals = Programme(candidates, columns).duals()
        values = candidates.values(duals)
        rates = candidates.rates(values)
        lowered = candidates.lowered(duals, rates)
        if float(lowered.sum()) > bound_s:
            best, bound_s = lowered, float(lowered.sum())
        if rates.max() <= _CLOSE:
            break
        active = {pair for pair in active if (column := made[pair]) and _nearly_pays(column, duals)}
        more = _gaining(candidates, made, values, _EACH) - active
        if not more:
            break
        active |= more
    return bound_s, best, [column for column in made.values() if column]


def _nearly_pays(column: Column, duals: Values) -> bool:
    return float(duals[column.rows].sum()) > (1 - _DROPPED) * column.cost_s


def _placed(rect: RectM, corner_m: tuple[float, float], sign: int) -> RectM:
    """Return a rectangle moved by a corner, forth or back."""
    x, y = corner_m[0] * sign, corner_m[1] * sign
    moved = rect[0] + x, rect[1] + y, rect[2] + x, rect[3] + y
    return moved if sign > 0 else tuple(round(v, _DIGITS) for v in moved)  # type: ignore[return-value]


def _greedily(candidates: Candidates, made: dict[Pair, Column | None], ground: Values) -> set[Pair]:
    """Return frames, each with about the least time for ground that those before it do not show."""
    found: set[Pair] = set()
    left = ground.copy()
    while left.any():
        rates = candidates.rates(candidates.values(left))
        most = rates.max()
        while True:
            pair = divmod(int(rates.argmax()), rates.shape[1])
            if rates[pair] <= 0 or rates[pair] < _NEARLY_BEST * most:
                break
            column = _column(candidates, made, pair)
            if column is None:
                if candidates.refused > _MOST_REFUSED:
                    return found
                rates[pair] = 0
                continue
            found.add(pair)
            left[column.rows] = 0
            # The rates of frames apart from it stay the same.
            candidates.clear(rates, pair)
        if most <= 0:
            break
    return found


def _gaining(
    candidates: Candidates,
    made: dict[Pair, Column | None],
    values: Prices,
    count: int,
    share: float = 1.0,
) -> set[Pair]:
    """Return the frames that gain most, see `Candidates.best_near`."""
    return {
        pair
        for pair in candidates.best_near(values, count, share)
        if _column(candidates, made, pair) is not None
    }


def _column(candidates: Candidates, made: dict[Pair, Column | None], pair: Pair) -> Column | None:
    """Return a frame, made only once; None if it may not be taken, or after too many that may not."""
    if pair not in made:
        made[pair] = None if candidates.refused > _MOST_REFUSED else candidates.column(pair)
    return made[pair]


def _chosen(
    candidates: Candidates, pool: Sequence[Column], duals: Values, limit_s: float
) -> tuple[RectM, ...] | None:
    """Return the frames of the cheapest columns that serve all rows; None if time ran out."""
    if len(pool) > _MOST_CHOICES:
        dear = np.asarray([c.cost_s - duals[c.rows].sum() for c in pool])
        pool = [pool[n] for n in np.sort(np.argsort(dear, kind="stable")[:_MOST_CHOICES])]
    programme = Programme(candidates, pool)
    times = _taken(programme, limit_s)
    if times is None:
        return None
    return tuple(rect for column, x in zip(pool, times, strict=True) if x > 0.5 for rect in column.rects)


def _taken(programme: Programme, limit_s: float) -> Values | None:
    """Return 1 for columns that are taken and 0 for others; None if time ran out."""
    matrix, costs_s = programme.needed_rows(), programme.costs_s
    # Mostly the programme by itself takes whole frames.
    relaxed = linprog(  # type: ignore[call-overload]
        c=costs_s,
        A_ub=-matrix,
        b_ub=-np.ones(matrix.shape[0]),
        method="highs-ds",
        options={"time_limit": limit_s, "presolve": False},
    )
    if relaxed.status == 0 and np.abs(relaxed.x - np.round(relaxed.x)).max() < _WHOLE:
        return np.asarray(relaxed.x)
    kept = np.arange(len(costs_s))
    if relaxed.status == 0:
        reduced_s = costs_s + matrix.T @ relaxed.ineqlin.marginals
        kept = np.nonzero(reduced_s <= _GAP * relaxed.fun)[0]
    result = milp(
        costs_s[kept],
        integrality=np.ones(len(kept), dtype=np.int64),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(matrix[:, kept], 1, np.inf),
        options={"time_limit": limit_s, "mip_rel_gap": _GAP},
    )
    if result.x is None:
        return None
    times = np.zeros(len(costs_s))
    times[kept] = result.x
    return times
