from dataclasses import replace

import numpy as np
import pytest
import scipy.ndimage as ndi

from detection.registration import normalisation
from detection.registration.normalisation import smooth_background
from detection.registration.settings import SETTINGS


@pytest.mark.parametrize("shape", [(64, 64), (9, 40), (5, 5)])
@pytest.mark.parametrize("window", [3, 9])
def test_percentiles_are_those_of_scipy(
    shape: tuple[int, int], window: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    expected = ndi.percentile_filter(values, 20, window, mode="nearest")
    for most in (SETTINGS.normalisation.most_copied, 1000):
        monkeypatch.setattr(normalisation, "_SETTINGS", replace(SETTINGS.normalisation, most_copied=most))
        assert (normalisation._percentile_filter(values, 20, window) == expected).all()


def test_the_background_lies_under_cells() -> None:
    values = np.full((256, 256), 100, dtype=np.float32)
    values[100:120, 100:120] = 400
    assert smooth_background(values, 0.36) == pytest.approx(100)
