"""The plate under the beam and under the objective: what is off its height is out of focus."""

import numpy as np
import pytest
from numpy.typing import NDArray

from config.model import Config
from detection.image_quality.sharpness import sharpness
from drivers.chamber import VacuumState
from drivers.errors import FocusNotFoundError
from drivers.fluorescence import FmSettings
from drivers.sem import ScanRequest
from simulators.clock import FastClock
from simulators.devices.plate import Autofocus, defocus_sigma_m, plate_height_m, sharp_working_distance_m
from simulators.microscope import SimulatedMicroscope
from simulators.quanta.machine import QuantaMachine
from simulators.quanta.server import quanta_microscope
from tests.simulators.conftest import MakeConfig

TILTED = {"plate_height_um": 12, "plate_tilt_mrad": [3, -2], "plate_bow_um": 10}
REQUEST = ScanRequest((200, 160), 16.5e-9, 60e-6, "n")


def in_vacuum(config: Config) -> SimulatedMicroscope:
    microscope = SimulatedMicroscope(config, FastClock())
    microscope.devices.chamber.go_to(VacuumState.HIGH, 1000)
    return microscope


def rendered(config: Config, off_m: float) -> NDArray[np.uint8]:
    microscope = in_vacuum(config)
    focus = microscope.devices.focus
    assert focus is not None
    focus.set_focus(sharp_working_distance_m(config, microscope.true_position()) + off_m)
    return np.asarray(microscope.devices.sem.scan(REQUEST, 100).pixels, dtype=np.uint8)


def test_the_plate_is_high_tilted_and_bent(make_config: MakeConfig) -> None:
    config = make_config(simulator=TILTED)
    assert plate_height_m(config, (0.0, 0.0)) == pytest.approx(12e-6)
    assert plate_height_m(config, (1e-3, 0.0)) == pytest.approx(12e-6 + 3e-6 + 0.1e-6)
    assert plate_height_m(config, (0.0, 10e-3)) == pytest.approx(12e-6 - 20e-6 + 10e-6)
    # What is higher is nearer to the lens.
    wd_m = config.sem.working_distance_mm * 1e-3
    assert sharp_working_distance_m(config, (0.0, 0.0)) == pytest.approx(wd_m - 12e-6)
    level = make_config()
    assert sharp_working_distance_m(level, (3e-3, 5e-3)) == wd_m


def test_the_blur_grows_with_defocus_and_aperture() -> None:
    # 2 alpha = 30 um / 5.8 mm; 10 um off make a disc of 51.7 nm.
    assert 4 * defocus_sigma_m(10e-6, 30e-6, 5.8e-3) == pytest.approx(51.7e-9, abs=0.1e-9)
    assert defocus_sigma_m(-10e-6, 30e-6, 5.8e-3) == defocus_sigma_m(10e-6, 30e-6, 5.8e-3)
    assert defocus_sigma_m(10e-6, 60e-6, 5.8e-3) == 2 * defocus_sigma_m(10e-6, 30e-6, 5.8e-3)
    assert defocus_sigma_m(0.0, 30e-6, 5.8e-3) == 0


def test_an_image_loses_its_detail_out_of_focus(make_config: MakeConfig) -> None:
    config = make_config(simulator=TILTED)
    sharp, *others, flat = (rendered(config, off * 1e-6).astype(float) for off in (0, 10, -40, 500))
    # The same noise is on all of them: what differs is the stain, of which the last has next to nothing.
    detail = [np.std(image - flat) for image in (sharp, *others)]
    assert detail[0] > detail[1] > detail[2] > 0
    assert np.array_equal(sharp, rendered(make_config(), 0.0))
    assert not np.array_equal(sharp, rendered(config, 10e-6))


def test_the_automatic_focus_finds_the_plate_with_noise(make_config: MakeConfig) -> None:
    config = make_config(simulator={**TILTED, "autofocus_noise_um": 0.8})
    machine = Autofocus(config)
    place = (2e-3, 1e-3)
    found = np.array([machine.found_m(place) for _ in range(200)])
    assert np.mean(found) == pytest.approx(sharp_working_distance_m(config, place), abs=0.2e-6)
    assert np.std(found) == pytest.approx(0.8e-6, rel=0.15)
    assert Autofocus(config).found_m(place) == found[0]


