import numpy as np
import pytest

from detection.background.estimate import Background, average_blocks, enlarged, estimate_background
from detection.background.spikes import remove_spikes
from detection.recall_first.significance import hysteresis
from detection.recall_first.splitting import split_touching
from tests.detection.synthetic import PIXEL_SIZE_UM, make_section


def bell(height: float, size: int = 512) -> np.ndarray:
    y, x = np.mgrid[:size, :size] + 0.5
    return np.asarray(500 + height * np.exp(-((x - size / 2) ** 2 + (y - size / 2) ** 2) / (0.5 * size) ** 2))


def background_of(image: np.ndarray) -> Background:
    """On the pixels of the image."""
    found = estimate_background(average_blocks(image, PIXEL_SIZE_UM))
    empty = enlarged(found.empty.astype(np.float32), image.shape) > 0.5
    return Background(enlarged(found.level, image.shape), enlarged(found.noise_sd, image.shape), empty)


@pytest.mark.parametrize("cells", [0, 20])
def test_the_background_under_cells_is_found_within_a_fraction_of_the_noise(cells: int) -> None:
    section = make_section(9, cells=cells, bell=80.0, noise_sd=20.0)
    background = background_of(section.pixels.astype(np.float32))
    error = np.abs(background.level - bell(80.0))
    assert np.percentile(error, 95) < 2
    assert background.noise_sd == pytest.approx(20, rel=0.1)
    assert background.empty.mean() > 0.6


def test_noise_that_grows_with_the_light_is_followed() -> None:
    rng = np.random.default_rng(3)
    light = np.tile(np.linspace(100, 900, 512), (512, 1))
    image = rng.poisson(light).astype(np.float32)
    background = background_of(image)
    assert background.noise_sd[:, 50].mean() == pytest.approx(np.sqrt(light[0, 50]), rel=0.15)
    assert background.noise_sd[:, 460].mean() == pytest.approx(np.sqrt(light[0, 460]), rel=0.15)


def test_noise_is_never_below_rounding() -> None:
    background = background_of(np.full((64, 64), 5, dtype=np.float32))
    assert background.noise_sd == pytest.approx(12**-0.5)
    assert background.level == pytest.approx(5, abs=1e-3)


def test_hysteresis_keeps_what_is_connected_to_a_seed() -> None:
    values = np.array([[1, 3, 1, 3, 5], [1, 1, 3, 1, 1], [3, 1, 1, 1, 1]], dtype=np.float32)
    kept = hysteresis(values > 2, values >= 5)
    assert kept.tolist() == [
        [False, True, False, True, True],
        [False, False, True, False, False],
        [False] * 5,
    ]
    assert not hysteresis(values > 2, values >= 6).any()


def test_spikes_go_and_points_stay() -> None:
    image = np.zeros((20, 20), dtype=np.float32)
    image[5, 5] = image[0, 19] = 100
    image[12, 12], image[12, 13] = 100, 60
    clean = remove_spikes(image, 1.0)
    assert clean[5, 5] == clean[0, 19] == 0
    assert clean[12, 12] == 100
    assert image[5, 5] == 100


def test_a_neck_parts_two_cells_and_loses_no_pixel() -> None:
    y, x = np.mgrid[:80, :140]
    mask = ((x - 38) ** 2 + (y - 40) ** 2 <= 33**2) | ((x - 101) ** 2 + (y - 40) ** 2 <= 33**2)
    parts = split_touching(mask, PIXEL_SIZE_UM)
    assert len(parts) == 2
    assert np.array_equal(np.sum(parts, axis=0), mask)


def test_a_round_cell_stays_whole() -> None:
    y, x = np.mgrid[:80, :80]
    mask = (x - 40) ** 2 + (y - 40) ** 2 <= 35**2
    assert len(split_touching(mask, PIXEL_SIZE_UM)) == 1
