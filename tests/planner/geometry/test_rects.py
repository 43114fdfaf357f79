from itertools import product

import pytest

from planner.geometry.rects import (
    TOLERANCE_M,
    RectM,
    area_m2,
    center,
    centered,
    cut,
    grown,
    holds,
    hull,
    overlap,
    touch,
    union_area_m2,
)

A, B = (0.0, 0.0, 4.0, 2.0), (4.0, 1.0, 6.0, 5.0)


def test_a_rectangle_has_a_centre_a_size_and_a_margin() -> None:
    assert centered((2.0, 1.0), (4.0, 2.0)) == A
    assert center(A) == (2.0, 1.0)
    assert area_m2(A) == 8.0
    assert grown(A, 1.0) == (-1.0, -1.0, 5.0, 3.0)
    assert grown(grown(A, 0.5), -0.5) == A


SPANS = [(low, low + length) for low in range(-2, 4) for length in (1, 2, 4)]


def common(a: tuple[int, int], b: tuple[int, int]) -> int:
    """Length that two spans share, below 0 by the gap between them."""
    return min(a[1], b[1]) - max(a[0], b[0])


def test_two_rectangles_share_ground_where_their_spans_do_along_both_axes() -> None:
    (ax0, ax1), (ay0, ay1) = across, up = (0, 3), (-1, 1)
    a: RectM = (ax0, ay0, ax1, ay1)
    for x, y in product(SPANS, SPANS):
        b: RectM = (x[0], y[0], x[1], y[1])
        shared = common(across, x), common(up, y)
        assert overlap(a, b) == overlap(b, a) == (min(shared) > 0)
        assert touch(a, b) == touch(b, a) == (min(shared) >= 0)
        inside = x[0] >= ax0 and x[1] <= ax1 and y[0] >= ay0 and y[1] <= ay1
        assert holds(a, b) == inside
        assert area_m2(b) == (x[1] - x[0]) * (y[1] - y[0])
        assert center(b) == (sum(x) / 2, sum(y) / 2)
        assert hull(a, b) == (min(ax0, x[0]), min(ay0, y[0]), max(ax1, x[1]), max(ay1, y[1]))
        if min(shared) > 0:
            assert area_m2(cut(a, b)) == shared[0] * shared[1]
            assert union_area_m2([b, a]) == area_m2(a) + area_m2(b) - shared[0] * shared[1]


@pytest.mark.parametrize("side", range(4))
def test_edges_within_the_tolerance_are_one(side: int) -> None:
    a: RectM = (0.0, -1.0, 3.0, 1.0)
    out = -1 if side < 2 else 1
    for far_m, same in ((0.5 * TOLERANCE_M, True), (1.5 * TOLERANCE_M, False)):
        longer, beside = list(a), list(a)
        longer[side] += out * far_m
        assert holds(a, tuple(longer)) is same  # type: ignore[arg-type]
        beside[side], beside[(side + 2) % 4] = a[side] + out * 2, a[side] + out * far_m
        assert touch(a, tuple(beside)) is same  # type: ignore[arg-type]
        assert not overlap(a, tuple(beside))  # type: ignore[arg-type]


def test_edges_exactly_the_tolerance_apart_are_one() -> None:
    assert touch((0.0, 0.0, 1.0, 1.0), (1.0, 1.0, 2.0, 2.0))
    point: RectM = (0.0, 0.0, 0.0, 0.0)
    assert touch(point, (TOLERANCE_M, TOLERANCE_M, 1.0, 1.0))
    assert holds(point, (-TOLERANCE_M, -TOLERANCE_M, TOLERANCE_M, TOLERANCE_M))


def test_touching_edges_do_not_overlap() -> None:
    assert touch(A, B)
    assert not overlap(A, B)
    assert overlap(A, grown(B, 0.1))
    assert not touch(A, (4.1, 0.0, 5.0, 2.0))
    assert hull(A, B) == (0.0, 0.0, 6.0, 5.0)
    assert cut(A, (1.0, 1.0, 9.0, 9.0)) == (1.0, 1.0, 4.0, 2.0)


def test_overlaps_count_once_in_the_area_of_a_union() -> None:
    assert union_area_m2([]) == 0
    assert union_area_m2([A, A, (3.0, 1.0, 5.0, 3.0), (10.0, 0.0, 11.0, 1.0)]) == pytest.approx(8 + 4 - 1 + 1)
