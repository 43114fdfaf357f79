import math

import numpy as np
import pytest
from numpy.typing import NDArray

from config.model import Config
from detection.errors import DetectionError
from detection.image_quality.sharpness import best_focus, sharpness
from drivers.fluorescence import FmSettings
from simulators.clock import FastClock
from simulators.microscope import SimulatedMicroscope


def frame(defocus_um: float, seed: int = 3, cells: float = 8) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """A frame of the simulated microscope, out of focus by so much."""
    config = Config.model_validate(
        {
            "fluorescence": {"frame_px": [256, 256]},
            "layout": {"kind": "grid", "sections": 1, "fields": [1, 1], "first_um": [0, 0]},
            "simulator": {
                "defocus_um": abs(defocus_um),
                "stage_error_um": 0,
                "specimen": {"seed": seed, "cells_per_field": cells},
            },
        }
    )
    devices = SimulatedMicroscope(config, FastClock()).devices
    fm = config.fluorescence
    devices.stage.move_to(0.0, 0.0, 60)
    devices.light.on(fm.excitation_nm, fm.power_density_w_per_cm2, 5)
    return devices.camera.expose(
        FmSettings(fm.exposure_s, fm.em_gain, fm.excitation_nm, fm.power_density_w_per_cm2), 60
    ).pixels


@pytest.mark.parametrize("seed", [3, 11, 29])
def test_the_focus_of_a_simulated_stack_is_found(seed: int) -> None:
    true_um = 0.4
    z_um = [-4.0, -3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.0]
    values = [sharpness(frame(z - true_um, seed), 200.0) for z in z_um]
    found = best_focus([z * 1e-6 for z in z_um], values)
    assert found.certain, (found, values)
    assert found.z_m * 1e6 == pytest.approx(true_um, abs=0.7)


def test_a_stack_out_of_range_is_not_certain() -> None:
    z_um = [0.6, 1.1, 1.6, 2.1, 2.6]
    found = best_focus(z_um, [sharpness(frame(z), 200.0) for z in z_um])
    assert not found.certain
    assert "end of the range" in found.reason


def test_light_that_fades_is_no_defocus() -> None:
    sharp = frame(0).astype(np.float64)
    faded = np.clip((sharp - 200) * 0.5 + 200, 0, 65535).astype(np.uint16)
    assert sharpness(faded, 200.0) == pytest.approx(sharpness(frame(0), 200.0), rel=0.02)


def test_flat_values_are_not_certain() -> None:
    assert not best_focus(range(7), [1.0] * 7).certain
    noise = 1 + 0.01 * np.random.default_rng(2).standard_normal(9)
    assert not best_focus(range(9), noise.tolist()).certain


def test_the_peak_of_a_cone_of_light_is_found_in_any_order() -> None:
    z = [3.0, -1.0, 0.0, 2.0, 1.0]
    found = best_focus(z, [1 / (2 + (v - 0.7) ** 2) for v in z])
    assert found.z_m == pytest.approx(0.7)
    assert found.certain


@pytest.mark.parametrize(
    ("z", "values"),
    [
        ([0.0, 1.0, 2.0], [1.0, 2.0, 1.0]),
        ([0.0, 1.0, 2.0, 3.0, 3.0], [1.0, 2.0, 1.0, 1.0, 1.0]),
        ([0.0, 1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 1.0, 1.0]),
        ([0.0, 1.0, 2.0, 3.0, math.nan], [1.0, 2.0, 1.0, 1.0, 1.0]),
        ([0.0, 1.0, 2.0, 3.0, 4.0], [1.0, math.inf, 1.0, 1.0, 1.0]),
    ],
)
def test_nonsense_is_refused(z: list[float], values: list[float]) -> None:
    with pytest.raises(DetectionError):
        best_focus(z, values)


def test_a_stack_is_no_frame() -> None:
    with pytest.raises(DetectionError, match="one frame"):
        sharpness(np.zeros((2, 8, 8), np.uint16), 0)
