"""The cheapest frames of a few rectangles, against the best choice among all frames on the same lines."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp

from planner.cover.framing import Framing
from planner.cover.seams import holding, not_shown, table_of
from planner.cover.search import column_generation
from planner.cover.search.column_generation import Wanted, cheapest_frames
from planner.cover.search.pricing import Candidates
from planner.geometry.allowed_ground import Ground
from planner.geometry.rects import RectM, holds
from tests.planner.cover.search.test_prices import UM, WIDE, framing, regions

AREA_S_PER_M2 = 60e-6 / 16.5e-9**2


def cost_s(rects: Sequence[RectM], by: Framing) -> float:
    table = table_of(rects)
    return float(by.costs_s(table[:, 2] - table[:, 0], table[:, 3] - table[:, 1]).sum())


def wanted_of(required: Sequence[RectM], by: Framing) -> list[Wanted]:
    found = []
    for rect in required:
        scans = by.frames(rect)
        found.append(Wanted(rect, tuple(s.rect_m for s in scans), sum(map(by.cost_s, scans))))
    return found


def best_s(
    required: Sequence[RectM], by: Framing, given: Sequence[RectM] = (), worth_s: float = 0.0
) -> float:
    """Least cost of all choices of candidate frames, and of the frames that each rectangle has by itself."""
    one = Candidates(required, [], given, by, (0.0, 0.0), worth_s)
    columns, costs = [], []
    for p, q in np.ndindex(one.cost_s.shape):
        column = one.column((p, q)) if np.isfinite(one.cost_s[p, q]) else None
        if column is not None:
            columns.append(column.rows)
            costs.append(column.cost_s)
    for index, single in enumerate(wanted_of(required, by)):
        columns.append(one.block(index, len(single.own_m) == 1))
        costs.append(single.own_s)
        if worth_s:
            columns.append(np.asarray([one.points + index]))
            costs.append(worth_s)
    table = np.zeros((one.rows, len(columns)))
    for n, rows in enumerate(columns):
        table[rows, n] = 1
    table = np.unique(table[one.open], axis=0)
    found = milp(
        np.asarray(costs),
        integrality=np.ones(len(costs), dtype=np.int64),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(table, 1, np.inf),
    )
    assert found.status == 0
    return float(found.fun)


def worth_of(required: Sequence[RectM], rects: Sequence[RectM], by: Framing, worth_s: float) -> float:
    table = table_of(rects)
    torn = sum(by.fits(r) and not len(holding(r, table)) for r in required)
    return cost_s(rects, by) + torn * worth_s


@pytest.mark.parametrize(("seed", "count"), [(0, 2), (1, 3), (2, 3), (3, 3)])
@pytest.mark.parametrize("worth_s", [0.0, 30.0])
def test_frames_cost_hardly_more_than_the_best_on_the_same_lines(
    seed: int, count: int, worth_s: float
) -> None:
    required = regions(seed, count, 22, 13)
    by = framing(worth_s=worth_s)
    found = cheapest_frames(wanted_of(required, by), [], [], [], by, 10, 60.0)
    assert all(not_shown(rect, found.rects, by.settings.tile_overlap_m) is None for rect in required)
    least_s = best_s(required, by, worth_s=worth_s)
    assert found.bound_s <= least_s * (1 + 1e-6)
    assert found.bound_s >= 0.8 * least_s
    assert worth_of(required, found.rects, by, worth_s) <= least_s * 1.01


def at(x0: float, y0: float, x1: float, y1: float) -> RectM:
    """A rectangle, um, relative to a corner of the ground that is none of the origin."""
    return (31 + x0) * UM, (y0 - 17) * UM, (31 + x1) * UM, (y1 - 17) * UM


def crossing() -> list[RectM]:
    """Rectangles that overlap in a row: fewer frames than rectangles show them all."""
    return [at(x, y, x + 12, y + 10) for x, y in ((0, 0), (8, 3), (16, 1), (21, 6))]


def test_it_does_not_matter_where_the_rectangles_lie() -> None:
    by = framing()
    here = cheapest_frames(wanted_of(crossing(), by), [], [], [], by, 10, 60.0)
    off = 37.123e-6, -11.7e-6
    moved = [(a + off[0], b + off[1], c + off[0], d + off[1]) for a, b, c, d in crossing()]
    there = cheapest_frames(wanted_of(moved, by), [], [], [], by, 10, 60.0)
    assert there.bound_s == pytest.approx(here.bound_s)
    assert len(there.rects) == len(here.rects)
    for a, b in zip(here.rects, there.rects, strict=True):
        assert b == pytest.approx((a[0] + off[0], a[1] + off[1], a[2] + off[0], a[3] + off[1]))


def test_ground_that_given_frames_show_needs_no_others() -> None:
    by = framing()
    required = crossing()
    all_of_it = at(-1, -1, 40, 20)
    nothing = cheapest_frames(wanted_of(required, by), [], [], [all_of_it], by, 10, 60.0)
    assert (nothing.rects, nothing.bound_s) == ((), 0.0)
    first = at(-1, -1, 13, 14)
    rest = cheapest_frames(wanted_of(required, by), [], [], [first], by, 10, 60.0)
    alone = cheapest_frames(wanted_of(required, by), [], [], [], by, 10, 60.0)
    assert cost_s(rest.rects, by) < cost_s(alone.rects, by)
    assert cost_s(rest.rects, by) <= best_s(required, by, [first]) * 1.01
    for rect in required:
        assert not_shown(rect, [first, *rest.rects], by.settings.tile_overlap_m) is None


def test_known_frames_are_taken_where_they_are_cheapest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a round of search there are only the frames that are known, and those of each rectangle."""
    by = framing()
    required = [at(0, 0, 5, 5), at(6, 0, 11, 5), at(60, 0, 65, 5)]
    monkeypatch.setattr(column_generation, "_improved", lambda one, *_: (0.0, np.zeros(one.rows), []))
    own = cheapest_frames(wanted_of(required, by), [], [], [], by, 10, 60.0)
    assert cost_s(own.rects, by) == pytest.approx(sum(w.own_s for w in wanted_of(required, by)))
    both = at(0, 0, 11, 5)
    for start, known in (([both], []), ([], [both])):
        found = cheapest_frames(wanted_of(required, by), start, known, [], by, 10, 60.0)
        assert len(found.rects) == 2
        assert any(rect == pytest.approx(both) for rect in found.rects)
    # One that holds none of them whole is no start, but may be stitched with others.
    halves = [at(-1, -1, 8, 6), at(3, -1, 12, 6)]
    wide = [at(0, 0, 11, 5)]
    dear = [replace(wanted_of(wide, by)[0], own_s=1e6)]
    assert len(cheapest_frames(dear, halves, [], [], by, 10, 60.0).rects) == 1
    stitched = cheapest_frames(dear, [], halves, [], by, 10, 60.0)
    assert sorted(stitched.rects) == [pytest.approx(half) for half in halves]
    # Together they must be worth less than the whole is.
    for worth_s, count in ((1e7, 1), (1.0, 2)):
        valued = framing(worth_s=worth_s)
        assert len(cheapest_frames(dear, [], halves, [], valued, 10, 60.0).rects) == count


