from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from config.work import DetectionConfig
from detection.detect import NOTHING_LIKELY, detect
from detection.errors import DetectionError
from detection.image.boxes import BoxPx, union_fraction
from detection.image.hits import Detection
from tests.detection.synthetic import PIXEL_SIZE_UM, make_section
from tests.examples import examples

DETECTORS = ("recall-first", "paper")


def check(detection: Detection, shape: tuple[int, ...]) -> None:
    frame = BoxPx(0, 0, shape[1], shape[0])
    for number, cell in enumerate(detection.cells, start=1):
        assert cell.id == f"c{number:04d}"
        assert frame.contains(cell.box_px)
        assert 0 <= cell.confidence <= 1
        assert cell.reason
        if cell.image_box_px is None:
            assert cell.reason.startswith("not imaged")
        else:
            assert frame.contains(cell.image_box_px)
            assert cell.image_box_px.contains(cell.box_px)
    imaged = [cell.image_box_px for cell in detection.cells if cell.image_box_px is not None]
    assert detection.imaged_fraction == union_fraction(imaged, (shape[0], shape[1]))
    assert detection.elapsed_ms > 0


frames = st.tuples(st.integers(16, 70), st.integers(16, 70)).flatmap(
    lambda shape: st.one_of(
        arrays(np.uint8, shape),
        arrays(np.uint16, shape),
        st.builds(
            lambda seed, level, spread: (
                np.random.default_rng(seed).normal(level, spread, shape).clip(0, 65535).astype(np.uint16)
            ),
            st.integers(0, 2**32 - 1),
            st.floats(0, 65535),
            st.floats(0, 30000),
        ),
    )
)


@pytest.mark.parametrize("detector", DETECTORS)
@examples(25)
@given(pixels=frames, pixel_size_um=st.floats(0.01, 5), offset=st.one_of(st.none(), st.floats(-1e6, 1e6)))
def test_any_frame_gives_boxes_inside_it(
    detector: str, pixels: np.ndarray[Any, Any], pixel_size_um: float, offset: float | None
) -> None:
    check(detect(pixels, pixel_size_um, DetectionConfig(detector=detector), offset), pixels.shape)


@pytest.mark.parametrize("detector", DETECTORS)
def test_a_section_gives_cells(detector: str) -> None:
    section = make_section(0)
    detection = detect(section.pixels, PIXEL_SIZE_UM, DetectionConfig(detector=detector))
    check(detection, section.pixels.shape)
    assert len(detection.cells) > 5
    assert not detection.warnings


@pytest.mark.parametrize("detector", DETECTORS)
def test_detection_leaves_the_pixels_alone_and_repeats_itself(detector: str) -> None:
    section = make_section(7)
    section.pixels.setflags(write=False)
    first = detect(section.pixels, PIXEL_SIZE_UM, DetectionConfig(detector=detector))
    assert first.cells == detect(section.pixels, PIXEL_SIZE_UM, DetectionConfig(detector=detector)).cells


@pytest.mark.parametrize("detector", DETECTORS)
@pytest.mark.parametrize("value", [0, 1000, 65535])
def test_a_constant_frame_gives_no_cells_and_a_warning(detector: str, value: int) -> None:
    detection = detect(np.full((64, 64), value, np.uint16), 0.178, DetectionConfig(detector=detector))
    assert detection.cells == ()
    assert detection.imaged_fraction == 0
    assert len(detection.warnings) == 1


@pytest.mark.parametrize("detector", DETECTORS)
def test_a_saturated_frame_gives_a_warning_and_its_cells(detector: str) -> None:
    pixels = make_section(0).pixels
    pixels[200:240, 200:240] = 65535
    detection = detect(pixels, PIXEL_SIZE_UM, DetectionConfig(detector=detector))
    assert "saturated" in detection.warnings[0]
    if detector == "recall-first":
        boxes = [cell.image_box_px for cell in detection.cells if cell.image_box_px is not None]
        assert any(box.contains(BoxPx(200, 200, 240, 240)) for box in boxes)


def test_a_frame_of_whose_hits_none_is_imaged_says_so() -> None:
    def found(floor: float) -> Detection:
        config = DetectionConfig(detector="recall-first", min_confidence=floor)
        return detect(make_section(0, size_px=256, cells=6, bell=0).pixels, PIXEL_SIZE_UM, config)

    imaged, nothing = found(0.0), found(1.0)
    assert NOTHING_LIKELY not in imaged.warnings
    assert len(nothing.cells) == len(imaged.cells) > 0
    assert nothing.imaged_fraction == 0
    assert nothing.warnings == (*imaged.warnings, NOTHING_LIKELY)


def test_a_float_frame_is_refused() -> None:
    with pytest.raises(DetectionError, match="uint8 or uint16"):
        detect(np.full((64, 64), np.nan), 0.178, DetectionConfig())
