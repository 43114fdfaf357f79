import math
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest

from drivers.chamber import VacuumState
from drivers.clock import SystemClock
from drivers.errors import DeviceTimeoutError, InterruptedCallError
from drivers.fluorescence import FmSettings
from drivers.pose import FmToSem, Pose, to_pixels
from drivers.sem import ScanRequest
from simulators.clock import FastClock
from simulators.devices.camera import blur_sigma_um
from simulators.microscope import SimulatedMicroscope
from tests.simulators.conftest import MakeConfig
from tests.simulators.steps import correlation, fm_frame, fm_grid, scan

EMPTY = {"cells_per_field": 0, "bell_photons": 0, "background_photons": 50}


# Camera


def test_dust_stays_in_the_camera_while_the_specimen_moves(make_config: MakeConfig) -> None:
    config = make_config(specimen=EMPTY, simulator={"dust_spots": 4})
    microscope = SimulatedMicroscope(config, FastClock())
    here, there = (
        cv2.GaussianBlur(fm_frame(microscope, config, (x, 0.0)).pixels.astype(np.float32), (0, 0), 3)
        for x in (0.0, 60e-6)
    )
    spots = here > here.mean() + 5 * np.median(np.abs(here - np.median(here)))
    assert 4 * 3 <= spots.sum() * 0.178**2 <= 4 * 60
    assert np.median(there[spots]) - np.median(there) > 0.5 * (np.median(here[spots]) - np.median(here))


@pytest.mark.parametrize("em_gain", [1.0, 100.0, 300.0])
def test_mean_and_variance_of_the_camera(make_config: MakeConfig, em_gain: float) -> None:
    config = make_config(specimen=EMPTY, fluorescence={"em_gain": em_gain})
    microscope = SimulatedMicroscope(config, FastClock())
    simulator, fm = config.simulator, config.fluorescence
    pixels = fm_frame(microscope, config, (0.0, 0.0)).pixels.astype(float)
    electrons = 50 * fm.exposure_s * simulator.quantum_efficiency
    adu_per_electron = em_gain / simulator.electrons_per_adu
    assert pixels.mean() - fm.offset_adu == pytest.approx(electrons * adu_per_electron, rel=0.01)
    read = (simulator.read_noise_electrons / simulator.electrons_per_adu) ** 2
    # The register doubles the variance of the shot noise; without it there is Poisson noise alone.
    excess = (pixels.var() - read - 1 / 12) / (electrons * adu_per_electron**2)
    assert excess == pytest.approx(2.0 if em_gain > 1 else 1.0, rel=0.05 if em_gain > 1 else 0.25)


def test_a_dark_frame_is_offset_and_read_noise(make_config: MakeConfig) -> None:
    config = make_config()
    microscope = SimulatedMicroscope(config, FastClock())
    dark = fm_frame(microscope, config, (0.0, 0.0), lit=False).pixels.astype(float)
    read_adu = config.simulator.read_noise_electrons / config.simulator.electrons_per_adu
    assert dark.mean() == pytest.approx(config.fluorescence.offset_adu, abs=0.1)
    assert dark.std() == pytest.approx(math.hypot(read_adu, math.sqrt(1 / 12)), rel=0.02)


def test_signal_grows_with_exposure_and_power(make_config: MakeConfig) -> None:
    config = make_config(specimen=EMPTY)
    devices = SimulatedMicroscope(config, FastClock()).devices
    offset = config.fluorescence.offset_adu

    def mean(exposure_s: float, power: float, excitation_nm: float = 488) -> float:
        devices.light.on(excitation_nm, power, 5)
        frame = devices.camera.expose(FmSettings(exposure_s, 100, excitation_nm, power), 60)
        return float(frame.pixels.mean()) - offset

    one = mean(1.0, 0.5)
    assert mean(2.0, 0.5) == pytest.approx(2 * one, rel=0.01)
    assert mean(1.0, 1.0) == pytest.approx(2 * one, rel=0.01)
    assert mean(1.0, 0.5, 405) < 0.01 * one


