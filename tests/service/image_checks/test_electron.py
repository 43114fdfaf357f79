import math
from dataclasses import replace

import numpy as np
import pytest

from drivers.sem import BeamSettings, ScanImage
from service.image_checks.electron import validate_image

BEAM = BeamSettings(2500.0, 3.5, 30e-6, 5.8e-3, "vCD")
PIXELS = np.arange(6 * 8, dtype=np.uint8).reshape(6, 8)
GOOD = ScanImage(PIXELS, (1e-3, 2e-3), 1e-8, 1e-6, "nonce", BEAM)


def reason(image: ScanImage) -> str | None:
    return validate_image(image, (8, 6), 1e-8, (1e-3, 2e-3), 2e-6)


def test_a_good_image_has_no_reason() -> None:
    assert reason(GOOD) is None
    assert reason(replace(GOOD, center_m=(1e-3 + 1.9e-6, 2e-3), pixel_size_m=1.0005e-8)) is None


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (replace(GOOD, pixels=PIXELS.T), "of shape (8, 6)"),
        (replace(GOOD, pixels=PIXELS.astype(np.float32)), "pixels of float32"),  # type: ignore[arg-type]
        (replace(GOOD, pixel_size_m=1.1e-8), "pixel size of 1.1e-08 m"),
        (replace(GOOD, center_m=(1e-3, 2e-3 + 3e-6)), "3.0 um from the requested place"),
        (replace(GOOD, center_m=(math.nan, 2e-3)), "from the requested place"),
        (replace(GOOD, pixels=np.zeros((6, 8), np.uint8)), "dark"),
        (replace(GOOD, pixels=np.full((6, 8), 255, np.uint8)), "dark"),
    ],
)
def test_an_image_that_cannot_be_right_has_one(image: ScanImage, said: str) -> None:
    assert said in str(reason(image))


def test_an_image_with_nearly_all_pixels_at_the_largest_level_is_saturated() -> None:
    pixels = np.full((20, 20), 255, np.uint8)
    pixels[0, 0] = 3
    assert "saturated" in str(
        validate_image(replace(GOOD, pixels=pixels), (20, 20), 1e-8, (1e-3, 2e-3), 2e-6)
    )


@pytest.mark.parametrize("noise", [0, 1], ids=["silent", "detector noise"])
def test_an_image_whose_last_rows_show_nothing_lost_its_beam_in_mid_scan(noise: int) -> None:
    rng = np.random.default_rng(1)
    seen = rng.normal(120, 15, (200, 64))
    dark = 5 + noise * rng.integers(0, 2, (200, 64))
    for blank_from, said in ((200, None), (195, None), (120, "last 80 rows show nothing")):
        pixels = np.where(np.arange(200)[:, None] < blank_from, seen, dark).astype(np.uint8)
        found = validate_image(replace(GOOD, pixels=pixels), (64, 200), 1e-8, (1e-3, 2e-3), 2e-6)
        assert (found is None) == (said is None)
        assert said is None or said in str(found)


def test_an_empty_part_of_the_section_is_no_loss_of_the_beam() -> None:
    rng = np.random.default_rng(1)
    pixels = rng.normal(120, 5, (200, 64))
    pixels[:120] += 60 * np.sin(np.arange(64) / 3)
    checked = replace(GOOD, pixels=pixels.clip(0, 255).astype(np.uint8))
    assert validate_image(checked, (64, 200), 1e-8, (1e-3, 2e-3), 2e-6) is None


@pytest.mark.parametrize("beyond_rows", [9, 60])
def test_ground_beyond_the_border_of_the_section_is_no_loss_of_the_beam(beyond_rows: int) -> None:
    rng = np.random.default_rng(1)
    pixels = rng.normal(13, 9, (200, 64))
    # The border crosses most rows: they vary by more than ten times the noise.
    for row in range(200 - beyond_rows):
        pixels[row, : 60 - row // 5] += 230
    checked = replace(GOOD, pixels=pixels.clip(0, 255).astype(np.uint8))
    assert validate_image(checked, (64, 200), 1e-8, (1e-3, 2e-3), 2e-6) is None
