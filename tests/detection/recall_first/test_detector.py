import cv2
import numpy as np
import pytest

from config.work import DetectionConfig
from detection.detect import detect
from detection.evaluation.dice import dice_matrix
from detection.image.boxes import BoxPx, union_fraction, union_mask
from detection.image.frames import check_frame
from detection.image.working_grid import on_working_grid
from detection.recall_first.detector import hits_of
from detection.recall_first.settings import RECALL_FIRST
from detection.recall_first.standing import stand_out
from tests.detection import real_frames
from tests.detection.scores import contained_recall, precision, recall
from tests.detection.synthetic import PIXEL_SIZE_UM, make_section

CONFIG = DetectionConfig(detector="recall-first", dilate_um=0.5)
OFFSET = 500.0


def imaged_boxes(pixels: np.ndarray, pixel_size_um: float = PIXEL_SIZE_UM) -> list[BoxPx]:
    cells = detect(pixels, pixel_size_um, CONFIG, OFFSET).cells
    return [cell.image_box_px for cell in cells if cell.image_box_px is not None]


@pytest.mark.parametrize("noise_sd", [20.0, 40.0, 60.0])
def test_cells_are_imaged_whole_at_every_noise_of_the_paper(noise_sd: float) -> None:
    contained, recalls, precisions, imaged = [], [], [], []
    for seed in range(10, 14):
        section = make_section(seed, cells=12, noise_sd=noise_sd)
        detection = detect(section.pixels, PIXEL_SIZE_UM, CONFIG, OFFSET)
        boxes = [cell.image_box_px for cell in detection.cells if cell.image_box_px is not None]
        contained.append(contained_recall(section.masks, boxes, section.pixels.shape))
        matrix = dice_matrix([cell.box_px for cell in detection.cells], section.boxes)
        recalls.append(recall(matrix))
        precisions.append(precision(matrix))
        imaged.append(detection.imaged_fraction / union_fraction(section.boxes, section.pixels.shape))
    assert np.mean(contained) >= 0.97
    assert np.mean(recalls) >= 0.85
    assert np.mean(precisions) >= 0.9
    assert np.mean(imaged) < 1.8


@pytest.mark.parametrize("bell", [0.0, 80.0, 800.0])
def test_an_empty_frame_images_next_to_nothing(bell: float) -> None:
    for seed in range(3):
        section = make_section(seed, cells=0, bell=bell)
        assert union_fraction(imaged_boxes(section.pixels), section.pixels.shape) < 0.03


def test_small_dim_and_bordering_cells_are_imaged() -> None:
    small = make_section(5, cells=12, radius_um=(1.5, 0.2))
    assert contained_recall(small.masks, imaged_boxes(small.pixels), small.pixels.shape) >= 0.9
    dim = make_section(5, cells=8, brightness=(40.0, 1.0))
    assert contained_recall(dim.masks, imaged_boxes(dim.pixels), dim.pixels.shape) >= 0.9
    pixels = make_section(5, cells=0).pixels
    pixels[200:230, :6] += 100
    boxes = imaged_boxes(pixels)
    assert any(box.contains(BoxPx(0, 200, 6, 230)) for box in boxes)


@pytest.mark.parametrize("pixel_size_um", [0.1, 0.356])
def test_sizes_are_micrometres_not_pixels(pixel_size_um: float) -> None:
    section = make_section(3, cells=8, pixel_size_um=pixel_size_um, size_px=round(60 / pixel_size_um))
    boxes = imaged_boxes(section.pixels, pixel_size_um)
    assert contained_recall(section.masks, boxes, section.pixels.shape) >= 0.95


def test_the_same_frame_in_other_grey_levels_gives_the_same_cells() -> None:
    section = make_section(2, cells=10)
    brighter = (section.pixels.astype(np.int64) * 8).astype(np.uint16)
    plain = detect(section.pixels, PIXEL_SIZE_UM, CONFIG, OFFSET).cells
    scaled = detect(brighter, PIXEL_SIZE_UM, CONFIG, 8 * OFFSET).cells
    assert [cell.box_px for cell in plain] == [cell.box_px for cell in scaled]


def test_two_touching_cells_are_two() -> None:
    pixels = make_section(1, cells=0).pixels
    y, x = np.mgrid[:512, :512]
    for column in (200, 258):
        pixels[(x - column) ** 2 + (y - 256) ** 2 <= 31**2] += 150
    boxes = [cell.box_px for cell in detect(pixels, PIXEL_SIZE_UM, CONFIG, OFFSET).cells]
    truth = [BoxPx(169, 225, 232, 288), BoxPx(227, 225, 290, 288)]
    assert recall(dice_matrix(boxes, truth)) == 1
    assert len(boxes) == 2


def test_a_hot_pixel_is_no_cell() -> None:
    pixels = make_section(1, cells=0).pixels
    pixels[100, 100] = pixels[300, 0] = 40_000
    assert not imaged_boxes(pixels)


def test_a_point_that_the_objective_blurs_is_kept() -> None:
    pixels = make_section(1, cells=0).pixels
    y, x = np.mgrid[:512, :512]
    pixels += (800 * np.exp(-((x - 100) ** 2 + (y - 100) ** 2) / (2 * 1.5**2))).astype(np.uint16)
    assert any(box.contains(BoxPx(98, 98, 103, 103)) for box in imaged_boxes(pixels))


