import math
from typing import Any

import numpy as np
import pytest

from detection.errors import DetectionError
from detection.image.boxes import BoxPx
from detection.image.hits import Cell as FoundCell
from detection.image.hits import CellSource, Decision
from detection.registration.rigid import Rigid, pixels_of_plane
from detection.serial.section import SerialCell
from drivers.pose import RectM, box_to_rect, to_stage
from service.analysis.mosaic import MOST_PX, FieldFrame, Mosaic, stitch_fields
from service.model.specimen import Cell
from tests.service.linked import SIDE_M, SIZE_M, field_frame

SHAPE = (256, 256)


def flat(number: int = 0, level: int = 1000, **pose: Any) -> FieldFrame:
    rng = np.random.default_rng(number)
    return field_frame(rng.normal(level, 20, SHAPE).astype(np.uint16), "S0001", number, **pose)


def row(overlap: float = 0.1, fields: int = 2, **pose: Any) -> list[FieldFrame]:
    """Fields from left to right."""
    return [flat(n, center_m=(n * (1 - overlap) * SIDE_M, 0.0), **pose) for n in range(fields)]


def box_around(mosaic: Mosaic, rect_m: RectM) -> BoxPx:
    """Box of pixels of a mosaic about a rectangle on the stage."""
    x0, y0, x1, y1 = (1e6 * v for v in rect_m)
    corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
    whole = mosaic.whole
    points = pixels_of_plane(whole.to_stage.inverse().apply(corners), whole.shape, whole.pixel_size_um)
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    return BoxPx(math.floor(left), math.floor(top), math.ceil(right), math.ceil(bottom))


def given_back(mosaic: Mosaic, rect_m: RectM, margin_px: int = 3) -> Cell:
    box = box_around(mosaic, rect_m)
    found = FoundCell(
        "c0007",
        box,
        box.dilated(margin_px, mosaic.whole.shape),
        0.9,
        "kept: confident",
        source=CellSource.CARRIED,
        decision=Decision.DOUBTFUL,
    )
    cells = mosaic.cells([SerialCell(found, ("T0003",), seen=False)])
    assert sorted(cells) == sorted(frame.field.id for frame in mosaic.frames)
    (cell,) = (cell for of_field in cells.values() for cell in of_field)
    assert cell in cells[cell.field]
    assert (cell.tracks, cell.seen, cell.confidence) == (("T0003",), False, 0.9)
    assert (cell.source, cell.decision) == (CellSource.CARRIED, Decision.DOUBTFUL)
    return cell


def close(a: RectM | None, b: RectM, pixels: float) -> bool:
    return a is not None and bool(np.allclose(a, b, rtol=0, atol=pixels * SIZE_M))


def holds(outer: RectM | None, inner: RectM) -> bool:
    assert outer is not None
    return bool(np.all(np.array(outer[:2]) <= np.array(inner[:2]) + 1e-12)) and bool(
        np.all(np.array(outer[2:]) >= np.array(inner[2:]) - 1e-12)
    )


def rect(x: float, y: float, half: float = 4e-6) -> RectM:
    return x - half, y - half, x + half, y + half


def test_one_field_is_its_own_mosaic() -> None:
    frame = flat()
    mosaic = stitch_fields([frame])
    assert np.array_equal(mosaic.whole.pixels, frame.pixels)
    box = BoxPx(10, 20, 40, 60)
    found = FoundCell("", box, box.dilated(2, SHAPE), 0.5, "kept: doubtful")
    (cell,) = mosaic.cells([SerialCell(found, (), seen=True)])["S0001/F000"]
    assert (cell.id, cell.box_px, cell.image_box_px) == (
        "S0001/F000/c0001",
        (10, 20, 40, 60),
        (8, 18, 42, 62),
    )
    assert cell.rect_m == box_to_rect(frame.pose, SHAPE, cell.box_px)


