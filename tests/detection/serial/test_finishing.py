from detection.detect import NOTHING_STANDS_OUT, no_cells
from detection.image.boxes import BoxPx
from detection.image.hits import Cell, CellSource, Detection, Overlooked
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