def test_the_light_of_the_holder_shows_the_section_by_reflection(make_config: MakeConfig) -> None:
    config = make_config(specimen=EMPTY)
    devices = SimulatedMicroscope(config, FastClock()).devices
    holder = config.holder

    def median(exposure_s: float, at_m: tuple[float, float]) -> float:
        devices.stage.move_to(*at_m, 100)
        devices.light.on(holder.wavelength_nm, holder.power_density_w_per_cm2, 5)
        settings = FmSettings(exposure_s, 1, holder.wavelength_nm, holder.power_density_w_per_cm2)
        frame = devices.camera.expose(settings, 60)
        return float(np.median(frame.pixels)) - config.fluorescence.offset_adu

    section, bare = median(0.02, (0.0, 0.0)), median(0.02, (5e-3, 5e-3))
    assert 0.4 < section / bare < 0.7
    assert median(0.04, (5e-3, 5e-3)) == pytest.approx(2 * bare, rel=0.05)


def test_too_much_light_saturates(make_config: MakeConfig) -> None:
    config = make_config(specimen={**EMPTY, "background_photons": 1e5})
    pixels = fm_frame(SimulatedMicroscope(config, FastClock()), config, (0.0, 0.0)).pixels
    assert pixels.min() == pixels.max() == 65535


def test_background_is_a_bell(make_config: MakeConfig) -> None:
    config = make_config(specimen={"cells_per_field": 0})
    pixels = fm_frame(SimulatedMicroscope(config, FastClock()), config, (0.0, 0.0)).pixels.astype(float)
    middle, corner = pixels[240:290, 220:270].mean(), pixels[:40, -40:].mean()
    specimen = config.simulator.specimen
    expected = (specimen.background_photons + specimen.bell_photons) / specimen.background_photons
    offset = config.fluorescence.offset_adu
    assert (middle - offset) / (corner - offset) == pytest.approx(expected, rel=0.15)


def test_the_image_is_that_of_the_specimen_blurred(make_config: MakeConfig) -> None:
    config = make_config(specimen={"bell_photons": 0}, simulator={"stage_error_um": 0})
    microscope = SimulatedMicroscope(config, FastClock())
    pixels = fm_frame(microscope, config, (0.0, 0.0)).pixels
    scene = microscope.specimen.fluorescence(fm_grid(config, (0.0, 0.0)))
    smooth = cv2.blur(pixels.astype(np.float32), (5, 5))
    assert correlation(smooth, cv2.blur(scene, (5, 5))) > 0.95


def test_defocus_blurs(make_config: MakeConfig) -> None:
    sharp, blurred = (make_config(simulator={"defocus_um": d}) for d in (0.0, 0.5))
    assert blur_sigma_um(sharp) == pytest.approx(0.1134, abs=0.001)
    assert blur_sigma_um(blurred) > 5 * blur_sigma_um(sharp)
    frames = [fm_frame(SimulatedMicroscope(c, FastClock()), c, (0.0, 0.0)).pixels for c in (sharp, blurred)]
    assert frames[1].max() < frames[0].max()


def test_noise_is_new_in_each_frame_and_the_same_for_a_seed(make_config: MakeConfig) -> None:
    config = make_config(specimen=EMPTY)
    runs = []
    for _ in range(2):
        microscope = SimulatedMicroscope(config, FastClock())
        runs.append([fm_frame(microscope, config, (0.0, 0.0)).pixels for _ in range(2)])
    np.testing.assert_array_equal(runs[0][1], runs[1][1])
    assert abs(correlation(runs[0][0], runs[0][1])) < 0.02


# Stage


def test_the_stage_stands_off_its_read_back(make_config: MakeConfig) -> None:
    config = make_config(simulator={"stage_error_um": 0.3})
    microscope = SimulatedMicroscope(config, FastClock())
    rng = np.random.default_rng(2)
    errors = []
    for x, y in rng.uniform(-5e-3, 5e-3, (2000, 2)):
        assert microscope.devices.stage.move_to(x, y, 60) == (x, y)
        errors.append(np.subtract(microscope.true_position(), (x, y)) * 1e6)
    assert np.std(errors, axis=0) == pytest.approx([0.3, 0.3], rel=0.08)
    assert np.abs(np.mean(errors, axis=0)).max() < 0.03
    assert np.hypot(*np.transpose(errors)).max() <= 0.9


def test_a_frame_says_the_read_back_and_shows_the_truth(make_config: MakeConfig) -> None:
    config = make_config(simulator={"stage_error_um": 10}, stage={"position_error_um": 1})
    microscope = SimulatedMicroscope(config, FastClock())
    frame = fm_frame(microscope, config, (0.0, 0.0))
    assert frame.pose.center_m == (0.0, 0.0)
    true = microscope.specimen.fluorescence(fm_grid(config, microscope.true_position()))
    said = microscope.specimen.fluorescence(fm_grid(config, (0.0, 0.0)))
    assert correlation(frame.pixels, true) > correlation(frame.pixels, said) + 0.1