@pytest.mark.parametrize("cells", [150, 220])
def test_a_crowded_frame_is_named_and_imaged_nearly_whole(cells: int) -> None:
    section = make_section(4, cells=cells)
    detection = detect(section.pixels, PIXEL_SIZE_UM, CONFIG, OFFSET)
    boxes = [cell.image_box_px for cell in detection.cells if cell.image_box_px is not None]
    assert "cells lie so densely" in detection.warnings[0]
    assert contained_recall(section.masks, boxes, section.pixels.shape) >= 0.98


@real_frames.needed
@pytest.mark.parametrize("name", real_frames.NAMES)
def test_real_frames_are_imaged_in_part_and_their_clear_cells_whole(name: str) -> None:
    pixels = real_frames.pixels(name)
    detection = detect(pixels, real_frames.PIXEL_SIZE_UM, DetectionConfig(detector="recall-first"))
    boxes = [cell.image_box_px for cell in detection.cells if cell.image_box_px is not None]
    assert "background was subtracted" in detection.warnings[0]
    imaged = union_mask(boxes, pixels.shape)
    inside = [imaged[box.slices].mean() >= 0.95 for box in real_frames.marked("clear", name)]
    assert np.mean(inside) >= 0.8
    assert detection.imaged_fraction < 0.5


def test_uneven_autofluorescence_is_no_cell() -> None:
    rng = np.random.default_rng(2)
    lumps = cv2.GaussianBlur(rng.standard_normal((512, 512)), (0, 0), 15)
    light = 1000 * (1 + 0.1 * lumps / lumps.std())
    pixels = (OFFSET + light + rng.normal(0, 100, light.shape)).astype(np.uint16)
    assert union_fraction(imaged_boxes(pixels), pixels.shape) < 0.02


def test_an_open_ring_and_scattered_puncta_are_one_cell_each() -> None:
    pixels = make_section(1, cells=0).pixels.astype(np.float64)
    y, x = np.mgrid[:512, :512]
    radius, angle = np.hypot(x - 150, y - 150), np.arctan2(y - 150, x - 150)
    pixels[(radius < 31) & (radius > 22) & (np.abs(angle) > 0.5)] += 120
    for turn in np.arange(0, 2 * np.pi, np.pi / 5):
        column, row = 370 + 24 * np.cos(turn), 370 + 24 * np.sin(turn)
        pixels += 400 * np.exp(-((x - column) ** 2 + (y - row) ** 2) / (2 * 2.0**2))
    cells = detect(pixels.astype(np.uint16), PIXEL_SIZE_UM, CONFIG, OFFSET).cells
    truth = [BoxPx(119, 119, 181, 181), BoxPx(342, 342, 398, 398)]
    matrix = dice_matrix([cell.box_px for cell in cells], truth)
    assert recall(matrix) == precision(matrix) == 1
    assert len(cells) == 2


def test_puncta_stay_apart_where_fragments_are_not_joined() -> None:
    pixels = make_section(1, cells=0, size_px=160).pixels.astype(np.float64)
    y, x = np.mgrid[:160, :160]
    for turn in np.arange(7) * 2 * np.pi / 7:
        column, row = 80 + 30 * np.cos(turn), 80 + 30 * np.sin(turn)
        pixels += 400 * np.exp(-((x - column) ** 2 + (y - row) ** 2) / (2 * 2.0**2))
    frame = check_frame(pixels.astype(np.uint16), PIXEL_SIZE_UM, OFFSET)
    grid = on_working_grid(frame, RECALL_FIRST.working_pixel_um)
    standing = stand_out(frame, grid)
    (whole,) = hits_of(frame, grid, standing)
    apart = hits_of(frame, grid, standing, join=False)
    assert len(apart) > 1
    assert all(whole.box.contains(hit.box) for hit in apart)


def test_where_the_background_is_lost_pixels_may_be_left_to_others() -> None:
    crowd = check_frame(make_section(4, cells=150).pixels, PIXEL_SIZE_UM, OFFSET)
    plain = check_frame(make_section(3).pixels, PIXEL_SIZE_UM, OFFSET)
    for frame, is_crowded in ((crowd, True), (plain, False)):
        grid = on_working_grid(frame, RECALL_FIRST.working_pixel_um)
        own, left = stand_out(frame, grid), stand_out(frame, grid, left_to_others=True)
        assert own.crowded == left.crowded == is_crowded
        assert np.array_equal(own.z, left.z)
        assert own.mask.any()
        assert np.array_equal(left.mask, own.mask & (not is_crowded))


def test_a_fold_across_the_frame_is_imaged_in_pieces() -> None:
    pixels = make_section(1, cells=0).pixels
    y, x = np.mgrid[:512, :512]
    fold = np.abs(x - y) < 8
    pixels[fold] += 150
    boxes = imaged_boxes(pixels)
    assert union_mask(boxes, pixels.shape)[fold].mean() >= 0.99
    assert union_fraction(boxes, pixels.shape) < 0.3


def test_a_cell_as_dim_as_the_noise_of_a_pixel_is_imaged_whole() -> None:
    contained = []
    for seed in range(4):
        section = make_section(seed, cells=6, brightness=(40.0, 1.0), noise_sd=50.0)
        contained.append(contained_recall(section.masks, imaged_boxes(section.pixels), section.pixels.shape))
    assert np.mean(contained) >= 0.9
