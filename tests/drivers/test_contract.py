from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from config.model import Config
from drivers.recorded.devices import placed
from drivers.recorded.frame import RecordedFrame
from simulators.clock import HeldClock
from simulators.microscope import SimulatedMicroscope, recorded_microscope
from tests.drivers.contract import CHECKS, PUSH_M, Bench, Check
from tests.drivers.quanta.bench import QuantaBench, quanta_bench

SETTINGS: dict[str, Any] = {
    "fluorescence": {"frame_px": [128, 96]},
    "sem": {"beam_shift_range_um": 8, "beam_reach_um": [67, 58]},
    "layout": {"kind": "grid", "sections": 2, "pitch_um": 400, "fields": [1, 1]},
    "simulator": {"specimen": {"cells_per_field": 1}},
}
CONFIG = Config.model_validate(SETTINGS)


def simulated() -> Bench:
    clock = HeldClock()
    microscope = SimulatedMicroscope(CONFIG, clock)
    stage_moves = {"the stage moved by 60.0 um": lambda: microscope.push_to(PUSH_M, 0.0)}
    return Bench(
        CONFIG,
        clock,
        microscope.devices,
        ((0.0, 0.0), (400e-6, 0.0)),
        stage_moves,
        stage_moves | {"light power changed": microscope.devices.light.off},
    )


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
    microscope = recorded_microscope(CONFIG, clock, frames)
    x_m, y_m = frames[0].center_m
    return Bench(
        CONFIG,
        clock,
        microscope.devices,
        (frames[0].center_m, frames[1].center_m),
        {"the stage moved by 60.0 um": lambda: microscope.push_to(x_m + PUSH_M, y_m)},
    )


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_quanta_behind_its_socket(check: Check) -> None:
    clock = HeldClock()
    with quanta_bench(CONFIG, clock) as bench:
        places_m = ((0.0, 0.0), (400e-6, 0.0))
        check(Bench(CONFIG, clock, bench.devices, places_m, _meddling(bench), _pushing(bench)))


def _pushing(bench: QuantaBench) -> dict[str, Callable[[], object]]:
    return {"the stage moved by 60.0 um": lambda: bench.microscope.push_to(PUSH_M, 0.0)}


def _meddling(bench: QuantaBench) -> dict[str, Callable[[], object]]:
    """Return actions of another client of the server."""
    calls: dict[str, tuple[str, dict[str, object]]] = {
        "blanker changed from open to closed": ("blank_beam", {}),
        "the scanned field changed from": ("set_scanning_size", {"value": 200e-6}),
        "the beam shift moved by 3.0 um": ("set_beam_shift", {"x": 3e-6, "y": 0.0}),
        "spot size changed from 3.5 to 5": ("set_ebeam_spotsize", {"value": 5.0}),
        "accelerating voltage changed from 2500 to 5000": ("set_ht_voltage", {"value": 5000.0}),
        "working distance changed": ("set_free_working_distance", {"value": 9e-3}),
    }
    return _pushing(bench) | {
        words: partial(bench.quanta.client.urgent, call) for words, call in calls.items()
    }


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("make", [simulated, recorded], ids=lambda make: make.__name__)
def test_every_microscope(make: Callable[[], Bench], check: Check) -> None:
    check(make())
