"""Whatever comes in: a result or one sentence, and never an empty list without a reason."""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from config.work import DetectionConfig
from detection.detect import detect
from detection.detectors import Detector, Paper, RecallFirst
from detection.errors import DetectionError
from detection.forest.detector import Forest
from detection.image.boxes import BoxPx, iou
from detection.image.frames import Frame
from detection.image.hits import Detection, Hit
from detection.plugins import Plugin
from tests.detection.forests import small_forest
from tests.detection.synthetic import PIXEL_SIZE_UM, make_section
from tests.examples import examples

Pixels = NDArray[Any]


class Threshold:
    """A detector that a laboratory may bring: it knows nothing of odd frames."""

    def find(self, frame: Frame) -> tuple[list[Hit], list[str]]:
        mask = (frame.values > frame.values.mean() + 2 * frame.values.std()).astype(np.uint8)
        count, _, stats, _ = cv2.connectedComponentsWithStats(mask)
        boxes = [BoxPx(x, y, x + w, y + h) for x, y, w, h, _ in stats[1:count].tolist()]
        return [Hit(box, 0.5) for box in boxes], []


def detector_named(name: str) -> Detector:
    detectors: dict[str, Callable[[], Detector]] = {
        "recall-first": RecallFirst,
        "paper": Paper,
        "paper, denoised": lambda: Paper("nl-means"),
        "plug-in": lambda: Plugin("threshold", Threshold()),
        "forest": lambda: Forest(small_forest(), any_pixel_size=True),
    }
    return detectors[name]()


names = pytest.mark.parametrize("name", ["recall-first", "paper", "paper, denoised", "plug-in", "forest"])


def find(pixels: Pixels, name: str, pixel_size_um: float = PIXEL_SIZE_UM) -> Detection:
    """Detect, and check what every result must be."""
    found = detect(pixels, pixel_size_um, DetectionConfig(), detector=detector_named(name))
    frame = BoxPx(0, 0, pixels.shape[1], pixels.shape[0])
    assert all(frame.contains(cell.box_px) and 0 <= cell.confidence <= 1 for cell in found.cells)
    assert found.cells or found.warnings
    return found


dtypes = st.sampled_from(
    ["u1", "u2", ">u2", "i1", "i2", "i4", "u4", "u8", "f2", "f4", ">f4", "f8", "?", "c8"]
)
anything = dtypes.flatmap(
    lambda dtype: arrays(np.dtype(dtype), array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=40))
)
sparse = st.tuples(st.sampled_from([np.uint8, np.uint16]), st.integers(16, 60), st.integers(16, 60)).flatmap(
    lambda kind: arrays(np.dtype(kind[0]), kind[1:], fill=st.sampled_from([0, 1, 200, 255]))
)


@names
@examples(20)
@example(pixels=np.full((20, 20), np.nan), pixel_size_um=0.2)
@given(pixels=st.one_of(anything, sparse), pixel_size_um=st.floats(allow_nan=True))
def test_any_array_gives_a_result_or_a_sentence(name: str, pixels: Pixels, pixel_size_um: float) -> None:
    said = ""
    try:
        find(pixels, name, pixel_size_um)
    except DetectionError as error:
        said = str(error)
    assert len(said) < 200
    assert "\n" not in said


@names
@examples(12)
@given(pixels=sparse, pixel_size_um=st.floats(0.01, 5))
def test_frames_of_any_content_and_pixel_size_are_taken(
    name: str, pixels: Pixels, pixel_size_um: float
) -> None:
    find(pixels, name, pixel_size_um)