def test_its_faults_are_as_often_as_configured(make_config: MakeConfig) -> None:
    config = make_config(simulator={"autofocus_wrong_percent": 20, "autofocus_fails_percent": 10})
    machine = Autofocus(config)
    true_m, wrong, failed = sharp_working_distance_m(config, (0, 0)), 0, 0
    for _ in range(400):
        try:
            wrong += 15e-6 < abs(machine.found_m((0.0, 0.0)) - true_m) < 85e-6
        except FocusNotFoundError:
            failed += 1
    assert 0.13 < wrong / 400 < 0.27
    assert 0.05 < failed / 400 < 0.15


def test_the_simulated_sem_focuses_and_exposes_what_it_focuses_on(make_config: MakeConfig) -> None:
    config = make_config(simulator=TILTED)
    microscope = in_vacuum(config)
    focus = microscope.devices.focus
    assert focus is not None
    found_m = focus.autofocus(REQUEST, 100)
    assert found_m == pytest.approx(sharp_working_distance_m(config, microscope.true_position()), abs=3e-6)
    assert microscope.devices.sem.scan(REQUEST, 100).beam.working_distance_m == found_m
    assert len(microscope.ground.exposures()) == 6
    failing = in_vacuum(make_config(simulator={"autofocus_fails_percent": 100}))
    assert failing.devices.focus is not None
    with pytest.raises(FocusNotFoundError):
        failing.devices.focus.autofocus(REQUEST, 100)
    assert failing.ground.exposures()
    assert failing.devices.sem.is_blanked()


def test_the_objective_is_in_focus_at_the_height_of_the_plate(make_config: MakeConfig) -> None:
    config = make_config(simulator=TILTED, specimen={"cells_per_field": 8})
    values = {}
    for off_um in (0.0, 3.0, -3.0):
        microscope = SimulatedMicroscope(config, FastClock())
        devices = microscope.devices
        assert devices.light_focus is not None
        height_m = plate_height_m(config, microscope.true_position())
        devices.light_focus.move_to(height_m + off_um * 1e-6, 100)
        fm = config.fluorescence
        devices.light.on(fm.excitation_nm, fm.power_density_w_per_cm2, 10)
        settings = FmSettings(fm.exposure_s, fm.em_gain, fm.excitation_nm, fm.power_density_w_per_cm2)
        frame = devices.camera.expose(settings, 100)
        devices.light.off()
        values[off_um] = sharpness(frame.pixels, frame.offset_adu)
    assert values[0.0] > 1.5 * max(values[3.0], values[-3.0])


def test_the_quanta_server_blurs_and_focuses_likewise(make_config: MakeConfig) -> None:
    config = make_config(simulator={**TILTED, "autofocus_noise_um": 0.0})
    base = FastClock()
    microscope, clock = quanta_microscope(config, base)
    microscope.devices.chamber.go_to(VacuumState.HIGH, 1000)
    machine = QuantaMachine(config, microscope.devices, clock)

    def focused() -> float:
        machine.unblank_beam()
        machine.set_autofocusing("1", True)
        while machine.is_autofocusing("1"):
            base.sleep(1.0)
            clock.settle()
        machine.blank_beam()
        return machine.held.values["free_working_distance"]

    machine.held.set("scanning_size", 20e-6)
    true_m = sharp_working_distance_m(config, microscope.devices.stage.position())
    assert focused() == pytest.approx(true_m, abs=1e-9)
    machine.held.fault("autofocus_off", 33e-6)
    assert focused() == pytest.approx(true_m + 33e-6, abs=1e-9)
    machine.close()


def test_a_scan_whose_request_to_stop_comes_late_has_one_frame_all_the_same(make_config: MakeConfig) -> None:
    base = FastClock()
    microscope, clock = quanta_microscope(make_config(), base)
    microscope.devices.chamber.go_to(VacuumState.HIGH, 1000)
    machine = QuantaMachine(make_config(), microscope.devices, clock, stop_late_s=1e6)
    machine.held.set("scanning_size", 20e-6)
    machine.unblank_beam()
    machine.set_channel_state("1", "run")
    while machine.get_latest_image("1") is None:
        base.sleep(1.0)
        clock.settle()
    # Long after the frame has ended.
    base.sleep(60.0)
    clock.settle()
    machine.set_channel_state("1", "stop")
    machine.close()
    assert len(microscope.ground.exposures()) == 1
