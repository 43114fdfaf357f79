from hypothesis import given
from hypothesis import strategies as st

from config.work import DetectionConfig
from detection.fragments import fragment_groups
from detection.image.boxes import BoxPx
from detection.image.hits import Hit
from detection.policy import apply_policy

SHAPE = (500, 500)
UM = 0.2
LEFT, RIGHT = BoxPx(100, 100, 125, 150), BoxPx(130, 105, 155, 150)
"""Halves of a cell of 11 x 10 um with a dark band of 1 um."""


def test_halves_of_a_cell_go_together() -> None:
    assert fragment_groups([LEFT, BoxPx(300, 300, 340, 340), RIGHT], SHAPE, UM) == [[0, 2]]


def test_a_piece_that_fits_only_what_others_make_goes_with_them() -> None:
    corner = BoxPx(100, 153, 155, 165)
    assert fragment_groups([LEFT, corner, RIGHT], SHAPE, UM) == [[0, 1, 2]]


def test_whole_cells_stay_apart() -> None:
    cells = [BoxPx(x, 100, x + 50, 150) for x in (0, 51, 102, 153)]
    assert fragment_groups(cells, SHAPE, UM) == []


def test_what_lies_apart_or_across_a_corner_stays_apart() -> None:
    assert fragment_groups([LEFT, BoxPx(135, 105, 160, 150)], SHAPE, UM) == []
    assert fragment_groups([BoxPx(100, 100, 125, 125), BoxPx(125, 125, 150, 150)], SHAPE, UM) == []


def test_in_a_crowded_frame_neighbours_are_other_cells() -> None:
    assert fragment_groups([LEFT, RIGHT], (160, 160), UM) == [[0, 1]]
    assert fragment_groups([LEFT, RIGHT, BoxPx(0, 0, 155, 40)], (160, 160), UM) == []


def test_the_usual_size_is_that_of_the_frame() -> None:
    small = [BoxPx(x, y, x + 25, y + 25) for x in (0, 100, 200, 300) for y in (300, 400)]
    large = [BoxPx(x, 400, x + 60, 460) for x in (0, 100, 200, 300)]
    halves = [BoxPx(100, 100, 135, 170), BoxPx(137, 100, 172, 170)]
    assert fragment_groups([*halves, *small], SHAPE, UM) == []
    assert fragment_groups([*halves, *large], SHAPE, UM) == [[0, 1]]


def test_the_box_around_both_is_imaged_and_the_books_say_so() -> None:
    first, second = apply_policy([Hit(LEFT, 0.9), Hit(RIGHT, 0.3)], SHAPE, UM, DetectionConfig(dilate_um=0.4))
    assert (first.box_px, second.box_px) == (LEFT, RIGHT)
    whole = BoxPx(98, 98, 157, 152)
    assert first.image_box_px == whole
    # The doubtful one keeps its own, larger margin.
    assert second.image_box_px == BoxPx(98, 98, 160, 155)
    assert first.reason == "kept: confident; imaged together with c0002"
    assert second.reason == "kept: doubtful, grown by 0.5 um; imaged together with c0001"


def test_what_is_not_imaged_takes_nothing_with_it() -> None:
    config = DetectionConfig(dilate_um=0.4, min_confidence=0.05)
    first, second = apply_policy([Hit(LEFT, 0.9), Hit(RIGHT, 0.01)], SHAPE, UM, config)
    assert first.image_box_px == LEFT.dilated(2, SHAPE)
    assert second.image_box_px is None


boxes = st.builds(
    lambda x, y, w, h: BoxPx(x, y, x + w, y + h),
    st.integers(0, 900),
    st.integers(0, 900),
    st.integers(1, 90),
    st.integers(1, 90),
)


@given(st.lists(boxes, max_size=30))
def test_every_box_is_in_one_group_at_most(found: list[BoxPx]) -> None:
    groups = fragment_groups(found, (1000, 1000), UM)
    indices = [index for group in groups for index in group]
    assert len(indices) == len(set(indices))
    assert all(len(group) > 1 and group == sorted(group) for group in groups)
    assert all(0 <= index < len(found) for index in indices)


def test_hits_with_outer_boxes_are_imaged_by_these_alone() -> None:
    config = DetectionConfig(dilate_um=0.4)
    known = [Hit(box, 0.9, outer=box.dilated(4, SHAPE)) for box in (LEFT, RIGHT)]
    first, second = apply_policy(known, SHAPE, UM, config)
    assert "together" not in first.reason + second.reason
    beside_unknown = apply_policy([known[0], Hit(RIGHT, 0.9)], SHAPE, UM, config)
    assert all("together" not in cell.reason for cell in beside_unknown)
