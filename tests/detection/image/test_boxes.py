import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detection.errors import DetectionError
from detection.image.boxes import BoxPx, dice, intersection_px, iou, union_fraction, union_mask

SHAPE = (40, 50)


@st.composite
def boxes(draw: st.DrawFn) -> BoxPx:
    x0, y0 = draw(st.integers(0, SHAPE[1] - 1)), draw(st.integers(0, SHAPE[0] - 1))
    return BoxPx(x0, y0, draw(st.integers(x0 + 1, SHAPE[1])), draw(st.integers(y0 + 1, SHAPE[0])))


def test_a_box_is_half_open() -> None:
    box = BoxPx(1, 2, 4, 8)
    assert (box.width_px, box.height_px, box.area_px) == (3, 6, 18)
    assert union_mask([box], SHAPE)[box.slices].all()
    assert union_mask([box], SHAPE).sum() == 18


@pytest.mark.parametrize("sides", [(3, 0, 3, 5), (0, 4, 5, 2)])
def test_a_box_without_pixels_is_refused(sides: tuple[int, int, int, int]) -> None:
    with pytest.raises(DetectionError, match="is empty"):
        BoxPx(*sides)


@given(boxes(), boxes())
def test_overlaps_agree_with_counted_pixels(a: BoxPx, b: BoxPx) -> None:
    mask_a, mask_b = union_mask([a], SHAPE), union_mask([b], SHAPE)
    shared, either = int((mask_a & mask_b).sum()), int((mask_a | mask_b).sum())
    assert intersection_px(a, b) == intersection_px(b, a) == shared
    assert iou(a, b) == pytest.approx(shared / either)
    assert dice(a, b) == pytest.approx(2 * shared / (a.area_px + b.area_px))
    assert union_fraction([a, b], SHAPE) == pytest.approx(either / (SHAPE[0] * SHAPE[1]))


@given(boxes(), st.integers(0, 60))
def test_a_dilated_box_holds_the_box_and_stays_in_the_frame(box: BoxPx, margin: int) -> None:
    grown = box.dilated(margin, SHAPE)
    assert grown.contains(box)
    assert BoxPx(0, 0, SHAPE[1], SHAPE[0]).contains(grown)
    assert grown.x0 == max(box.x0 - margin, 0)
    assert grown.y1 == min(box.y1 + margin, SHAPE[0])


def test_boxes_beyond_the_frame_count_only_inside_it() -> None:
    assert union_fraction([BoxPx(-5, -5, 5, 4), BoxPx(45, 36, 60, 60)], SHAPE) == (20 + 20) / 2000
    assert union_fraction([], SHAPE) == 0
    assert np.count_nonzero(union_mask([BoxPx(-9, -9, -1, -1)], SHAPE)) == 0
