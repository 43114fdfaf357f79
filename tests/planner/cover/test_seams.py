"""Ground that frames show safely, point by point; those chosen for a rectangle; and how they are trimmed."""

from collections.abc import Iterator, Sequence
from random import Random

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from planner.cover.seams import (
    holding,
    not_shown,
    overlapping,
    pieces_not_shown,
    safe_part,
    showing,
    table_of,
    trimmed,
)
from planner.geometry.rects import TOLERANCE_M, RectM, area_m2, cut, grown, holds, hull, overlap
from tests.examples import examples

OVERLAP = 2.5
rects = st.lists(
    st.builds(
        lambda x, y, w, h: (x, y, x + w, y + h),
        *(st.integers(0, 40).map(lambda n: n / 2),) * 2,
        *(st.integers(6, 30).map(lambda n: n / 2),) * 2,
    ),
    min_size=1,
    max_size=8,
)
CELL = 0.25
MIDDLES = np.arange(CELL / 2, 40, CELL)
Mask = NDArray[np.bool_]


def layouts(count: int, most: int = 5) -> Iterator[tuple[RectM, list[RectM]]]:
    """Make a rectangle and frames over and beside it, on a lattice of .5."""
    for seed in range(count):
        random = Random(seed)

        def drawn(least: int, random: Random = random) -> RectM:
            x, y = random.randint(0, 20) / 2, random.randint(0, 20) / 2
            return x, y, x + random.randint(least, 30) / 2, y + random.randint(least, 30) / 2

        yield drawn(12), [drawn(8) for _ in range(random.randint(1, most))]


def span(low: float, high: float) -> Mask:
    return np.asarray((low < MIDDLES) & (high > MIDDLES))


def painted(rect: RectM) -> Mask:
    return np.outer(span(rect[1], rect[3]), span(rect[0], rect[2]))


def safely_shown(rect: RectM, frame: RectM) -> Mask:
    """Points of a rectangle at least half the overlap from each side of the frame inside it."""
    sides = []
    for axis in (1, 0):
        shown = span(frame[axis], frame[axis + 2]) & span(rect[axis], rect[axis + 2])
        if frame[axis] > rect[axis]:
            shown &= frame[axis] + OVERLAP / 2 <= MIDDLES
        if frame[axis + 2] < rect[axis + 2]:
            shown &= frame[axis + 2] - OVERLAP / 2 >= MIDDLES
        sides.append(shown)
    return np.outer(*sides)


def left_of(rect: RectM, frames: Sequence[RectM]) -> Mask:
    left = painted(rect)
    for frame in frames:
        left &= ~safely_shown(rect, frame)
    return left


def around(mask: Mask) -> RectM | None:
    rows, columns = np.nonzero(mask.any(axis=1))[0], np.nonzero(mask.any(axis=0))[0]
    if not len(rows):
        return None
    ends = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
    return tuple(float(n) * CELL for n in ends)  # type: ignore[return-value]


def test_what_is_not_shown_safely_is_so_point_by_point() -> None:
    parts = 0
    for rect, frames in layouts(120):
        left = left_of(rect, frames)
        pieces = pieces_not_shown(rect, frames, OVERLAP)
        parts += len(pieces)
        found = np.zeros_like(left)
        for piece in pieces:
            assert not (found & painted(piece)).any()
            found |= painted(piece)
        assert (found == left).all()
        assert not_shown(rect, frames, OVERLAP) == around(left)
        for frame in frames:
            safe = safe_part(rect, frame, OVERLAP / 2)
            assert (safely_shown(rect, frame) == (False if safe is None else painted(safe))).all()
    assert parts > 240


@pytest.mark.parametrize("side", range(4))
def test_a_frame_that_ends_with_the_rectangle_within_the_tolerance_needs_no_overlap_there(side: int) -> None:
    rect: RectM = (10.0, 20.0, 30.0, 40.0)
    inwards = 1 if side < 2 else -1
    for far_m, safe in ((0.5 * TOLERANCE_M, 0.0), (1.5 * TOLERANCE_M, 1.0)):
        frame = list(rect)
        frame[side] += inwards * far_m
        part = safe_part(rect, tuple(frame), 1.0)  # type: ignore[arg-type]
        assert part is not None
        assert abs(part[side] - rect[side]) == pytest.approx(safe)
        assert bool(len(holding(rect, table_of([tuple(frame)])))) is (safe == 0.0)  # type: ignore[list-item]


def test_slivers_are_nothing() -> None:
    """Of the width of a tolerance, on each side."""
    rect: RectM = (0.0, 0.0, 4.0, 4.0)
    sliver = 0.8 * TOLERANCE_M
    for frame in ((0.0, 0.0, sliver, 4.0), (4 - sliver, 0.0, 5.0, 4.0), (0.0, 4 - sliver, 4.0, 5.0)):
        assert safe_part(rect, frame, 0.0) is None
        assert overlapping(rect, table_of([frame])).tolist() == []
        assert pieces_not_shown(rect, [frame], 0.0) == [rect]
    inside = (sliver, sliver, 4 - sliver, 4 - sliver)
    # Two frames that leave such a sliver between them leave nothing.
    halves = [(0.0, 0.0, 2.0, 4.0), (2 + sliver, 0.0, 4.0, 4.0)]
    assert pieces_not_shown(rect, halves, 0.0) == []
    assert pieces_not_shown(rect, [inside], 0.0) == []


