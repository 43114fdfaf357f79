import numpy as np
import pytest

from detection.registration.illumination import even_background, illumination
from detection.registration.section_frame import SectionFrame

PIXEL_UM = 0.3
SHAPE = (160, 240)


def bell(center: float = 0.45) -> np.ndarray:
    x = (np.arange(SHAPE[1]) + 0.5) / SHAPE[1] - center
    y = (np.arange(SHAPE[0])[:, None] + 0.5) / SHAPE[0] - 0.5
    return np.asarray(500 + 300 * np.exp(-(x * x + y * y) / 0.25), dtype=np.float32)


def noisy(seed: int = 0) -> np.ndarray:
    return np.asarray(bell() + np.random.default_rng(seed).normal(0, 10, SHAPE), dtype=np.float32)


def with_cells(values: np.ndarray, seed: int = 0) -> np.ndarray:
    """A third of the frame under bright cells."""
    result, rng = values.copy(), np.random.default_rng(seed)
    while (result != values).mean() < 0.33:
        y, x = rng.integers(0, SHAPE[0] - 30), rng.integers(0, SHAPE[1] - 30)
        result[y : y + 30, x : x + 30] = values[y : y + 30, x : x + 30] + 400
    return result


@pytest.mark.parametrize("cells", [False, True])
def test_the_light_path_is_found_up_to_the_edges(cells: bool) -> None:
    values = noisy()
    found = illumination(with_cells(values) if cells else values, PIXEL_UM)
    off = np.abs(found - bell())
    assert off[:, [0, -1]].max() < 25
    assert off.max() < 25


def test_cells_stay_as_bright_as_they_were() -> None:
    plain, cells = noisy(), with_cells(noisy())
    frame = SectionFrame("S0001", np.rint(cells).astype(np.uint16), PIXEL_UM)
    even = even_background([frame, frame])[0].pixels.astype(float)
    inside = cells != plain
    assert np.median(even[inside]) - np.median(even[~inside]) == pytest.approx(400, abs=10)


def test_seams_are_no_steps() -> None:
    frame = SectionFrame("S0001", np.rint(noisy()).astype(np.uint16), PIXEL_UM)
    left, right = (one.pixels.astype(float) for one in even_background([frame, frame]))
    before = frame.pixels.astype(float)
    assert abs(before[:, -20:].mean() - before[:, 20:40].mean()) > 40
    assert abs(left[:, -20:].mean() - right[:, 20:40].mean()) < 5


def test_one_field_and_clipped_pixels_are_left_alone() -> None:
    pixels = np.rint(noisy()).astype(np.uint16)
    pixels[3, 4], pixels[5, 6] = 0, 65535
    frame = SectionFrame("S0001", pixels, PIXEL_UM)
    assert even_background([frame]) == [frame]
    for one in even_background([frame, frame]):
        assert one.pixels.dtype == np.uint16
        assert (one.pixels[3, 4], one.pixels[5, 6]) == (0, 65535)
    eight = SectionFrame("S0001", (pixels // 8).astype(np.uint8), PIXEL_UM)
    assert even_background([eight, eight])[0].pixels.dtype == np.uint8
