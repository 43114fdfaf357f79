"""One tile: light only for its exposure, never without a blanked beam."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from config.model import Config
from drivers.errors import DeviceLostError, DriverError, OutOfRangeError
from drivers.microscope import Microscope
from service.acquisition.holder.tile_camera import TileCamera
from service.errors import SessionFaultError, StageError, UnsafeError
from service.mapping.tiles.taking import holder_light
from service.safety.deadlines import guarded
from simulators.clock import FastClock
from simulators.microscope import SimulatedMicroscope
from tests.service.faults import ALWAYS, Faulty, raising
from tests.service.mapping.tiles.simulated import settings

HERE = (-90e-6, 60e-6)


class Watched:
    """A light that counts how often it was switched on."""

    def __init__(self, light: Any) -> None:
        self._light, self.on_count = light, 0

    def __getattr__(self, name: str) -> Any:
        self.on_count += name == "on"
        return getattr(self._light, name)


def _camera(
    changes: dict[str, dict[str, Any]] | None = None, **faults: Any
) -> tuple[TileCamera, Microscope, Watched]:
    config = Config.model_validate(settings(**(changes or {})))
    clock = FastClock()
    devices = SimulatedMicroscope(config, clock).devices
    light = Watched(devices.light)
    devices = replace(devices, light=light)
    wrong: dict[str, Any] = {name: Faulty(getattr(devices, name), *fault) for name, fault in faults.items()}
    devices = guarded(replace(devices, **wrong))
    return TileCamera(holder_light(config), devices, clock), devices, light


def test_a_tile_shows_the_holder_where_it_was_asked_for_and_the_light_is_off() -> None:
    camera, devices, light = _camera()
    frame, _ = camera.take(HERE)
    assert frame.pose.center_m == pytest.approx(HERE)
    assert (frame.settings.excitation_nm, frame.settings.exposure_s) == (594, 0.02)
    # The section, 100 x 70 um, is darker than the substrate above it.
    assert np.median(frame.pixels[26:30, 50:78]) < 0.8 * np.median(frame.pixels[14:20, 50:78])
    assert not devices.light.is_on()
    assert devices.sem.is_blanked()
    assert (camera.exposures, light.on_count) == (1, 1)


def test_nothing_is_lit_while_the_beam_is_not_blanked() -> None:
    camera, _, light = _camera(sem=("is_blanked", lambda *_: False, ALWAYS))
    with pytest.raises(UnsafeError, match="the beam is not blanked"):
        camera.take(HERE)
    assert light.on_count == 0


def test_a_failed_exposure_is_repeated_and_leaves_the_light_off() -> None:
    camera, devices, light = _camera(camera=("expose", raising(DriverError("no frame")), 1))
    camera.take(HERE)
    assert light.on_count == 2
    camera, devices, light = _camera(camera=("expose", raising(DeviceLostError("gone")), ALWAYS))
    with pytest.raises(DeviceLostError):
        camera.take(HERE)
    assert light.on_count == 3
    assert not devices.light.is_on()


def test_a_light_that_stays_on_is_no_tile() -> None:
    camera, *_ = _camera(light=("off", lambda _: None, ALWAYS))
    with pytest.raises(UnsafeError, match="does not switch off"):
        camera.take(HERE)


def test_a_light_that_the_microscope_does_not_have_ends_the_overview() -> None:
    camera, _, light = _camera({"holder": {"wavelength_nm": 800}})
    with pytest.raises(SessionFaultError, match="holder: no light source at 800 nm"):
        camera.take(HERE)
    assert light.on_count == 1
    camera, *_ = _camera(camera=("expose", raising(OutOfRangeError("no such gain")), 1))
    with pytest.raises(SessionFaultError, match="holder: no such gain"):
        camera.take(HERE)


def test_a_stage_that_arrives_elsewhere_lights_nothing() -> None:
    camera, _, light = _camera(stage=("move_to", lambda *_: (0.0, 0.0), ALWAYS))
    with pytest.raises(StageError, match="from its target"):
        camera.take(HERE)
    with pytest.raises(StageError, match="outside the safe area"):
        camera.take((0.5, 0.0))
    assert light.on_count == 0


def test_the_objective_is_focused_once_in_a_neighbourhood() -> None:
    changes: dict[str, dict[str, Any]] = {
        "fluorescence": {"autofocus_um": 4},
        "simulator": {"plate_height_um": 2.0},
    }
    camera, devices, light = _camera(changes)
    camera.take(HERE)
    assert devices.light_focus is not None
    assert devices.light_focus.position() * 1e6 == pytest.approx(2.0, abs=0.6)
    searched = light.on_count
    assert searched > 9
    camera.take((-60e-6, 60e-6))
    assert light.on_count == searched + 1
