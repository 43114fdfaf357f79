import pytest

from planner.geometry.rects import area_m2, center, centered, cut, grown, hull, overlap, touch, union_area_m2

A, B = (0.0, 0.0, 4.0, 2.0), (4.0, 1.0, 6.0, 5.0)


def test_a_rectangle_has_a_centre_a_size_and_a_margin() -> None:
    assert centered((2.0, 1.0), (4.0, 2.0)) == A
    assert center(A) == (2.0, 1.0)
    assert area_m2(A) == 8.0
    assert grown(A, 1.0) == (-1.0, -1.0, 5.0, 3.0)
    assert grown(grown(A, 0.5), -0.5) == A


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
