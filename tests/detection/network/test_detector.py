from collections.abc import Iterator
from dataclasses import replace

import cv2
import numpy as np
import pytest

from detection.image.boxes import BoxPx
from detection.image.frames import check_frame
from detection.image.working_grid import on_working_grid
from detection.network.detector import Network, calibrated, hits_of
from detection.network.inputs import WORKING_PIXEL_UM
from detection.network.model import Calibration
from detection.network.reading import Reading
from tests.detection.network.networks import random_model, random_network
from tests.detection.synthetic import PIXEL_SIZE_UM, make_section


@pytest.fixture
def any_threads() -> Iterator[None]:
    before = cv2.getNumThreads()
    yield
    cv2.setNumThreads(before)


@pytest.mark.usefixtures("any_threads")
def test_the_same_frame_gives_the_same_hits_on_any_number_of_threads() -> None:
    frame = check_frame(make_section(5, size_px=200).pixels, PIXEL_SIZE_UM)
    first, _ = random_network().find(frame)
    assert first
    assert first == random_network().find(frame)[0]
    for threads in (1, 4):
        cv2.setNumThreads(threads)
        assert Network(random_model()).find(frame)[0] == first


@pytest.mark.parametrize(
    ("shape", "pixel_size_um"),
    [((16, 16), 0.178), ((16, 90), 2.0), ((61, 47), 0.05), ((61, 47), 0.3), ((40, 40), 1.0)],
)
def test_hits_of_every_frame_lie_inside_it(shape: tuple[int, int], pixel_size_um: float) -> None:
    pixels = np.random.default_rng(3).normal(500, 20, shape).astype(np.uint16)
    pixels[4:12, 4:12] += np.uint16(400)
    hits, _ = random_network().find(check_frame(pixels, pixel_size_um))
    whole = BoxPx(0, 0, shape[1], shape[0])
    for hit in hits:
        assert hit.outer is not None
        assert whole.contains(hit.outer)
        assert hit.outer.contains(hit.box)
        assert 0 <= hit.confidence <= 1
        assert all(isinstance(side, int) for side in hit.outer.as_tuple())


def test_byte_order_and_depth_do_not_matter() -> None:
    pixels = make_section(6, size_px=128).pixels
    plain = random_network().find(check_frame(pixels, PIXEL_SIZE_UM))
    assert random_network().find(check_frame(pixels.astype(">u2"), PIXEL_SIZE_UM)) == plain
    small = (pixels // 8).astype(np.uint8)
    of_bytes = random_network().find(check_frame(small, PIXEL_SIZE_UM))
    assert random_network().find(check_frame(small.astype(np.uint16), PIXEL_SIZE_UM)) == of_bytes


def test_boxes_come_in_pixels_of_the_frame() -> None:
    grid = on_working_grid(check_frame(make_section(7, size_px=100).pixels, 0.12), WORKING_PIXEL_UM)
    assert grid.shrink == 3
    boxes = np.array([[2, 3, 10.2, 12.1], [0, 0, 33.4, 33.4]], np.float32)
    outer = boxes + np.array([-1, -1, 1, 1], np.float32)
    reading = Reading(boxes, outer, np.array([0.9, 0.2], np.float32))
    first, second = hits_of(reading, grid, (100, 100), Calibration())
    assert first.box == BoxPx(6, 9, 31, 36)
    assert first.outer == BoxPx(3, 6, 34, 39)
    assert first.confidence == pytest.approx(0.9, abs=1e-5)
    assert second.box.contains(BoxPx(0, 0, 100, 100))
    assert second.outer == BoxPx(0, 0, 100, 100)


def test_confidence_is_what_the_calibration_says() -> None:
    plain = Calibration()
    assert calibrated(0.3, 9.0, plain) == pytest.approx(0.3)
    assert calibrated(0.3, 5.0, replace(plain, per_size=2.0)) == pytest.approx(0.3)
    assert calibrated(0.3, 10.0, replace(plain, per_size=2.0)) == pytest.approx(12 / 19)
    assert calibrated(0.5, 5.0, replace(plain, base=np.log(3))) == pytest.approx(0.75)
    for score in (0.0, 1.0):
        assert 0 <= calibrated(score, 0.0, Calibration(20.0, 20.0, -20.0)) <= 1
