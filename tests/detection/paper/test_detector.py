import numpy as np
import pytest

from config.work import DetectionConfig
from detection.detect import detect
from detection.evaluation.dice import dice_matrix
from detection.image.boxes import BoxPx, iou
from detection.paper.detector import find_cells
from detection.paper.settings import PaperSettings, settings_for
from tests.detection import real_frames
from tests.detection.scores import precision, recall
from tests.detection.synthetic import PIXEL_SIZE_UM, make_section

CONFIG = DetectionConfig(detector="paper")


def matched(boxes: list[BoxPx], others: list[BoxPx]) -> int:
    return sum(any(iou(box, other) > 0.5 for other in others) for box in boxes)


@real_frames.needed
@pytest.mark.parametrize("sigma_px", [7, 8])
def test_it_finds_what_the_authors_program_finds(sigma_px: int) -> None:
    mine_matched = theirs_matched = mine_all = theirs_all = 0
    for name in real_frames.NAMES:
        theirs = real_frames.authors_boxes(sigma_px, name)
        frame = real_frames.pixels(name).astype(np.float32)
        mine = [hit.box for hit in find_cells(frame, PaperSettings(sigma_px=sigma_px), prepared=True)]
        mine_matched += matched(mine, theirs)
        theirs_matched += matched(theirs, mine)
        mine_all += len(mine)
        theirs_all += len(theirs)
    assert theirs_matched >= 0.95 * theirs_all
    assert mine_matched >= 0.95 * mine_all


@real_frames.needed
def test_a_frame_that_was_prepared_is_not_prepared_again() -> None:
    pixels = real_frames.pixels("fl01")
    detection = detect(pixels, real_frames.PIXEL_SIZE_UM, CONFIG)
    theirs = real_frames.authors_boxes(7, "fl01")
    assert matched([cell.box_px for cell in detection.cells], theirs) == len(theirs)


def test_the_published_pixel_size_gives_the_published_numbers() -> None:
    assert settings_for(0.17778) == settings_for(0.178) == PaperSettings()
    half = settings_for(0.356)
    assert (half.sigma_px, half.smallest_px, half.largest_px, half.ball_radius_px) == (3.5, 15, 45, 25)


def test_synthetic_sections_reach_what_the_method_reached_before() -> None:
    recalls, precisions = [], []
    for seed in range(4):
        section = make_section(seed, cells=10)
        detection = detect(section.pixels, PIXEL_SIZE_UM, CONFIG, 500.0)
        matrix = dice_matrix([cell.box_px for cell in detection.cells], section.boxes)
        recalls.append(recall(matrix))
        precisions.append(precision(matrix))
    assert np.mean(recalls) > 0.6
    assert np.mean(precisions) > 0.7


def test_noise_alone_gives_hits_of_little_confidence() -> None:
    section = make_section(0, cells=0)
    detection = detect(section.pixels, PIXEL_SIZE_UM, CONFIG, 500.0)
    assert detection.cells
    assert all(cell.confidence < CONFIG.doubtful_below for cell in detection.cells)
