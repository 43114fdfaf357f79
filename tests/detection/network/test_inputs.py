import math

import numpy as np
import pytest
from numpy.typing import NDArray

from detection.image.frames import check_frame
from detection.image.working_grid import on_working_grid
from detection.network.inputs import CHANNELS, MULTIPLE, STRIDE, WORKING_PIXEL_UM, network_input
from tests.detection.synthetic import PIXEL_SIZE_UM, make_section


def planes_of(pixels: NDArray[np.generic], pixel_size_um: float = PIXEL_SIZE_UM) -> NDArray[np.float32]:
    frame = check_frame(pixels, pixel_size_um)
    return network_input(on_working_grid(frame, WORKING_PIXEL_UM), processed=frame.processed)


def noise(rows: int, columns: int) -> NDArray[np.uint16]:
    return np.random.default_rng(1).normal(500, 20, (rows, columns)).astype(np.uint16)


@pytest.mark.parametrize(
    ("rows", "columns"), [(16, 16), (17, 33), (63, 65), (64, 64), (129, 16), (300, 511), (2048, 2048)]
)
def test_every_frame_is_padded_to_what_the_network_takes(rows: int, columns: int) -> None:
    planes = planes_of(noise(rows, columns))
    # Two pixels of .178 um make one of the working grid.
    sides = [math.ceil(math.ceil(side / 2) / MULTIPLE) * MULTIPLE // STRIDE for side in (rows, columns)]
    assert planes.shape == (1, CHANNELS, *sides)
    assert planes.dtype == np.float32
    assert np.isfinite(planes).all()


@pytest.mark.parametrize("pixel_size_um", [0.01, 0.05, 0.1, 0.3, 0.5, 1.0, 2.0, 5.0])
def test_every_pixel_size_gives_finite_input(pixel_size_um: float) -> None:
    planes = planes_of(noise(48, 40), pixel_size_um)
    assert np.isfinite(planes).all()
    assert np.abs(planes).max() < 10


def test_the_padding_mirrors_the_frame() -> None:
    planes = planes_of(make_section(0, cells=4, size_px=224).pixels)
    # 112 pixels of the working grid, padded to 128.
    phases = planes[0, : STRIDE**2].reshape(STRIDE, STRIDE, 32, 32)
    fine = phases.transpose(2, 0, 3, 1).reshape(128, 128)
    np.testing.assert_array_equal(fine[:, 112:], fine[:, 95:111][:, ::-1])
    np.testing.assert_array_equal(fine[112:], fine[95:111][::-1])


def test_phases_of_the_fine_input_average_to_the_coarse_one() -> None:
    pixels = noise(128, 128)
    planes = planes_of(pixels)[0].astype(np.float64)

    def linear(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.sign(values) * np.expm1(2 * np.abs(values)))

    mean = linear(planes[: STRIDE**2]).mean(axis=0)
    np.testing.assert_allclose(linear(planes[STRIDE**2]), STRIDE * mean, atol=1e-4)


def test_white_noise_has_a_deviation_of_one() -> None:
    fine = planes_of(noise(256, 256))[0, : STRIDE**2].astype(np.float64)
    linear = np.sign(fine) * np.expm1(2 * np.abs(fine))
    assert linear.std() == pytest.approx(1, abs=0.15)


def test_a_processed_frame_is_flagged() -> None:
    raw = noise(64, 64)
    assert (planes_of(raw)[0, -1] == 0).all()
    clipped = (raw - np.uint16(470)) * (raw > 490)
    assert (planes_of(clipped.astype(np.uint16))[0, -1] == 1).all()


def test_byte_order_and_depth_do_not_matter() -> None:
    pixels = make_section(1, cells=3, size_px=128).pixels
    plain = planes_of(pixels)
    np.testing.assert_array_equal(plain, planes_of(pixels.astype(">u2")))
    small = (pixels // 8).astype(np.uint8)
    np.testing.assert_array_equal(planes_of(small), planes_of(small.astype(np.uint16)))
