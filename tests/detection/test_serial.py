import math

import numpy as np
import pytest

from config.work import DetectionConfig
from detection.boxes import BoxPx
from detection.cells import Hit
from detection.detect import detect
from detection.errors import DetectionError
from detection.frames import Frame
from detection.placed import SectionFrame
from detection.rigid import Rigid
from detection.serial import SerialDetector, SerialSection
from tests.detection.stacks import OFFSET, PIXEL_UM, SIZE_PX, Block

BLOCK = Block(8, cells=90)
CONFIG = DetectionConfig(dilate_um=0.5)
DUST = BoxPx(120, 100, 140, 120)


def laid(index: int) -> Rigid:
    """Sections lie anyhow, but all show the middle of the block."""
    rng = np.random.default_rng([4, index])
    x, y = rng.uniform(-14, 14, 2)
    return Rigid(float(rng.uniform(-math.pi, math.pi)), (float(x), float(y)))


def frame(index: int, **more: object) -> SectionFrame:
    return BLOCK.section(f"S{index + 1:04d}", 1 + 0.15 * index, laid(index), index, **more)  # type: ignore[arg-type]


def run(frames: list[SectionFrame], look_ahead: bool = True) -> list[SerialSection]:
    detector = SerialDetector(CONFIG, look_ahead=look_ahead)
    found = [section for one in frames for section in detector.add(one)]
    return found + detector.finish()


def track_at(section: SerialSection, index: int, cell: int) -> str | None:
    """Track of the detection that shows a cell."""
    x, y = BLOCK.box(cell, 1 + 0.15 * index, laid(index))
    for one in section.cells:
        box = one.cell.box_px
        if box.x0 <= x < box.x1 and box.y0 <= y < box.y1 and one.tracks:
            return one.tracks[0]
    return None


def central_cells() -> list[int]:
    """Cells that lie well within all frames."""
    cells = set(BLOCK.cuts(1.0)) & set(BLOCK.cuts(1 + 0.15 * 7))
    places = {cell: [BLOCK.box(cell, 1 + 0.15 * n, laid(n)) for n in range(8)] for cell in cells}
    return [
        cell for cell, at in places.items() if all((p > 20).all() and (p < SIZE_PX - 20).all() for p in at)
    ]


def test_sections_come_out_once_and_in_order_and_cells_keep_their_names() -> None:
    found = run([frame(n) for n in range(8)])
    assert [section.section for section in found] == [f"S{n + 1:04d}" for n in range(8)]
    assert not any(link.bad for section in found for link in section.links)
    cells = central_cells()
    assert len(cells) >= 8
    for cell in cells:
        assert len({track_at(section, n, cell) for n, section in enumerate(found)} - {None}) == 1


@pytest.mark.parametrize("look_ahead", [True, False])
def test_a_cell_missed_in_one_section_is_carried_with_the_reason(look_ahead: bool) -> None:
    cell = central_cells()[0]
    found = run([frame(n, faint=[cell] if n == 4 else []) for n in range(8)], look_ahead)
    x, y = BLOCK.box(cell, 1 + 0.15 * 4, laid(4))
    carried = [
        one
        for one in found[4].cells
        if not one.seen
        and one.cell.box_px.x0 <= x < one.cell.box_px.x1
        and one.cell.box_px.y0 <= y < one.cell.box_px.y1
    ]
    expected = "kept: seen in S0004 and S0006" if look_ahead else "kept: seen in S0003 and S0004"
    assert [one.cell.reason for one in carried] == [expected]
    assert carried[0].tracks[0] == track_at(found[3], 3, cell)
    assert carried[0].cell.image_box_px is not None


def test_without_look_ahead_each_section_comes_out_at_once() -> None:
    detector = SerialDetector(CONFIG, look_ahead=False)
    assert [len(detector.add(frame(n))) for n in range(3)] == [1, 1, 1]
    assert detector.finish() == []


def test_a_bad_section_is_reported_and_bridged() -> None:
    frames = [frame(n) for n in range(7)]
    frames[3] = Block(77, cells=90).section("S0004", 1.0, Rigid(), 3)
    found = run(frames)
    assert [len(section.links) for section in found] == [0, 1, 1, 3, 2, 1, 1]
    assert found[3].links[-1].bad
    assert "S0004 could not be registered on S0003" in found[3].warnings[-1]
    assert "registered on S0003 instead" in found[4].warnings[-1]
    assert found[4].place.chain == found[2].place.chain != found[3].place.chain
    cell = central_cells()[0]
    assert track_at(found[2], 2, cell) == track_at(found[5], 5, cell) is not None


def test_an_empty_stack_images_no_more_than_its_sections_alone() -> None:
    block = Block(1, cells=0)
    frames = [block.section(f"S{n + 1:04d}", 1, Rigid(), n) for n in range(6)]
    alone = [detect(one.pixels, PIXEL_UM, CONFIG, OFFSET).imaged_fraction for one in frames]
    assert [section.imaged_fraction for section in run(frames)] == alone
    assert sum(alone) < 0.01


def test_dust_on_the_camera_is_marked_and_not_imaged() -> None:
    block = Block(8, cells=40)
    frames = [block.section(f"S{n + 1:04d}", 1 + 0.15 * n, laid(n), n, dust=DUST) for n in range(8)]
    found = run(frames)
    marked = [
        one.cell
        for section in found
        for one in section.cells
        if one.cell.reason == "not imaged: fixed in the camera"
    ]
    assert len(marked) >= 4
    for cell in marked:
        assert cell.image_box_px is None
        assert abs(cell.box_px.x0 - DUST.x0) <= 4
        assert abs(cell.box_px.y0 - DUST.y0) <= 4


def test_the_window_does_not_grow() -> None:
    detector = SerialDetector(CONFIG)
    held = []
    for n in range(24):
        detector.add(frame(n % 8))
        held.append(len(detector._window))
    assert held[-1] <= 14
    assert held[-1] == held[-6]


def test_a_frame_that_cannot_be_used_is_refused_and_the_next_is_taken() -> None:
    detector = SerialDetector(CONFIG)
    detector.add(frame(0))
    with pytest.raises(DetectionError):
        detector.add(SectionFrame("S0002", np.zeros((8, 8), np.uint16), PIXEL_UM, OFFSET))
    detector.add(frame(1))
    assert [section.section for section in detector.finish()] == ["S0001", "S0002"]


class OneBox:
    """Finds the same box in every frame."""

    def find(self, frame: Frame) -> tuple[list[Hit], list[str]]:
        assert frame.pixel_size_um == PIXEL_UM
        return [Hit(BoxPx(100, 100, 120, 120), 0.9)], []


def test_a_detector_that_is_given_is_used() -> None:
    detector = SerialDetector(DetectionConfig(detector="one-box"), detector=OneBox())
    sections = [one for n in range(3) for one in detector.add(frame(n))] + detector.finish()
    boxes = [[one.cell.box_px for one in section.cells if one.seen] for section in sections]
    assert boxes == [[BoxPx(100, 100, 120, 120)]] * 3