def test_a_move_takes_its_time(make_config: MakeConfig) -> None:
    config = make_config(simulator={"stage_speed_mm_per_s": 2, "stage_settle_s": 0.3})
    clock = FastClock()
    stage = SimulatedMicroscope(config, clock).devices.stage
    stage.move_to(0.0, 0.0, 60)
    begin_s = clock.now_s()
    stage.move_to(3e-3, 4e-3, 60)
    assert clock.now_s() - begin_s == pytest.approx(5 / 2 + 0.3)


# Chamber


def test_pressure_falls_exponentially(make_config: MakeConfig) -> None:
    config = make_config(simulator={"pump_to_high_vacuum_min": 4})
    clock = FastClock()
    chamber = SimulatedMicroscope(config, clock).devices.chamber
    chamber.go_to(VacuumState.PARTIAL, 3600)
    with pytest.raises(Exception, match="did not reach high"):
        chamber.go_to(VacuumState.HIGH, 1.0)
    readings = []
    for _ in range(5):
        assert chamber.state() is VacuumState.CHANGING
        readings.append(chamber.pressure_pa())
        clock.sleep(40)
    ratios = np.divide(readings[1:], readings[:-1])
    assert ratios == pytest.approx([ratios[0]] * 4, rel=1e-6)
    assert ratios[0] < 0.2
    clock.sleep(60)
    assert chamber.state() is VacuumState.HIGH
    assert chamber.pressure_pa() <= config.chamber.high_vacuum_pa


def test_a_chamber_that_nobody_waited_for_outlives_its_server(
    make_config: MakeConfig, tmp_path: Path
) -> None:
    """A server begins a change and returns; killed after its end, it finds the vacuum that there was."""
    config, clock, journal = make_config(), FastClock(), tmp_path / "microscope.jsonl"
    chamber = SimulatedMicroscope(config, clock, journal).devices.chamber
    with pytest.raises(DeviceTimeoutError):
        chamber.go_to(VacuumState.HIGH, 0.0)
    clock.sleep(3600)
    assert chamber.state() is VacuumState.HIGH
    again = SimulatedMicroscope(config, clock, journal).devices.chamber
    assert (again.state(), again.pressure_pa()) == (VacuumState.HIGH, chamber.pressure_pa())


# SEM


def test_the_sem_shows_the_specimen(make_config: MakeConfig) -> None:
    config = make_config(simulator={"stage_error_um": 0})
    microscope = SimulatedMicroscope(config, FastClock())
    cell = max(microscope.specimen.truth("S0001"), key=lambda c: len(c.points_m))
    x, y = cell.points_m.mean(axis=0)
    image = scan(microscope, (float(x), float(y)), (1500, 1000))
    pose = Pose(image.center_m, (image.pixel_size_m, image.pixel_size_m))
    column, row = np.floor(to_pixels(pose, image.pixels.shape, cell.points_m)).astype(int).T
    within = (column >= 0) & (column < 1500) & (row >= 0) & (row < 1000)
    inside = image.pixels[row[within], column[within]].astype(float)
    resin = np.percentile(image.pixels, 97)
    # Contrast is inverted: a stained cell is darker than resin.
    assert inside.mean() < resin - 40


def test_contrast_is_inverted_on_request(make_config: MakeConfig) -> None:
    means = []
    for invert in (True, False):
        config = make_config(specimen={"cells_per_field": 0}, sem={"invert_contrast": invert})
        means.append(scan(SimulatedMicroscope(config, FastClock()), (0.0, 0.0)).pixels.mean())
    assert sum(means) == pytest.approx(255, abs=2)
    assert means[0] > means[1]


def test_a_longer_dwell_has_less_noise(make_config: MakeConfig) -> None:
    config = make_config(specimen={"cells_per_field": 0})
    noise = []
    for dwell_s in (60e-6, 600e-6):
        image = scan(SimulatedMicroscope(config, FastClock()), (0.0, 0.0), dwell_s=dwell_s)
        pixels = image.pixels.astype(float)
        noise.append(np.diff(pixels, axis=1).std())
    assert noise[0] / noise[1] == pytest.approx(math.sqrt(10), rel=0.1)


