from dataclasses import replace

import numpy as np
import pytest

from config.work import DetectionConfig
from detection.detect import detect
from detection.errors import DetectionError
from detection.forest.detector import Forest, hits_of
from detection.forest.ilastik_features import PER_SCALE, ilastik_features
from detection.forest.settings import TRAINING
from detection.forest.training import train
from detection.image.boxes import dice
from detection.image.frames import check_frame
from tests.detection.forests import annotate, small_forest
from tests.detection.synthetic import PIXEL_SIZE_UM, make_section


def test_it_finds_cells_of_sections_it_has_not_seen() -> None:
    found, cells = 0, 0
    for seed in (20, 21, 22):
        section = make_section(seed, cells=8)
        detection = detect(section.pixels, PIXEL_SIZE_UM, DetectionConfig(), detector=Forest(small_forest()))
        assert not detection.warnings
        boxes = [box for box in section.boxes if min(box.width_px, box.height_px) > 20]
        cells += len(boxes)
        found += sum(max(dice(box, cell.box_px) for cell in detection.cells) > 0.5 for box in boxes)
    assert cells >= 15
    assert found >= 0.9 * cells


def test_brightness_gain_and_offset_do_not_matter() -> None:
    section = make_section(23)
    forest = Forest(small_forest())
    plain, _ = forest.find(check_frame(section.pixels, PIXEL_SIZE_UM))
    louder, _ = forest.find(check_frame(section.pixels * np.uint16(4) + np.uint16(3000), PIXEL_SIZE_UM))
    assert [hit.box for hit in plain] == [hit.box for hit in louder]


def test_an_empty_frame_gives_nothing_and_says_why() -> None:
    pixels = make_section(24, cells=0).pixels
    detection = detect(pixels, PIXEL_SIZE_UM, DetectionConfig(), detector=Forest(small_forest()))
    assert detection.cells == ()
    assert "the forest gives no pixel a probability above" in detection.warnings[0]


def test_another_pixel_size_is_refused_unless_told() -> None:
    frame = check_frame(make_section(25).pixels, 0.25)
    with pytest.raises(
        DetectionError, match=r"0\.25 um, the forest was trained on 0\.178 um; --any-pixel-size"
    ):
        Forest(small_forest()).find(frame)
    hits, warnings = Forest(small_forest(), any_pixel_size=True).find(frame)
    assert hits
    assert "look at what it finds" in warnings[0]
    Forest(small_forest()).find(check_frame(make_section(25).pixels, 0.1778))


def test_training_is_repeatable_and_sums_up() -> None:
    section = annotate(make_section(26))
    first = train([section], replace(TRAINING, max_pixels=4000, trees=40))
    again = train([section], replace(TRAINING, max_pixels=4000, trees=40))
    for tree, other in zip(first.trees, again.trees, strict=True):
        np.testing.assert_array_equal(tree.threshold, other.threshold)
    summary = first.summary
    assert (summary.frames, summary.cells, summary.pixels) == (1, section.cells, 4000)
    assert summary.cell_share == pytest.approx(section.cell.mean(), abs=0.05)
    assert summary.oob_recall > 0.7
    assert summary.oob_precision > 0.7


def test_unknown_pixels_are_not_learnt() -> None:
    section = annotate(make_section(27))
    wrong = replace(section, cell=~section.cell, unknown=np.ones_like(section.cell))
    wrong.unknown[:, :256] = False
    wrong.cell[:, :256] = section.cell[:, :256]
    right = replace(section, unknown=wrong.unknown)
    one, two = (train([item], replace(TRAINING, max_pixels=4000, trees=40)) for item in (wrong, right))
    assert one.summary == two.summary


def test_what_cannot_be_trained_on_is_said() -> None:
    section = annotate(make_section(28))
    with pytest.raises(DetectionError, match="no annotated frame"):
        train([])
    with pytest.raises(DetectionError, match=r"0\.178 to 0\.25 um"):
        train([section, annotate(make_section(28), 0.25)])
    with pytest.raises(DetectionError, match="no pixels of cells"):
        train([replace(section, cell=np.zeros_like(section.cell))], replace(TRAINING, max_pixels=2000))
    with pytest.raises(DetectionError, match="no pixels of background"):
        train([replace(section, cell=np.ones_like(section.cell))], replace(TRAINING, max_pixels=2000))


def test_probabilities_become_boxes_with_their_mean() -> None:
    probability = np.zeros((60, 80), np.float32)
    probability[10:40, 20:50] = 0.9
    (hit,) = hits_of(probability, 0.36, 2, (119, 160))
    x0, y0, x1, y1 = hit.box.as_tuple()
    assert abs(x0 - 40) <= 2
    assert abs(y0 - 20) <= 2
    assert abs(x1 - 100) <= 2
    assert abs(y1 - 80) <= 2
    assert hit.confidence == pytest.approx(0.9, abs=0.06)
    probability[10:40, 20:50] = 0.45
    assert hits_of(probability, 0.36, 2, (119, 160)) == []


def test_features_of_a_slope_and_a_blob() -> None:
    slope = np.broadcast_to(np.arange(80, dtype=np.float32) * 2, (60, 80)).copy()
    of_slope = ilastik_features(slope, 0.5, [1.0]).reshape(60, 80, PER_SCALE)[30, 40]
    # Gaussian, Laplacian, gradient, difference, tensor and Hessian; sigma is 2 px, the slope 2 per px.
    np.testing.assert_allclose(of_slope, [80, 0, 4, 0, 16, 0, 0, 0], atol=1e-3)
    y, x = np.mgrid[:60, :80]
    blob = np.exp(-((x - 40.0) ** 2 + (y - 30.0) ** 2) / (2 * 4.0**2)).astype(np.float32)
    of_blob = ilastik_features(blob, 0.5, [1.0]).reshape(60, 80, PER_SCALE)[30, 40]
    assert of_blob[1] < -0.2
    assert of_blob[2] == pytest.approx(0, abs=1e-5)
    assert of_blob[6] == pytest.approx(of_blob[7], abs=1e-4)
    # A Gaussian blurred by a Gaussian: the curvature is known.
    assert of_blob[6] == pytest.approx(-(4**2) / (4**2 + 2**2) ** 2 * 2**2, rel=0.1)
