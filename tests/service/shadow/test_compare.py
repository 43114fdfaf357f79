from dataclasses import replace

import pytest

from drivers.pose import RectM
from service.model.specimen import Cell
from service.model.targets import LeftOut
from service.shadow.compare import Fate, Judged, Side, Why, judged, share_inside

UM = 1e-6


def rect(x0: float, y0: float, x1: float, y1: float) -> RectM:
    return x0 * UM, y0 * UM, x1 * UM, y1 * UM


def cell(number: int, box: RectM, margin_um: float | None = 0.0) -> Cell:
    """Return a cell that is imaged with a margin; None leaves it out."""
    x0, y0, x1, y1 = box
    by = (margin_um or 0.0) * UM
    return Cell(
        id=f"S0001/F000/c{number:04d}",
        field="S0001/F000",
        section="S0001",
        box_px=(0, 0, 1, 1),
        image_box_px=None if margin_um is None else (0, 0, 1, 1),
        rect_m=box,
        image_rect_m=None if margin_um is None else (x0 - by, y0 - by, x1 + by, y1 + by),
        confidence=0.5,
        reason="",
    )


def only(
    one: Cell, *others: Cell, frames_m: tuple[RectM, ...] = (), failed: frozenset[str] = frozenset()
) -> Judged:
    (found,) = judged(Side([one]), Side(others, frames_m, failed))
    return found


def test_the_share_of_a_cell_is_that_of_its_box_inside_all_boxes_of_the_other() -> None:
    box = rect(0, 0, 10, 10)
    assert share_inside(box, []) == 0
    assert share_inside(box, [rect(20, 0, 30, 10)]) == 0
    assert share_inside(box, [rect(0, 0, 5, 10), rect(4, 0, 7, 10)]) == pytest.approx(0.7)
    assert share_inside(box, [rect(-1, -1, 11, 11)]) == 1


def test_a_cell_is_kept_whole_kept_in_part_or_missed() -> None:
    one = cell(1, rect(0, 0, 10, 10))
    assert only(one, cell(1, rect(1, 1, 9, 9), 1.0)).fate is Fate.KEPT
    assert only(one, cell(1, rect(0, 0, 10, 6))).fate is Fate.PARTLY
    merged = only(one, cell(1, rect(0, 0, 30, 10)))
    assert (merged.fate, merged.why) == (Fate.KEPT, None)
    # Two boxes of the other show it together.
    assert only(one, cell(1, rect(0, 0, 5, 10)), cell(2, rect(5, 0, 10, 10))).fate is Fate.KEPT


def test_a_missed_cell_says_why_and_which_part_other_frames_show() -> None:
    one = cell(1, rect(0, 0, 10, 10))
    far = cell(2, rect(50, 50, 60, 60))
    gone = only(one, far, frames_m=(rect(-5, -5, 5, 20),))
    assert (gone.fate, gone.why) == (Fate.MISSED, Why.NOT_FOUND)
    assert gone.in_frames == pytest.approx(0.5)
    assert only(one, cell(2, rect(1, 1, 9, 9), None)).why is Why.NOT_KEPT
    assert only(one, replace(cell(2, rect(1, 1, 9, 9)), left_out=LeftOut.TOO_DIM)).why is Why.NOT_CHOSEN
    assert only(one, cell(2, rect(1, 1, 4, 4))).why is Why.SMALLER
    assert only(one, far, failed=frozenset({"S0001/F000"})).why is Why.NO_DETECTION


def test_only_what_is_imaged_is_judged() -> None:
    left_out = cell(1, rect(0, 0, 10, 10), None)
    unchosen = replace(cell(2, rect(0, 0, 10, 10)), left_out=LeftOut.NOT_IN_SAMPLE)
    assert judged(Side([left_out, unchosen]), Side([])) == ()