def test_a_scan_takes_dwell_and_overhead(make_config: MakeConfig) -> None:
    config = make_config(simulator={"scan_overhead_s": 1.5})
    clock = FastClock()
    microscope = SimulatedMicroscope(config, clock)
    scan(microscope, (0.0, 0.0))
    begin_s = clock.now_s()
    microscope.devices.sem.scan(ScanRequest((1536, 1024), 16.5e-9, 60e-6, "t"), 600)
    assert clock.now_s() - begin_s == pytest.approx(1.5 + 1536 * 1024 * 60e-6)


def test_the_sem_sees_where_the_calibration_says(make_config: MakeConfig) -> None:
    shift = {"shift_um": (6.0, -4.0), "rotation_mrad": 30}
    still = {"stage_error_um": 0}
    plain = SimulatedMicroscope(make_config(simulator=still), FastClock())
    shifted_config = make_config(simulator=still, calibration=shift)
    shifted = SimulatedMicroscope(shifted_config, FastClock())
    cell = max(plain.specimen.truth("S0001"), key=lambda c: len(c.points_m))
    at = cell.points_m.mean(axis=0)
    x, y = FmToSem.of(shifted_config.calibration).to_sem(at[None])[0]
    one = scan(plain, (float(at[0]), float(at[1])), (400, 400)).pixels
    wrong = scan(shifted, (float(at[0]), float(at[1])), (400, 400)).pixels
    right = scan(shifted, (float(x), float(y)), (400, 400)).pixels
    middle = np.s_[180:220, 180:220]
    assert correlation(one[middle], right[middle]) > correlation(one[middle], wrong[middle]) + 0.2


def test_a_scan_in_real_time_can_be_stopped(make_config: MakeConfig) -> None:
    config = make_config(simulator={"pump_to_high_vacuum_min": 0, "stage_settle_s": 0, "scan_overhead_s": 0})
    microscope = SimulatedMicroscope(config, SystemClock())
    microscope.devices.chamber.go_to(VacuumState.HIGH, 60)
    errors: list[InterruptedCallError] = []

    def run() -> None:
        try:
            # An hour of beam: only `stop` ends it before the timeout of the test.
            microscope.devices.sem.scan(ScanRequest((600, 600), 16.5e-9, 10e-3, "t"), 7200)
        except InterruptedCallError as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    while microscope.devices.sem.is_blanked() and thread.is_alive():
        thread.join(0.01)
    microscope.devices.sem.stop()
    thread.join(200)
    assert errors
    assert microscope.devices.sem.is_blanked()
    assert microscope.ground.exposures()[0].fraction < 0.1


def test_a_shifted_scan_sees_and_burns_the_ground_beside_the_stage(make_config: MakeConfig) -> None:
    config = make_config(simulator={"stage_error_um": 0}, sem={"beam_shift_range_um": 10})
    straight, shifted = (SimulatedMicroscope(config, FastClock()) for _ in range(2))
    cell = max(straight.specimen.truth("S0001"), key=lambda c: len(c.points_m))
    x, y = (float(v) for v in cell.points_m.mean(axis=0))
    scan(straight, (x, y), (400, 400))
    scan(shifted, (x + 6e-6, y - 5e-6), (10, 10))
    request = ScanRequest((400, 400), 16.5e-9, 60e-6, "t", beam_shift_m=(-6e-6, 5e-6))
    image = shifted.devices.sem.scan(request, 600)
    one = scan(SimulatedMicroscope(config, FastClock()), (x, y), (400, 400)).pixels
    assert correlation(one, image.pixels) > 0.5
    assert shifted.ground.exposures()[-1].rect_m == pytest.approx(straight.ground.exposures()[0].rect_m)


def test_a_move_towards_lower_x_or_y_ends_short_by_the_backlash(make_config: MakeConfig) -> None:
    config = make_config(simulator={"stage_error_um": 0, "stage_backlash_um": 3})
    microscope = SimulatedMicroscope(config, FastClock())
    stage = microscope.devices.stage
    for way, off_um in (((1, 1), (0, 0)), ((-1, 1), (3, 0)), ((1, -1), (0, 3)), ((-1, -1), (3, 3))):
        target = (way[0] * 1e-4, way[1] * 1e-4)
        stage.move_to(0.0, 0.0, 60)
        assert stage.move_to(*target, 60) == target
        off = np.subtract(microscope.true_position(), target)
        assert off == pytest.approx(np.array(off_um) * 1e-6, abs=1e-12)
    # An axis that does not move keeps its play.
    stage.move_to(-1e-4, 0.0, 60)
    assert microscope.true_position() == pytest.approx((-1e-4 + 3e-6, 0.0), abs=1e-12)
