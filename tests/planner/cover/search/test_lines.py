"""Candidate frames along an axis: between which lines, and which points and rectangles they show."""

from itertools import pairwise
from random import Random

import numpy as np
import pytest

from planner.cover.seams import safe_part
from planner.cover.search.lines import Axis, _filled, axis, safe_span, shown_points
from planner.geometry.rects import TOLERANCE_M

UM = 1e-6
OVERLAP_M = 2 * UM
PITCH_M, JOINED_M = 4.5 * UM, 1 * UM


def made(
    seed: int, count: int = 4, longest_um: float = 30
) -> tuple[np.ndarray, np.ndarray, np.ndarray, Axis]:
    random = Random(seed)
    low = np.asarray([random.uniform(0, 40) for _ in range(count)]) * UM
    high = low + np.asarray([random.uniform(4, 25) for _ in range(count)]) * UM
    ends = np.asarray([random.uniform(0, 60) for _ in range(2)]) * UM
    return low, high, ends, axis(low, high, longest_um * UM, OVERLAP_M, ends)


def near(value: float, values: np.ndarray, within_m: float) -> bool:
    return bool(np.abs(values - value).min() <= within_m)


def test_sides_lie_on_lines_of_rectangles_and_at_the_overlap_beside_them() -> None:
    for seed in range(30):
        low, high, _, found = made(seed)
        lows, highs = np.unique(found.low), np.unique(found.high)
        for side in (*low, *(high - OVERLAP_M)):
            # A line that was joined with the next below it holds no less.
            assert lows[lows <= side + 1e-15].size == 0 or side - lows[lows <= side + 1e-15].max() <= JOINED_M
        for side in (*high, *(low + OVERLAP_M)):
            above = highs[highs >= side - 1e-15]
            assert above.size == 0 or above.min() - side <= JOINED_M
        # The outermost ones are never moved.
        assert near(low.min(), lows, 1e-15)
        assert near(high.max(), highs, 1e-15)
        for lines in (lows, highs):
            assert max((b - a for a, b in pairwise(lines)), default=0.0) <= PITCH_M + 1e-15


def test_a_pair_is_as_long_as_some_rectangle_at_least_and_a_frame_at_most() -> None:
    for seed in range(30):
        low, high, _, found = made(seed)
        lengths = found.high - found.low
        least = min(OVERLAP_M, float((high - low).min()))
        assert (lengths >= least - TOLERANCE_M).all()
        assert (lengths <= 30 * UM + TOLERANCE_M).all()
        # All pairs of lines are there.
        lows, highs = np.unique(found.low), np.unique(found.high)
        span = highs[None, :] - lows[:, None]
        fits = (span >= least - TOLERANCE_M) & (span <= 30 * UM + TOLERANCE_M)
        assert len(found.low) == fits.sum()
        assert len(set(zip(found.low.tolist(), found.high.tolist(), strict=True))) == len(found.low)


def test_a_rectangle_that_only_just_fits_in_a_frame_keeps_its_own_lines() -> None:
    """A line .5 um before it would make the frame too long."""
    low, high = np.asarray([9.5, 10.0]) * UM, np.asarray([15.0, 40.0]) * UM
    found = axis(low, high, 30 * UM, OVERLAP_M, np.zeros(0))
    assert found.holds[1].any()
    assert near(10 * UM, found.low, 1e-15)
    # Above it as well.
    found = axis(
        np.asarray([10.0, 30.0]) * UM, np.asarray([40.0, 40.5]) * UM, 30 * UM, OVERLAP_M, np.zeros(0)
    )
    assert found.holds[0].any()
    # With room to spare they are joined.
    found = axis(low, high, 33 * UM, OVERLAP_M, np.zeros(0))
    assert not near(10 * UM, found.low, 1e-15)
    assert found.holds[1].any()


def test_points_begin_a_rectangle_and_lie_where_frames_end() -> None:
    for seed in range(30):
        low, high, ends, found = made(seed)
        stops = np.concatenate((np.unique(found.high), ends)) - OVERLAP_M / 2
        for n, (begin, end) in enumerate(zip(low, high, strict=True)):
            points = found.points[n]
            assert points[0] == begin
            assert (np.diff(points) > TOLERANCE_M).all()
            inside = stops[(stops > begin + TOLERANCE_M) & (stops < end - OVERLAP_M / 2 - TOLERANCE_M)]
            assert all(near(stop, points, TOLERANCE_M) for stop in inside)
            assert len(points) <= 1 + len(np.unique(inside))


def test_what_a_pair_shows_and_holds_is_what_its_frame_shows_and_holds() -> None:
    for seed in range(20):
        low, high, _, found = made(seed, 3)
        for n, (begin, end) in enumerate(zip(low.tolist(), high.tolist(), strict=True)):
            for p, (a, b) in enumerate(zip(found.low.tolist(), found.high.tolist(), strict=True)):
                safe = safe_part((begin, 0.0, end, 1.0), (a, 0.0, b, 1.0), OVERLAP_M / 2)
                shows = [
                    safe is not None and safe[0] <= x + TOLERANCE_M and safe[2] > x + TOLERANCE_M
                    for x in found.points[n].tolist()
                ]
                assert found.shows[n][p].tolist() == shows
                assert found.holds[n][p] == (a <= begin + TOLERANCE_M and b >= end - TOLERANCE_M)


@pytest.mark.parametrize(("off_m", "cut"), [(0.5 * TOLERANCE_M, 0.0), (2 * TOLERANCE_M, 1.0)])
def test_a_frame_needs_no_overlap_at_the_ends_of_what_is_required(off_m: float, cut: float) -> None:
    safe_low, safe_high = safe_span(np.asarray([off_m]), np.asarray([1 - off_m]), 0.0, 1.0, 0.5)
    assert safe_low[0] == pytest.approx(cut * 0.25)
    assert safe_high[0] == pytest.approx(1 - cut * 0.25)


def test_a_span_has_its_first_point_and_not_its_end() -> None:
    points = np.asarray([0.0, 1.0, 2.0])
    assert shown_points(np.asarray([0.0, 1.0]), np.asarray([2.0, 1.5]), points).tolist() == [
        [True, True, False],
        [False, True, False],
    ]
    tight = 0.5 * TOLERANCE_M
    assert shown_points(np.asarray([1 + tight]), np.asarray([2 + tight]), points).tolist() == [
        [False, True, False]
    ]


def test_lines_that_are_far_apart_have_equal_steps_between_them() -> None:
    filled = _filled(np.asarray([10.0, 24.0, 28.0]) * UM)
    assert filled == pytest.approx(np.asarray([10, 13.5, 17, 20.5, 24, 28]) * UM)


def test_a_rectangle_shorter_than_an_overlap_may_have_a_frame_as_short() -> None:
    low = np.asarray([10.0, 30.0]) * UM
    found = axis(low, low + np.asarray([0.9, 9.0]) * UM, 30 * UM, OVERLAP_M, np.zeros(0))
    assert (found.high - found.low).min() == pytest.approx(0.9 * UM)