def test_frames_that_hold_or_overlap_a_rectangle_are_all_found() -> None:
    for rect, frames in layouts(60):
        for one in (rect, (rect[0] + 2, rect[1] + 2, rect[0] + 4, rect[1] + 3)):
            table = table_of(frames)
            assert holding(one, table).tolist() == [n for n, f in enumerate(frames) if holds(f, one)]
            assert overlapping(one, table).tolist() == [n for n, f in enumerate(frames) if overlap(f, one)]


def test_frames_for_a_rectangle_are_the_smallest_that_holds_it_or_none_too_many() -> None:
    kinds: set[object] = set()
    for rect, drawn in layouts(300, 7):
        frames = [*drawn, (rect[0], rect[1], rect[2] - 3, rect[3]), (rect[2] - 6, rect[1], rect[2], rect[3])]
        chosen = showing(rect, frames, table_of(frames), OVERLAP)
        whole = [n for n, frame in enumerate(frames) if holds(frame, rect)]
        if whole:
            kinds.add("whole")
            assert chosen == (min(whole, key=lambda n: area_m2(frames[n])),)
            continue
        kinds.add(len(chosen))
        # The same for sizes of microns.
        small = [(x0 * 1e-6, y0 * 1e-6, x1 * 1e-6, y1 * 1e-6) for x0, y0, x1, y1 in (rect, *frames)]
        assert showing(small[0], small[1:], table_of(small[1:]), OVERLAP * 1e-6) == chosen
        assert list(chosen) == sorted(set(chosen))
        assert not left_of(rect, [frames[n] for n in chosen]).any()
        for n in chosen:
            assert left_of(rect, [frames[m] for m in chosen if m != n]).any()
        # The least useful go first: those that are left out show no more than they must.
        few = frames[:1]
        some = [n for n, frame in enumerate(few) if overlap(frame, rect)]
        if left_of(rect, few).any():
            assert showing(rect, few, table_of(few), OVERLAP) == tuple(some)
    assert {"whole", 2, 3} <= kinds


def test_of_frames_that_show_as_much_the_later_ones_are_left_in() -> None:
    half, rest = (0.0, 0.0, 6.0, 10.0), (3.0, 0.0, 10.0, 10.0)
    table = [half, half, rest]
    assert showing((0.0, 0.0, 10.0, 10.0), table, table_of(table), OVERLAP) == (1, 2)
    same = [(0.0, 0.0, 9.0, 9.0)] * 2
    assert showing((1.0, 1.0, 2.0, 2.0), same, table_of(same), OVERLAP) == (0,)
    sizes = [(0.0, 0.0, side * 1e-6, side * 1e-6) for side in (9, 7, 8)]
    assert showing((0.0, 0.0, 1e-6, 1e-6), sizes, table_of(sizes), OVERLAP * 1e-6) == (1,)


@examples(60)
@given(rects, rects)
@example([(0.0, 0.0, 3.0, 3.0), (0.0, 1.0, 3.0, 4.0)], [(0.0, 0.0, 3.0, 3.0), (0.0, 1.0, 3.0, 4.0)])
def test_trimmed_frames_lie_in_the_frames_they_were_cut_from_and_show_the_same(
    frames: Sequence[RectM], wanted: Sequence[RectM]
) -> None:
    shown = [rect for rect in wanted if not_shown(rect, frames, OVERLAP) is None]
    kept = trimmed(frames, shown, OVERLAP, False)
    assert all(any(holds(frame, one) for frame in frames) for one in kept)
    assert all(not_shown(rect, kept, OVERLAP) is None for rect in shown)


@pytest.mark.parametrize("keep_whole", [False, True])
def test_a_trimmed_frame_has_no_ground_that_others_show(keep_whole: bool) -> None:
    """Each is the least that holds what the others do not show, with its overlap."""
    several = 0
    for seed in range(60):
        (first, drawn), (second, more) = list(layouts(2 * seed + 2))[-2:]
        wanted = [first, second]
        x0, y0, x1, y1 = hull(first, second)
        x, y = (x0 + x1) / 2, (y0 + y1) / 2
        tiles = [
            (x0, y0, x + 2, y + 2),
            (x - 2, y0, x1, y + 2),
            (x0, y - 2, x + 2, y1),
            (x - 2, y - 2, x1, y1),
        ]
        frames = [*tiles, *drawn, *more]
        kept = trimmed(frames, wanted, OVERLAP, keep_whole)
        several += len(kept) > 1
        for number, one in enumerate(kept):
            others = [frame for n, frame in enumerate(kept) if n != number]
            needs = []
            for rect in wanted:
                if keep_whole and holds(one, rect) and not any(holds(frame, rect) for frame in others):
                    needs.append(rect)
                elif (left := not_shown(rect, others, OVERLAP)) is not None:
                    needs.append(cut(grown(left, OVERLAP / 2), rect))
            assert one == (hull(*needs) if len(needs) == 2 else needs[0])
        for rect in wanted:
            assert not_shown(rect, kept, OVERLAP) is None
            if keep_whole and any(holds(frame, rect) for frame in frames):
                assert any(holds(one, rect) for one in kept)
    assert several > 40