@pytest.mark.parametrize("flips", [(False, False), (True, False), (False, True), (True, True)])
@pytest.mark.parametrize("rotation", [0.0, 0.4, -2.0])
@pytest.mark.parametrize("fields", [1, 2])
def test_a_mark_is_given_back_where_it_was(flips: tuple[bool, bool], rotation: float, fields: int) -> None:
    """A bright square in one field: box of pixels and rectangle are those of the square, however it lies."""
    at: dict[str, Any] = {"rotation_rad": rotation, "flip_x": flips[0], "flip_y": flips[1]}
    step = Rigid(rotation).apply(np.array([[0.9 * SIDE_M, 0.0]]))[0]
    frames = [flat(n, center_m=(n * step[0], n * step[1]), **at) for n in range(fields)]
    mark = np.s_[60:90, 100:120]
    frames[-1].pixels[mark] = 9000
    mosaic = stitch_fields(frames)
    ys, xs = np.nonzero(mosaic.whole.pixels > 5000)
    box = BoxPx(int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1)
    found = FoundCell("", box, box, 0.9, "kept: confident")
    cells = mosaic.cells([SerialCell(found, (), seen=True)])
    (cell,) = cells[frames[-1].field.id]
    assert np.allclose(cell.box_px, (100, 60, 120, 90), atol=1.001)
    corners = to_stage(frames[-1].pose, SHAPE, np.array([[100, 60], [120, 60], [120, 90], [100, 90.0]]))
    true = (*corners.min(axis=0), *corners.max(axis=0))
    assert close(cell.rect_m, true, 2.9)


def test_a_cell_in_one_field_alone_keeps_its_place() -> None:
    mosaic = stitch_fields(row())
    true = rect(1.2 * SIDE_M, 5e-6)
    cell = given_back(mosaic, true)
    assert cell.field == "S0001/F001"
    assert holds(cell.rect_m, true)
    assert close(cell.rect_m, true, 2.01)
    assert cell.image_rect_m is not None
    assert holds(cell.image_rect_m, cell.rect_m)


def test_a_cell_in_the_overlap_goes_to_the_first_field() -> None:
    cell = given_back(stitch_fields(row(overlap=0.5)), rect(0.25 * SIDE_M, 0.0))
    assert cell.field == "S0001/F000"


@pytest.mark.parametrize(("shift", "field"), [(-2e-6, "S0001/F000"), (2e-6, "S0001/F001")])
def test_a_cell_across_a_seam_is_whole_on_the_stage_and_cut_in_pixels(shift: float, field: str) -> None:
    mosaic = stitch_fields(row(overlap=0.05))
    true = rect(0.475 * SIDE_M + shift, -10e-6, half=8e-6)
    cell = given_back(mosaic, true)
    assert cell.field == field
    assert holds(cell.rect_m, true)
    assert close(cell.rect_m, true, 2.01)
    for box in (cell.box_px, cell.image_box_px):
        assert box is not None
        assert box[0] >= 0
        assert box[2] <= 256
    assert 256 in cell.box_px[2:] if field.endswith("0") else cell.box_px[0] == 0


def test_what_lies_where_a_field_is_missing_is_told_and_not_imaged() -> None:
    first, _, third = row(fields=3)
    mosaic = stitch_fields([first, third])
    assert mosaic.whole.mask is not None
    cell = given_back(mosaic, rect(0.9 * SIDE_M, 0.0))
    assert cell.image_box_px is None
    assert cell.image_rect_m is None
    assert "no fluorescence of it is saved" in cell.reason
    assert close(cell.rect_m, rect(0.9 * SIDE_M, 0.0), 2.01)


def test_every_cell_is_given_back_once() -> None:
    mosaic = stitch_fields(row(fields=3))
    rng = np.random.default_rng(2)
    rows, columns = mosaic.whole.shape
    boxes = [
        BoxPx(int(x), int(y), int(x) + 20, int(y) + 15)
        for x, y in zip(rng.integers(0, columns - 20, 60), rng.integers(0, rows - 15, 60), strict=True)
    ]
    found = [SerialCell(FoundCell("", box, box, 0.9, "kept"), (), seen=True) for box in boxes]
    cells = [cell for of_field in mosaic.cells(found).values() for cell in of_field]
    assert len({cell.id for cell in cells}) == len(cells) == 60
    assert all(cell.image_box_px is not None for cell in cells)


def test_fields_that_are_no_picture_of_one_place_are_refused() -> None:
    with pytest.raises(DetectionError, match="lie far apart"):
        stitch_fields([flat(), flat(1, center_m=(10 * SIDE_M, 0.0))])
    far = SIZE_M * MOST_PX / 256
    with pytest.raises(DetectionError, match="million pixels"):
        stitch_fields([flat(), flat(1, center_m=(far, 0.0))])
    other = field_frame(np.full(SHAPE, 9, np.uint8), "S0001", 1)
    with pytest.raises(DetectionError, match="differ"):
        stitch_fields([flat(), other])
