"""Trimming takes ground off frames and adds none."""

from collections.abc import Sequence

from hypothesis import example, given
from hypothesis import strategies as st

from planner.cover.seams import not_shown, trimmed
from planner.geometry.rects import RectM, holds
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
