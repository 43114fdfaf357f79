from detection.detect import NOTHING_LIKELY, NOTHING_STANDS_OUT, no_cells
from detection.image.boxes import BoxPx
from detection.image.hits import Cell, CellSource, Decision, Detection, Overlooked
from detection.serial.finishing import warnings_of_frame
from detection.serial.section import SerialCell

BOUND = Overlooked(5.0, 80.0, 0.4)
BOX = BoxPx(20, 20, 40, 40)
CARRIED = SerialCell(Cell("c0001", BOX, BOX, 0.5, "", source=CellSource.CARRIED), ("T0001",), seen=False)


def test_a_section_with_carried_cells_does_not_say_that_its_frame_has_none() -> None:
    bounded = Detection((), 0.0, ("saturated", no_cells(BOUND)), 1.0, BOUND)
    unbounded = Detection((), 0.0, ("saturated", NOTHING_STANDS_OUT), 1.0)
    for single in (bounded, unbounded):
        assert warnings_of_frame(single, []) == single.warnings
        assert warnings_of_frame(single, [CARRIED]) == ("saturated",)


def test_a_section_of_which_something_is_imaged_does_not_say_that_nothing_is() -> None:
    left_out = Cell("c0001", BOX, None, 0.01, "", decision=Decision.BELOW_FLOOR)
    single = Detection((left_out,), 0.0, ("saturated", NOTHING_LIKELY), 1.0)
    beside = SerialCell(left_out, (), seen=True)
    assert warnings_of_frame(single, [beside]) == single.warnings
    assert warnings_of_frame(single, [beside, CARRIED]) == ("saturated",)
