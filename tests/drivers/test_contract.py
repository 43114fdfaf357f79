from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from config.model import Config
from drivers.recorded.devices import placed
from drivers.recorded.tiff import RecordedFrame
from simulators.clock import HeldClock
from simulators.microscope import SimulatedMicroscope, recorded_microscope
from tests.drivers.contract import CHECKS, Bench, Check
from tests.drivers.quanta.bench import quanta_bench

SETTINGS: dict[str, Any] = {
    "fluorescence": {"frame_px": [128, 96]},
    "sem": {"beam_shift_range_um": 8},
    "layout": {"kind": "grid", "sections": 2, "pitch_um": 400, "fields": [1, 1]},
}
CONFIG = Config.model_validate(SETTINGS)


def simulated() -> Bench:
    clock = HeldClock()
    return Bench(CONFIG, clock, SimulatedMicroscope(CONFIG, clock).devices, ((0.0, 0.0), (400e-6, 0.0)))


def recorded() -> Bench:
    clock = HeldClock()
    rng = np.random.default_rng(1)
    frames = placed(
        [
            RecordedFrame(
                Path("recorded.tiff"),
                page,
                rng.integers(0, 4000, (96, 128)).astype(np.uint16),
                (178e-9, 178e-9),
            )
            for page in range(2)
        ]
    )
    devices = recorded_microscope(CONFIG, clock, frames).devices
    return Bench(CONFIG, clock, devices, (frames[0].center_m, frames[1].center_m))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_quanta_behind_its_socket(check: Check) -> None:
    clock = HeldClock()
    with quanta_bench(CONFIG, clock) as bench:
        check(Bench(CONFIG, clock, bench.devices, ((0.0, 0.0), (400e-6, 0.0))))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("make", [simulated, recorded], ids=lambda make: make.__name__)
def test_every_microscope(make: Callable[[], Bench], check: Check) -> None:
    check(make())