def test_where_time_runs_out_each_rectangle_has_its_own_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    by = framing()
    required = crossing()
    monkeypatch.setattr(column_generation, "_taken", lambda *_: None)
    found = cheapest_frames(wanted_of(required, by), [], [], [], by, 10, 60.0)
    own = [rect for one in wanted_of(required, by) for rect in one.own_m]
    assert [rect == pytest.approx(other) for rect, other in zip(found.rects, own, strict=True)] == [
        True
    ] * len(own)
    assert found.bound_s > 0


def test_fractional_programmes_are_settled_in_whole_frames() -> None:
    """Three rows, of which each of three columns serves two: half of each would do, whole ones take two."""

    class Triangle:
        costs_s = np.asarray([3.0, 2.0, 2.5, 9.0])

        def needed_rows(self) -> np.ndarray:
            return np.asarray([[1.0, 1, 0, 0], [0, 1, 1, 0], [1, 0, 1, 0]])

    times = column_generation._taken(Triangle(), 60.0)  # type: ignore[arg-type]
    assert times is not None
    assert np.round(times).tolist() == [0, 1, 1, 0]


def test_frames_keep_to_allowed_ground() -> None:
    """Fluorescence still to be taken lies between two rectangles, so that no frame of both has room."""
    hole = (6 * UM, -2 * UM, 7 * UM, 20 * UM)
    holed = Framing(
        Ground([(-50 * UM, -50 * UM, 150 * UM, 150 * UM)], 0.5 * UM, [hole], None), framing().settings
    )
    required = [(0.0, 0.0, 5 * UM, 5 * UM), (8 * UM, 0.0, 13 * UM, 5 * UM)]
    found = cheapest_frames(wanted_of(required, holed), [], [], [], holed, 10, 60.0)
    assert len(found.rects) == 2
    assert all(holed.frame(rect) is not None for rect in found.rects)
    free = cheapest_frames(wanted_of(required, framing()), [], [], [], framing(), 10, 60.0)
    assert len(free.rects) == 1
    assert all(holds(free.rects[0], rect) for rect in required)
    assert WIDE.allows(free.rects[0])


def test_few_choices_are_those_of_the_least_reduced_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    by = framing()
    required = regions(1, 4, 22, 13)
    full = cheapest_frames(wanted_of(required, by), [], [], [], by, 10, 60.0)
    monkeypatch.setattr(column_generation, "_MOST_CHOICES", 12)
    few = cheapest_frames(wanted_of(required, by), [], [], [], by, 10, 60.0)
    assert few.bound_s == pytest.approx(full.bound_s)
    assert cost_s(few.rects, by) <= 1.05 * cost_s(full.rects, by)
    assert all(not_shown(rect, few.rects, by.settings.tile_overlap_m) is None for rect in required)
