"""Each fault of a scan does to the image what it does in a microscope."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from config.model import Config
from drivers.chamber import VacuumState
from drivers.sem import ScanRequest
from simulators.clock import FastClock
from simulators.devices.scan_faults import ScanFault
from simulators.microscope import SimulatedMicroscope


def scope(*faults: ScanFault) -> SimulatedMicroscope:
    values: dict[str, Any] = {
        "layout": {"kind": "grid", "sections": 1, "fields": [1, 1], "pitch_um": 300},
        "sem": {"pixel_size_nm": 50, "max_scan_px": (400, 400)},
        "simulator": {
            "specimen": {"seed": 5, "cells_per_field": 40},
            "scan_faults": {f"{one.value}_percent": 100 for one in faults},
        },
    }
    microscope = SimulatedMicroscope(Config.model_validate(values), FastClock())
    microscope.devices.chamber.go_to(VacuumState.HIGH, 1e6)
    return microscope


def scanned(microscope: SimulatedMicroscope) -> NDArray[np.float64]:
    request = ScanRequest((320, 256), 50e-9, 60e-6, "n")
    return microscope.devices.sem.scan(request, 1e6).pixels.astype(np.float64)


@pytest.fixture(scope="module")
def good() -> NDArray[np.float64]:
    return scanned(scope())


def detail(pixels: NDArray[np.float64]) -> float:
    """Return what rows share of their steps: detail of the specimen, without noise."""
    steps = np.diff(pixels, axis=1)
    return float((steps[0::2] * steps[1::2]).mean())


def test_without_faults_configured_there_are_none(good: NDArray[np.float64]) -> None:
    assert good.std() > 20


def test_a_lost_beam_leaves_the_noise_of_the_detector(good: NDArray[np.float64]) -> None:
    assert scanned(scope(ScanFault.BLANK)).max() < 12
    cut = scanned(scope(ScanFault.TRUNCATED))
    dark = cut.max(axis=1) < 12
    assert 0 < dark.sum() < 256
    assert np.all(np.diff(dark.astype(int)) >= 0)
    assert np.array_equal(cut[~dark], good[~dark])


def test_a_frozen_buffer_gives_the_same_image_once_more() -> None:
    microscope = scope(ScanFault.FROZEN)
    assert np.array_equal(scanned(microscope), scanned(microscope))


def test_a_saturated_detector_loses_most_of_the_contrast() -> None:
    assert np.mean(scanned(scope(ScanFault.SATURATED)) == 255) > 0.5


def test_drift_shears_and_a_jump_tears(good: NDArray[np.float64]) -> None:
    for fault in (ScanFault.DRIFT, ScanFault.JUMP):
        bad = scanned(scope(fault))
        off = np.abs(bad - good).mean(axis=1)
        assert off[:20].mean() < 0.5 * off[-20:].mean(), fault


def test_charging_adds_the_same_step_to_all_of_a_row(good: NDArray[np.float64]) -> None:
    step = np.median(np.diff(scanned(scope(ScanFault.CHARGING)) - good, axis=0), axis=1)
    assert np.abs(step).max() > 0.04 * 255
    assert np.sum(np.abs(step) > 0.04 * 255) <= 4


def test_a_specimen_that_has_risen_is_in_focus_again_after_a_focus(good: NDArray[np.float64]) -> None:
    microscope = scope()
    sem = microscope.devices.sem
    focus = microscope.devices.focus
    assert focus is not None
    sem._risen_m = 150e-6  # type: ignore[attr-defined]
    blurred = scanned(microscope)
    assert detail(blurred) < 0.3 * detail(good)
    focus.autofocus(ScanRequest((64, 64), 50e-9, 60e-6, "n"), 1e6)
    assert sem.beam().working_distance_m == pytest.approx(5.8e-3 - 150e-6, abs=3e-6)
    assert detail(scanned(microscope)) > 0.8 * detail(good)
