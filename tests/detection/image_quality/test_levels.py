"""Light and detail of frames, and frames without light."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from detection.image_quality.levels import frame_levels, is_flat, shows_light


def frame(light: float = 100, cells: int = 12, sigma_px: float = 1.0, seed: int = 1) -> NDArray[np.uint16]:
    """Uneven light with sharp-edged cells, blurred, with noise, on an offset of 200."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:256, :256]
    scene = light * (1 + np.exp(-((x - 120) ** 2 + (y - 130) ** 2) / 2e4)).astype(np.float32)
    for center_x, center_y in rng.uniform(30, 226, (cells, 2)):
        for dx, dy in rng.uniform(-10, 10, (6, 2)):
            scene[np.hypot(x - center_x - dx, y - center_y - dy) < 2.5] += 3 * light
    scene = cv2.GaussianBlur(scene, (0, 0), sigma_px)
    grey = 200 + rng.poisson(scene) + rng.normal(0, 5, scene.shape)
    return np.asarray(grey.round().clip(0), dtype=np.uint16)


def test_light_and_detail_tell_apart_what_has_changed() -> None:
    usual, blurred = frame_levels(frame(), 200), frame_levels(frame(sigma_px=2.5), 200)
    assert usual.detail is not None
    assert blurred.detail is not None
    assert blurred.detail < 0.5 * usual.detail
    assert blurred.light_adu == pytest.approx(usual.light_adu, rel=0.1)
    dim = frame_levels(frame(light=50), 200)
    assert dim.detail == pytest.approx(usual.detail, rel=0.15)
    assert dim.light_adu == pytest.approx(usual.light_adu / 2, rel=0.05)
    fewer = frame_levels(frame(cells=6, seed=2), 200)
    assert fewer.detail == pytest.approx(usual.detail, rel=0.25)


@pytest.mark.parametrize("light", [0.45, 1.55, 2.5, 40.2])
def test_dim_light_is_measured_in_parts_of_a_grey_level(light: float) -> None:
    noise = np.random.default_rng(5).normal(200 + light, 3, (256, 256))
    assert frame_levels(noise.round().astype(np.uint16), 200).light_adu == pytest.approx(light, abs=0.05)


def test_a_frame_of_two_grey_levels_has_a_median_between_them() -> None:
    halves = np.repeat(np.array([[10, 20]], np.uint8), 32, axis=1).repeat(64, axis=0)
    assert 10 <= frame_levels(halves, 0).light_adu <= 20


def test_a_frame_without_structures_has_no_detail() -> None:
    assert frame_levels(frame(cells=0, light=0), 200).detail is None
    assert frame_levels(np.full((64, 64), 7, np.uint8), 0).detail is None


def test_only_a_frame_without_light_is_no_brighter_than_a_dark_one() -> None:
    dark = frame(light=0, cells=0, seed=3)
    assert is_flat(frame(light=0, cells=0))
    assert not shows_light(frame(light=0, cells=0), dark)
    even = np.random.default_rng(4).poisson(250, (256, 256)).astype(np.uint16)
    assert is_flat(even)
    assert shows_light(even, dark)
    # A hundredth of the light, without a cell.
    assert not is_flat(frame(light=10, cells=0))
    assert not is_flat(frame())
    assert not is_flat(np.zeros((40, 40), np.uint16))
