"""Rows that candidate frames serve, costs and prices, against a look at each frame and each point."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from random import Random

import numpy as np
import pytest

from planner.cover.framing import Framing
from planner.cover.seams import safe_part
from planner.cover.search.pricing import Candidates, Column
from planner.geometry.allowed_ground import Ground
from planner.geometry.rects import TOLERANCE_M, RectM, holds, overlap, union_area_m2
from tests.planner.strategies import settings

UM = 1e-6
OVERLAP_M = 3 * UM
WIDE = Ground([(-150 * UM, -150 * UM, 250 * UM, 250 * UM)], 0.0, [], None)
CORNER = (70 * UM, -41 * UM)


def framing(ground: Ground = WIDE, most_px: tuple[int, int] = (1536, 1024), worth_s: float = 0.0) -> Framing:
    return Framing(ground, replace(settings("exact", most_px), whole_worth_s=worth_s))


def regions(seed: int, count: int, room_um: float = 30, largest_um: float = 20) -> list[RectM]:
    random = Random(seed)
    found = []
    for _ in range(count):
        x, y = random.uniform(0, room_um), random.uniform(0, room_um)
        width, height = random.uniform(8, largest_um), random.uniform(8, largest_um)
        found.append((x * UM, y * UM, (x + width) * UM, (y + height) * UM))
    return found


def candidates(
    seed: int, count: int = 4, worth_s: float = 0.0, ground: Ground = WIDE, given: Sequence[RectM] = ()
) -> tuple[list[RectM], Candidates]:
    required = regions(seed, count)
    return required, Candidates(required, [], given, framing(ground, worth_s=worth_s), CORNER, worth_s)


def rect_of(one: Candidates, p: int, q: int) -> RectM:
    x, y = one._x, one._y
    return float(x.low[p]), float(y.low[q]), float(x.high[p]), float(y.high[q])


def served(one: Candidates, required: Sequence[RectM], rect: RectM) -> set[int]:
    """Rows that a frame serves: each point that it shows safely, and each rectangle that it holds."""
    rows, number = set(), 0
    for index, wanted in enumerate(required):
        safe = safe_part(wanted, rect, OVERLAP_M / 2)
        for x in one._x.points[index].tolist():
            for y in one._y.points[index].tolist():
                if safe is not None and all(
                    safe[axis] <= value + TOLERANCE_M and safe[axis + 2] > value + TOLERANCE_M
                    for axis, value in ((0, x), (1, y))
                ):
                    rows.add(number)
                number += 1
    whole = [n for n, wanted in enumerate(required) if holds(rect, wanted)]
    return rows | {one.points + n for n in whole if one.rows > one.points}


def some_pairs(one: Candidates, seed: int, count: int = 60) -> list[tuple[int, int]]:
    random = Random(seed)
    return [
        (random.randrange(one.cost_s.shape[0]), random.randrange(one.cost_s.shape[1])) for _ in range(count)
    ]


@pytest.mark.parametrize("worth_s", [0.0, 4.0])
def test_a_frame_serves_the_points_that_it_shows_safely(worth_s: float) -> None:
    many = 0
    for seed in range(4):
        required, one = candidates(seed, worth_s=worth_s)
        assert one.rows == one.points + (len(required) if worth_s else 0)
        assert len(one.area_m2) == len(one.open) == one.rows
        for p, q in some_pairs(one, seed, 40):
            rect = rect_of(one, p, q)
            expected = served(one, required, rect)
            rows = one.rows_of(rect).tolist()
            assert set(rows) == expected
            assert len(rows) == len(expected)
            column = one.column((p, q))
            assert (column is None) is (not expected)
            if column is not None:
                many += 1
                assert sorted(column.rows.tolist()) == sorted(expected)
                assert column.rects == (rect,)
                assert column.cost_s == pytest.approx(
                    float(framing().costs_s(np.asarray(rect[2] - rect[0]), np.asarray(rect[3] - rect[1])))
                )
        first = 0
        for index in range(len(required)):
            points = len(one._x.points[index]) * len(one._y.points[index])
            assert one.block(index, False).tolist() == list(range(first, first + points))
            whole = [one.points + index] if worth_s else []
            assert one.block(index, True).tolist() == [*range(first, first + points), *whole]
            first += points
    assert many > 100


def test_a_frame_apart_from_all_serves_nothing() -> None:
    _, one = candidates(0)
    assert one.rows_of((90 * UM, 90 * UM, 99 * UM, 99 * UM)).tolist() == []
    required, _ = candidates(0)
    x0, y0, _x1, y1 = required[0]
    assert one.rows_of((x0 - 9 * UM, y0, min(r[0] for r in required), y1 + 90 * UM)).tolist() == []


@pytest.mark.parametrize("worth_s", [0.0, 4.0])
def test_frames_collect_the_duals_of_the_rows_that_they_serve(worth_s: float) -> None:
    for seed in range(3):
        required, one = candidates(seed, worth_s=worth_s)
        duals = np.random.default_rng(seed).uniform(0, 5, one.rows)
        values = one.values(duals)
        rates = one.rates(values)
        for p, q in some_pairs(one, seed):
            collected = sum(duals[n] for n in served(one, required, rect_of(one, p, q)))
            assert values[p, q] == pytest.approx(collected, rel=1e-4, abs=1e-4)
            assert rates[p, q] == pytest.approx(collected / one.cost_s[p, q], rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("worth_s", [0.0, 4.0])
@pytest.mark.parametrize("seed", range(4))
def test_no_frame_collects_more_than_it_costs_from_lowered_duals(seed: int, worth_s: float) -> None:
    required = regions(seed, 8, 40)
    one = Candidates(required, [], [], framing(worth_s=worth_s), CORNER, worth_s)
    duals = np.random.default_rng(seed).uniform(0, 5, one.rows)
    rates = one.rates(one.values(duals))
    assert rates.max() > 1
    lowered = one.lowered(duals, rates)
    assert (lowered <= duals).all()
    assert one.rates(one.values(lowered)).max() <= 1 + 1e-5
    # As little as that needs: duals that no frame collects too much of stay, the others hang on the worst.
    few = duals * 0.99 / float(rates.max())
    assert (one.lowered(few, one.rates(one.values(few))) == few).all()
    for index in range(len(required)):
        (share,) = np.unique(np.round((lowered / duals)[one.block(index, True)], 9))
        over = one._any_x[:, index][:, None] & one._any_y[:, index][None, :]
        assert share == pytest.approx(1 / max(1.0, float(rates[over].max())), rel=1e-5)


def test_ground_of_rows_is_shared_among_the_rectangles_that_overlap_there() -> None:
    for seed in range(4):
        required, one = candidates(seed, 5, worth_s=4.0)
        # By the middle of each, hence not quite.
        assert one.area_m2.sum() == pytest.approx(union_area_m2(required), rel=0.1)
        number = 0
        for index, (_, _, right, top) in enumerate(required):
            xs, ys = (*one._x.points[index].tolist(), right), (*one._y.points[index].tolist(), top)
            for low_x, high_x in pairwise(xs):
                for low_y, high_y in pairwise(ys):
                    x, y = (low_x + high_x) / 2, (low_y + high_y) / 2
                    times = sum(r[0] < x < r[2] and r[1] < y < r[3] for r in required)
                    expected = (high_x - low_x) * (high_y - low_y) / times
                    assert one.area_m2[number] == pytest.approx(expected)
                    number += 1
        assert number == one.points
        assert (one.area_m2[one.points :] == 0).all()
    (alone,), one = candidates(0, 1)
    assert one.area_m2.sum() == pytest.approx((alone[2] - alone[0]) * (alone[3] - alone[1]))


def test_rows_that_given_frames_serve_are_closed() -> None:
    required, plain = candidates(1, worth_s=4.0)
    x0, y0, x1, y1 = required[0]
    given = [(x0 - UM, y0 - UM, x1 + UM, y1 + UM), (x0 + 30 * UM, y0, x1 + 40 * UM, y1)]
    _, one = candidates(1, worth_s=4.0, given=given)
    closed = set(np.nonzero(~one.open)[0].tolist())
    expected = set().union(*(served(one, required, rect) for rect in given))
    expected |= {one.points + n for n, rect in enumerate(required) if not framing().fits(rect)}
    assert closed == expected
    assert one.points in closed
    assert plain.open[: plain.points].all()


def test_a_rectangle_larger_than_any_frame_is_not_to_be_kept_whole() -> None:
    """A frame is 25.3 x 16.9 um."""
    required = [(0.0, 0.0, 20 * UM, 15 * UM), (0.0, 0.0, 20 * UM, 18 * UM), (0.0, 0.0, 26 * UM, 15 * UM)]
    one = Candidates(required, [], [], framing(worth_s=4.0), CORNER, 4.0)
    assert one.open[one.points :].tolist() == [True, False, False]
    assert one.open[: one.points].all()


def test_the_best_frames_over_each_rectangle_are_found() -> None:
    for seed in range(3):
        required, one = candidates(seed)
        values = one.values(np.random.default_rng(seed).uniform(0, 8, one.rows))
        gains = values - one.cost_s * 0.7
        found = list(one.best_near(values, 2, 0.7))
        assert all(gains[pair] > 0 for pair in found)
        best = set()
        for index in range(len(required)):
            over = one._any_x[:, index][:, None] & one._any_y[:, index][None, :]
            masked = np.where(over & np.isfinite(gains), gains, -1)
            for _ in range(2):
                pair = divmod(int(masked.argmax()), masked.shape[1])
                if masked[pair] <= 1e-4:
                    break
                best.add(round(float(masked[pair]), 3))
                # The next one has sides of its own along both axes.
                masked[pair[0]] = masked[:, pair[1]] = -1
        assert best
        assert {round(float(gains[pair]), 3) for pair in found} == best
        assert len(found) <= 2 * len(required)
        assert list(one.best_near(np.zeros_like(values), 2, 0.7)) == []
        # All of its costs are taken off without another word.
        assert all(values[pair] > one.cost_s[pair] for pair in one.best_near(values, 1))


def test_a_single_frame_that_gains_is_found_for_each_rectangle_that_it_shows_some_of() -> None:
    _, one = candidates(1)
    for pair in some_pairs(one, 9, 12):
        over = int((one._any_x[pair[0]] & one._any_y[pair[1]]).sum())
        values = np.zeros(one.cost_s.shape, dtype=np.float32)
        values[pair] = 1.5 * one.cost_s[pair]
        assert list(one.best_near(values, 3)) == [pair] * over
        assert list(one.best_near(values, 0)) == []
        values[pair] = 0.9 * one.cost_s[pair]
        assert list(one.best_near(values, 3)) == []
        assert list(one.best_near(values, 3, 0.8)) == [pair] * over


def test_candidates_are_as_long_as_a_frame_along_each_axis_and_end_where_known_ones_do() -> None:
    """A frame is 25.3 x 16.9 um."""
    required = regions(3, 5, 20)
    x0, y0, _x1, _y1 = required[0]
    known = [(x0 - UM, y0 - UM, x0 + 5.321 * UM, y0 + 4.123 * UM)]
    one = Candidates(required, known, [], framing(), CORNER, 0.0)
    assert one.refused == 0
    assert 20 * UM < (one._x.high - one._x.low).max() <= 25.4 * UM
    assert 14 * UM < (one._y.high - one._y.low).max() <= 17 * UM
    for axis, off_m in ((one._x, x0 + 5.321 * UM), (one._y, y0 + 4.123 * UM)):
        assert np.abs(axis.points[0] - (off_m - OVERLAP_M / 2)).min() < 1e-12
    # A worth of less than a second counts as well.
    valued = Candidates(required, [], [], framing(worth_s=0.5), CORNER, 0.5)
    assert valued.rows == valued.points + len(required)


def test_frames_that_overlap_one_are_cleared_and_no_others() -> None:
    _, one = candidates(2)
    for pair in some_pairs(one, 5, 8):
        before = np.random.default_rng(0).uniform(1, 2, one.cost_s.shape).astype(np.float32)
        rates = before.copy()
        one.clear(rates, pair)
        taken = rect_of(one, *pair)
        for p, q in some_pairs(one, 6, 150):
            cleared = overlap(rect_of(one, p, q), taken)
            assert rates[p, q] == (0 if cleared else before[p, q])


def test_frames_without_room_on_allowed_ground_are_never_taken() -> None:
    """Fluorescence still to be taken lies in the midst of the rectangles."""
    required = regions(3, 4)
    hole = (18 * UM + CORNER[0], 18 * UM + CORNER[1], 24 * UM + CORNER[0], 24 * UM + CORNER[1])
    holed = Ground([(-150 * UM, -150 * UM, 250 * UM, 250 * UM)], 1 * UM, [hole], None)
    by = framing(holed)
    one = Candidates(required, [], [], by, CORNER, 0.0)
    forbidden = refused = taken = 0
    for p, q in some_pairs(one, 1, 400):
        x0, y0, x1, y1 = rect_of(one, p, q)
        there = x0 + CORNER[0], y0 + CORNER[1], x1 + CORNER[0], y1 + CORNER[1]
        before, cost_s = one.refused, float(one.cost_s[p, q])
        blocked = overlap(there, (hole[0] - UM, hole[1] - UM, hole[2] + UM, hole[3] + UM))
        # A frame that touches its border has no whole pixels inside; it is refused when it is made.
        assert np.isinf(cost_s) == blocked
        column = one.column((p, q))
        if by.frame(there) is None:
            assert column is None
            assert one.refused == before + 1
            assert np.isinf(one.cost_s[p, q])
            assert one.rates(np.ones(one.cost_s.shape, dtype=np.float32))[p, q] == 0
            forbidden += blocked
            refused += not blocked
        else:
            assert one.refused == before
            assert column is None or column.cost_s == cost_s
            taken += column is not None
    assert forbidden > 20
    assert taken > 20
    assert refused >= 0


def test_a_column_keeps_what_it_is_made_of() -> None:
    column = Column(((0.0, 0.0, 1.0, 1.0),), np.asarray([1, 2]), 3.0)
    assert (column.cost_s, len(column.rects), column.rows.tolist()) == (3.0, 1, [1, 2])
