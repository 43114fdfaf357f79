import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from planner.geometry.rects import union_area_m2
from planner.geometry.shapes import decompose

UM = 1e-6


@settings(deadline=None)
@given(arrays(np.bool_, st.tuples(st.integers(1, 6), st.integers(1, 6))), st.sampled_from([0.0, 0.4, 2.0]))
def test_rectangles_fill_the_shape_exactly_and_none_is_superfluous(
    mask: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], overlap_um: float
) -> None:
    xs, ys = (np.arange(count + 1, dtype=np.float64) * UM for count in mask.shape[::-1])
    rects = decompose(xs, ys, mask, overlap_um * UM)
    fine = np.zeros((mask.shape[0] * 10, mask.shape[1] * 10), dtype=np.bool_)
    for rect in rects:
        x0, y0, x1, y1 = (round(v / UM * 10) for v in rect)
        fine[y0:y1, x0:x1] = True
    assert (fine == mask.repeat(10, axis=0).repeat(10, axis=1)).all()
    for a, b in itertools.permutations(rects, 2):
        assert not (a[0] <= b[0] and a[1] <= b[1] and a[2] >= b[2] and a[3] >= b[3])


def test_the_second_arm_of_an_l_is_taken_with_the_overlap_only() -> None:
    edges = np.array([0.0, 10, 20]) * UM
    mask = np.array([[True, True], [True, False]])
    assert {tuple(round(v / UM) for v in r) for r in decompose(edges, edges, mask, 3 * UM)} in (
        {(0, 0, 20, 10), (0, 7, 10, 20)},
        {(0, 0, 10, 20), (7, 0, 20, 10)},
    )


@given(
    st.lists(
        st.tuples(st.integers(0, 20), st.integers(0, 20), st.integers(1, 9), st.integers(1, 9)), max_size=12
    )
)
def test_the_area_of_a_union_counts_every_point_once(sides: list[tuple[int, int, int, int]]) -> None:
    painted = np.zeros((32, 32), dtype=np.bool_)
    for x, y, w, h in sides:
        painted[y : y + h, x : x + w] = True
    assert union_area_m2((x, y, x + w, y + h) for x, y, w, h in sides) == painted.sum()
