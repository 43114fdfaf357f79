import numpy as np
import pytest
from numpy.typing import NDArray

from detection.errors import DetectionError
from detection.image.frames import check_frame


def noise(dtype: type = np.uint16, middle: float = 100.0) -> NDArray[np.generic]:
    return np.random.default_rng(0).normal(middle, 5, (64, 64)).astype(dtype)


@pytest.mark.parametrize(
    ("pixels", "sentence"),
    [
        (np.zeros((64, 64), np.float32), "type float32; uint8 or uint16"),
        (np.zeros((64, 64), np.int32), "type int32"),
        (np.zeros((64, 64), np.bool_), "type bool"),
        (np.zeros((64, 64, 3), np.uint8), "3 dimensions"),
        (np.zeros(64, np.uint8), "1 dimensions"),
        (np.zeros((15, 64), np.uint8), "64 x 15 pixels; at least 16 x 16"),
    ],
)
def test_what_is_no_frame_is_refused_in_one_sentence(pixels: NDArray[np.generic], sentence: str) -> None:
    with pytest.raises(DetectionError, match=sentence):
        check_frame(pixels, 0.178)


@pytest.mark.parametrize("size", [0.0, -1.0, float("nan"), float("inf"), 178.0])
def test_a_pixel_size_out_of_range_is_refused(size: float) -> None:
    with pytest.raises(DetectionError, match=r"must be from 0\.01 to 5 um"):
        check_frame(noise(), size)


def test_a_camera_offset_that_is_no_number_is_refused() -> None:
    with pytest.raises(DetectionError, match="camera offset"):
        check_frame(noise(), 0.178, float("nan"))


def test_the_offset_is_subtracted_and_may_leave_values_below_zero() -> None:
    pixels = noise()
    frame = check_frame(pixels, 0.178, 100.0)
    assert frame.values.dtype == np.float32
    assert np.array_equal(frame.values, pixels.astype(np.float32) - 100)
    assert frame.values.min() < 0
    assert not frame.warnings
    assert not frame.processed


def test_a_constant_frame_is_named() -> None:
    frame = check_frame(np.full((32, 32), 65535, np.uint16), 0.178)
    assert frame.constant
    assert "all pixels have the value 65535" in frame.warnings[0]


@pytest.mark.parametrize("full_scale", [255, 4095, 16383, 65535])
def test_saturation_is_seen_at_the_full_scale_of_any_converter(full_scale: int) -> None:
    pixels = noise()
    pixels[:4, :4] = full_scale
    assert f"saturated at {full_scale}" in check_frame(pixels, 0.178).warnings[0]
    pixels[:4, :4] = full_scale - 1 - np.arange(16).reshape(4, 4)
    assert not check_frame(pixels, 0.178).warnings


def test_a_pile_at_any_value_is_saturation_and_a_crest_is_none() -> None:
    bright = np.random.default_rng(1).normal(3000, 300, (64, 64))
    clipped = np.minimum(bright, 3300).astype(np.uint16)
    assert "saturated at 3300" in check_frame(clipped, 0.178).warnings[0]
    assert not check_frame(bright.astype(np.uint16), 0.178).warnings
    # Few levels: many pixels share the highest.
    assert not check_frame((bright / 200).astype(np.uint8), 0.178).warnings


def test_big_endian_pixels_are_taken() -> None:
    frame = check_frame(noise().astype(">u2"), 0.178)
    assert np.array_equal(frame.values, noise())


def test_a_frame_with_many_zeros_was_processed() -> None:
    frame = check_frame(np.maximum(noise(np.int32, 0.0), 0).astype(np.uint16), 0.178)
    assert frame.processed
    assert "background was subtracted" in frame.warnings[0]
