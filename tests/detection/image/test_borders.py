import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.work import DetectionConfig
from detection.detect import detect
from detection.image.borders import clip_to_border, fill_border, zero_border
from detection.image.boxes import BoxPx, iou
from detection.image.frames import check_frame
from detection.image.hits import Hit
from tests.detection.synthetic import PIXEL_SIZE_UM, make_section


@given(st.tuples(*[st.integers(0, 30)] * 4), st.integers(0, 100))
def test_a_straight_border_is_found_exactly(sides: tuple[int, ...], seed: int) -> None:
    top, bottom, left, right = sides
    pixels = np.zeros((90, 100), np.uint16)
    inside = pixels[top : 90 - bottom, left : 100 - right]
    inside[:] = np.random.default_rng(seed).integers(1, 1000, inside.shape)
    border = zero_border(pixels)
    if border is None:
        assert not any(sides)
    else:
        np.testing.assert_array_equal(border, pixels == 0)


@pytest.mark.parametrize("kind", ["turned", "round"])
def test_a_slanted_border_is_found(kind: str) -> None:
    pixels = make_section(1).pixels
    if kind == "turned":
        turn = cv2.getRotationMatrix2D((256, 256), 3, 1)
        pixels = np.asarray(cv2.warpAffine(pixels, turn, (512, 512)), dtype=np.uint16)
    else:
        y, x = np.mgrid[:512, :512]
        pixels[(y - 256) ** 2 + (x - 256) ** 2 > 250**2] = 0
    border = zero_border(pixels)
    assert border is not None
    assert abs(border.mean() - np.mean(pixels == 0)) < 0.002


def test_dark_noise_and_subtracted_background_are_no_border() -> None:
    pixels = make_section(1, offset=0).pixels
    assert np.mean(pixels == 0) > 0.03
    assert zero_border(pixels) is None
    cut = np.where(pixels > 100, pixels, 0)
    assert np.mean(cut == 0) > 0.5
    assert zero_border(cut) is None


def test_a_border_is_filled_with_the_mirror_image() -> None:
    values = np.arange(100, dtype=np.float32).reshape(10, 10)
    border = np.zeros((10, 10), np.bool_)
    border[:2] = True
    np.testing.assert_array_equal(fill_border(values, border)[:2], values[4:2:-1])
    np.testing.assert_array_equal(fill_border(values, border)[2:], values[2:])


def test_hits_end_at_the_border() -> None:
    border = np.zeros((50, 60), np.bool_)
    border[:, :10] = True
    hits = [Hit(BoxPx(2, 5, 20, 15), 0.7), Hit(BoxPx(0, 20, 10, 30), 0.9), Hit(BoxPx(30, 0, 40, 9), 0.8)]
    assert clip_to_border(hits, border) == [Hit(BoxPx(10, 5, 20, 15), 0.7), hits[2]]


def test_a_clipped_hit_keeps_what_is_known_of_its_reach() -> None:
    border = np.zeros((50, 60), np.bool_)
    border[:, :10] = True
    outer = BoxPx(0, 3, 25, 18)
    clipped = clip_to_border(
        [Hit(BoxPx(2, 5, 20, 15), 0.7, outer=outer), Hit(BoxPx(2, 5, 20, 15), 0.7)], border
    )
    assert [hit.outer for hit in clipped] == [outer, None]
    assert {hit.box for hit in clipped} == {BoxPx(10, 5, 20, 15)}


def test_a_border_of_zeros_costs_no_cell() -> None:
    section = make_section(3)
    pixels = np.zeros((600, 620), np.uint16)
    pixels[40:552, 70:582] = section.pixels
    plain = detect(section.pixels, PIXEL_SIZE_UM, DetectionConfig())
    framed = detect(pixels, PIXEL_SIZE_UM, DetectionConfig())
    assert not check_frame(pixels, PIXEL_SIZE_UM).processed
    assert framed.warnings == ("29.5% of the frame is a border of zeros: nothing is looked for there",)
    clear = [cell.box_px for cell in plain.cells if cell.confidence > 0.9 and cell.box_px.area_px > 400]
    assert len(clear) > 5
    for box in clear:
        moved = BoxPx(box.x0 + 70, box.y0 + 40, box.x1 + 70, box.y1 + 40)
        assert max(iou(moved, cell.box_px) for cell in framed.cells) > 0.5
    for cell in framed.cells:
        assert BoxPx(70, 40, 582, 552).contains(cell.box_px)
