from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from detection.image.boxes import BoxPx, union_mask
from detection.image.hits import Cell, CellSource, Decision
from detection.serial.hits_of_one_cell import absorbed, are_covered, gives_one_box_a_cell, join_alike

SHAPE = (120, 160)


def hit(box: BoxPx, confidence: float = 0.9, margin_px: int = 3) -> Cell:
    return Cell("", box, box.dilated(margin_px, SHAPE), confidence, "kept: confident")


boxes = st.builds(
    lambda x, y, width, height: BoxPx(x, y, x + width, y + height),
    st.integers(0, 120),
    st.integers(0, 80),
    st.integers(2, 40),
    st.integers(2, 40),
)
hits = st.lists(st.builds(hit, boxes, st.floats(0.1, 1)), max_size=12)


def test_boxes_of_one_cell_become_one_that_is_imaged_with_both() -> None:
    sure, unsure = hit(BoxPx(20, 20, 60, 60), 0.95), hit(BoxPx(24, 22, 66, 62), 0.8)
    (one,) = join_alike([unsure, sure])
    assert one.box_px == sure.box_px
    assert one.image_box_px == BoxPx(17, 17, 69, 65)


def test_cells_that_touch_stay_two() -> None:
    two = (hit(BoxPx(20, 20, 60, 60)), hit(BoxPx(50, 30, 90, 70)))
    assert join_alike(two) == two
    assert are_covered(two, SHAPE) == [False, False]


def test_a_hit_below_the_floor_is_imaged_with_one_above_it() -> None:
    box = BoxPx(20, 20, 60, 60)
    below = replace(hit(box, 0.9), image_box_px=None, decision=Decision.BELOW_FLOOR, reason="not imaged: x")
    (one,) = join_alike([below, hit(box.dilated(1, SHAPE), 0.5)])
    assert (one.decision, one.reason) == (Decision.KEPT, "kept: confident")
    assert one.image_box_px is not None


def test_a_hit_mostly_in_surer_ones_is_covered() -> None:
    sides = [hit(BoxPx(20, 20, 60, 60), 0.95), hit(BoxPx(58, 20, 98, 60), 0.95)]
    assert are_covered([hit(BoxPx(40, 24, 78, 58), 0.9), *sides], SHAPE) == [True, False, False]
    assert are_covered([hit(BoxPx(40, 24, 78, 58), 0.99), *sides], SHAPE) == [False, False, False]


def test_what_the_section_shows_itself_is_trusted_before_the_average() -> None:
    own = hit(BoxPx(20, 20, 60, 60), 0.8)
    averaged = replace(hit(BoxPx(30, 25, 62, 60), 0.99), source=CellSource.AVERAGED)
    assert are_covered([averaged, own], SHAPE) == [True, False]


def test_what_is_no_cell_covers_nothing_and_is_never_imaged() -> None:
    box = BoxPx(20, 20, 60, 60)
    dust = replace(hit(box, 0.99), image_box_px=None, decision=Decision.FIXED_PATTERN)
    inner, cell = hit(BoxPx(30, 30, 50, 50), 0.8), hit(BoxPx(28, 28, 66, 66), 0.9)
    assert are_covered([dust, inner], SHAPE) == [False, False]
    left = absorbed([dust, cell, inner], [True, True, False], SHAPE)
    assert left[0].image_box_px is None


@given(hits)
def test_nothing_that_is_imaged_is_lost(found: list[Cell]) -> None:
    before = union_mask([one.image_box_px for one in found if one.image_box_px], SHAPE)
    joined = join_alike(found)
    keep = [not one for one in are_covered(joined, SHAPE)]
    left = absorbed(joined, keep, SHAPE)
    after = union_mask([one.image_box_px for one in left if one.image_box_px], SHAPE)
    assert (after | ~before).all()
    assert len(left) == sum(keep)
    assert bool(left) == bool(found)


def test_a_detector_that_knows_its_sides_gives_one_box_a_cell() -> None:
    known = replace(hit(BoxPx(20, 20, 60, 60)), outer_px=BoxPx(15, 15, 65, 65))
    other = hit(BoxPx(80, 20, 120, 60))
    assert gives_one_box_a_cell([known, known, other])
    assert not gives_one_box_a_cell([known, other, other])
    assert not gives_one_box_a_cell([])