@names
@pytest.mark.parametrize(
    "kind", ["dim", "8 bit", "clipped at both ends", "two levels", "chequered", "strip", "16 x 16"]
)
def test_odd_frames_are_taken(name: str, kind: str) -> None:
    pixels = make_section(1, size_px=200).pixels
    odd = {
        "dim": (pixels // 200).astype(np.uint16),
        "8 bit": (pixels // 8).astype(np.uint8),
        "clipped at both ends": np.clip(pixels.astype(np.int32) * 300 - 160_000, 0, 65535).astype(np.uint16),
        "two levels": np.repeat([[0, 65535]], 100, axis=1).repeat(50, axis=0).astype(np.uint16),
        "chequered": (np.indices((64, 64)).sum(axis=0) % 2 * 255).astype(np.uint8),
        "strip": pixels[:16],
        "16 x 16": pixels[:16, :16],
    }
    find(odd[kind], name)


@names
def test_hot_pixels_do_not_blind_it(name: str) -> None:
    section = make_section(2, size_px=300, cells=6)
    hot = section.pixels.copy()
    hot.ravel()[np.random.default_rng(0).choice(hot.size, 40, replace=False)] = 65535
    found = find(hot, name)
    # The authors' program and a simple plug-in scale by the brightest pixel.
    if not name.startswith(("paper", "plug-in")):
        plain = find(section.pixels, name)
        assert abs(len(found.cells) - len(plain.cells)) <= 1
        assert found.imaged_fraction < 1.2 * plain.imaged_fraction


@names
@pytest.mark.parametrize(
    ("pixels", "sentence"),
    [
        (np.zeros((8, 8), np.uint16), "8 x 8 pixels; at least 16 x 16"),
        (np.zeros((0, 40), np.uint16), "40 x 0 pixels"),
        (np.zeros((40, 40), np.float32), "type float32; uint8 or uint16"),
        (np.full((40, 40), np.nan), "type float64; uint8 or uint16"),
        (np.full((40, 40), -3, np.int16), "type int16; uint8 or uint16"),
        (np.zeros((40, 40, 3), np.uint8), "3 dimensions; 2 "),
    ],
)
def test_what_is_no_frame_is_refused(name: str, pixels: Pixels, sentence: str) -> None:
    with pytest.raises(DetectionError, match=sentence):
        find(pixels, name)


def every_way(pixels: Pixels) -> list[Pixels]:
    """The same pixels as files and programs may hand them over."""
    wide = np.zeros((pixels.shape[0], 2 * pixels.shape[1]), pixels.dtype)
    wide[:, ::2] = pixels
    fixed = pixels.copy()
    fixed.setflags(write=False)
    return [pixels.astype(">u2"), np.asfortranarray(pixels), wide[:, ::2], pixels[::-1].copy()[::-1], fixed]


@names
def test_the_same_pixels_give_the_same_cells_however_they_lie_in_memory(name: str) -> None:
    pixels = make_section(3, size_px=200, cells=4).pixels
    plain = find(pixels, name)
    for same in every_way(pixels):
        again = find(same, name)
        assert (again.cells, again.warnings) == (plain.cells, plain.warnings)


@names
@pytest.mark.parametrize("highest", [255, 900, 4095, 60_000])
def test_a_saturated_frame_says_so(name: str, highest: int) -> None:
    pixels = make_section(4, size_px=256, brightness=(2000.0, 10.0)).pixels.astype(np.float64)
    bright = (pixels - pixels.min()) / np.ptp(pixels) * 1.2 * highest
    clipped = np.clip(bright, 0, highest).astype(np.uint8 if highest == 255 else np.uint16)
    assert f"saturated at {highest}" in find(clipped, name).warnings[0]


@names
def test_a_border_of_zeros_is_told_and_nothing_is_found_in_it(name: str) -> None:
    pixels = np.pad(make_section(5, size_px=220, cells=6).pixels, ((30, 0), (0, 50)))
    found = find(pixels, name)
    assert "border of zeros" in " ".join(found.warnings)
    assert all(cell.box_px.y0 >= 30 and cell.box_px.x1 <= 220 for cell in found.cells)


def test_hot_pixels_all_over_the_camera_change_nothing() -> None:
    section = make_section(1, size_px=256)
    hot = section.pixels.copy()
    hot[::37, ::41] = 65535
    plain, found = find(section.pixels, "recall-first"), find(hot, "recall-first")
    assert len(found.cells) == len(plain.cells)
    for cell, other in zip(found.cells, plain.cells, strict=True):
        assert iou(cell.box_px, other.box_px) > 0.9


def test_a_detector_without_hits_or_words_is_given_words() -> None:
    class Silent:
        def find(self, frame: Frame) -> tuple[list[Any], list[str]]:  # noqa: ARG002
            return [], []

    found = detect(make_section(1, size_px=64).pixels, 0.2, DetectionConfig(), detector=Silent())
    assert found.warnings == ("no cells: nothing stands out enough from its surroundings",)


def test_a_name_that_is_not_at_hand_is_refused() -> None:
    with pytest.raises(
        DetectionError, match="no detector 'otsu'; there are combined and network and recall-first and paper"
    ):
        detect(make_section(1, size_px=64).pixels, 0.2, DetectionConfig(detector="otsu"))
