import sys

import numpy as np
import pytest

from config.choices import Denoising
from config.work import DetectionConfig
from detection.detect import detect
from detection.errors import DetectionError
from detection.paper.denoise import denoised, noise_sd
from tests.detection.synthetic import PIXEL_SIZE_UM, make_section


@pytest.mark.parametrize("noise", [2.0, 20.0, 500.0])
def test_the_noise_is_measured(noise: float) -> None:
    pixels = make_section(3, noise_sd=noise, offset=3000).pixels.astype(np.float32)
    assert noise_sd(pixels) == pytest.approx(noise, rel=0.05, abs=0.25)


@pytest.mark.parametrize("method", ["nl-means", "bm3d"])
def test_noise_goes_and_cells_stay(method: Denoising) -> None:
    if method == "bm3d":
        pytest.importorskip("bm3d")
    noisy = make_section(4, noise_sd=20.0, size_px=128).pixels.astype(np.float32)
    clean = make_section(4, noise_sd=0.0, size_px=128).pixels.astype(np.float32)
    quiet = denoised(noisy, method)
    assert quiet.dtype == np.float32
    assert quiet.shape == noisy.shape
    assert np.std(quiet - clean) < 0.6 * np.std(noisy - clean)


def test_without_noise_or_method_the_frame_stays() -> None:
    image = np.add.outer(np.arange(20), np.arange(30)).astype(np.float32)
    assert denoised(image, "none") is image
    assert denoised(image, "nl-means") is image


def test_bm3d_that_is_not_installed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bm3d", None)
    with pytest.raises(DetectionError, match=r"pip install 'ilemtrack\[bm3d\]'"):
        denoised(make_section(5, size_px=64).pixels.astype(np.float32), "bm3d")


def test_the_paper_detector_takes_it() -> None:
    pixels = make_section(6, noise_sd=60.0).pixels
    plain = detect(pixels, PIXEL_SIZE_UM, DetectionConfig(detector="paper"))
    quiet = detect(pixels, PIXEL_SIZE_UM, DetectionConfig(detector="paper", denoise="nl-means"))
    assert quiet.cells
    assert quiet.cells != plain.cells
