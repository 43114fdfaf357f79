import threading

import cv2
import numpy as np
import pytest

from drivers.chamber import VacuumState
from drivers.errors import DriverError, InterruptedCallError
from drivers.pose import FmToSem
from drivers.sem import ScanRequest
from simulators.clock import FastClock, HeldClock
from simulators.devices.bleaching import BeamExposure, BleachedGround, dose_per_nm2
from simulators.devices.memory import Memory
from simulators.microscope import SimulatedMicroscope
from simulators.specimen.grid import Grid
from tests.simulators.conftest import MakeConfig
from tests.simulators.steps import fm_frame, scan

STILL = {"stage_error_um": 0}


def test_the_beam_destroys_fluorescence(make_config: MakeConfig) -> None:
    config = make_config(simulator=STILL)
    microscope = SimulatedMicroscope(config, FastClock())
    cell = max(microscope.specimen.truth("S0001"), key=lambda c: c.contrast_to_noise * len(c.points_m))
    at = tuple(cell.points_m.mean(axis=0).tolist())
    before = fm_frame(microscope, config, at)
    scan(microscope, at, (1536, 1024))
    microscope.devices.chamber.go_to(VacuumState.PARTIAL, 3600)
    after = fm_frame(microscope, config, at)
    rows, columns = before.pixels.shape
    half_y, half_x = 1024 * 16.5 / 178 / 2, 1536 * 16.5 / 178 / 2
    burnt = np.s_[
        int(rows / 2 - half_y) + 2 : int(rows / 2 + half_y) - 2,
        int(columns / 2 - half_x) + 2 : int(columns / 2 + half_x) - 2,
    ]
    # Where there was a cell there is background; elsewhere only the noise differs.
    level = np.median(before.pixels)
    assert np.percentile(before.pixels[burnt], 90) > level + 400
    assert np.percentile(cv2.blur(after.pixels[burnt], (5, 5)), 99) < level + 400
    rest = np.ones(before.pixels.shape, bool)
    halo = 5
    rest[burnt[0].start - halo : burnt[0].stop + halo, burnt[1].start - halo : burnt[1].stop + halo] = False
    difference = before.pixels.astype(float) - after.pixels
    assert abs(difference[rest].mean()) < 3
    bright = rest & (before.pixels > level + 400)
    assert after.pixels[bright].mean() > level + 300


def ground(*exposures: BeamExposure, calibration: FmToSem | None = None) -> BleachedGround:
    made = BleachedGround(Memory(None), calibration or FmToSem())
    for exposure in exposures:
        made.begin(exposure, lambda fraction=exposure.fraction: fraction)  # type: ignore[misc]
        made.end()
    return made


GRID = Grid(np.array([[0.1, 0.0, -10.0], [0.0, -0.1, 10.0]]), (200, 200))
RECT = (-4e-6, -3e-6, 4e-6, 3e-6)


def test_frame_and_halo_are_burnt_and_nothing_else() -> None:
    left = ground(BeamExposure(RECT, 0.5e-6, 100.0)).remaining(GRID)
    x, y = GRID.points_um()
    away = np.hypot(np.maximum(np.abs(x) - 4, 0), np.maximum(np.abs(y) - 3, 0))
    assert left[away == 0].max() < 1e-6
    assert (left[away > 0.5] == 1).all()
    assert 0 < left[(away > 0.4) & (away < 0.5)].mean() < 1


def test_doses_add_up() -> None:
    weak = BeamExposure(RECT, 0.5e-6, 0.5)
    once, twice = ground(weak).remaining(GRID), ground(weak, weak).remaining(GRID)
    np.testing.assert_allclose(twice, once**2, rtol=1e-5)
    assert once[100, 100] == pytest.approx(np.exp(-0.5))


def test_part_of_a_scan_burns_its_first_rows() -> None:
    left = ground(BeamExposure(RECT, 1e-9, 100.0, 0.25)).remaining(GRID)
    column = left[:, 100]
    y = GRID.points_um()[1][:, 0]
    assert (column[(y < 3) & (y > 1.5)] < 1e-6).all()
    assert (column[y < 1.5] == 1).all()


def test_ground_is_burnt_where_the_calibration_puts_the_beam() -> None:
    calibration = FmToSem(shift_m=(3e-6, 0.0))
    left = ground(BeamExposure(RECT, 1e-9, 100.0), calibration=calibration).remaining(GRID)
    x, y = GRID.points_um()
    burnt = left < 0.5
    assert x[burnt].min() == pytest.approx(-7, abs=0.11)
    assert x[burnt].max() == pytest.approx(1, abs=0.11)
    assert np.abs(y[burnt]).max() == pytest.approx(3, abs=0.11)


def test_the_dose_of_the_paper_leaves_nothing() -> None:
    assert dose_per_nm2(100e-12, 60e-6, 16.5e-9) == pytest.approx(137.6, rel=0.01)
    assert dose_per_nm2(100e-12, 60e-6, 33e-9) == pytest.approx(137.6 / 4, rel=0.01)


@pytest.mark.parametrize("passed", [0.0, 0.25, 0.9])
def test_a_stopped_scan_has_burnt_the_rows_that_it_did(make_config: MakeConfig, passed: float) -> None:
    config = make_config(simulator=STILL)
    clock = HeldClock(passed)
    microscope = SimulatedMicroscope(config, clock)
    scan(microscope, (0.0, 0.0), (10, 10))
    clock.hold_next(10.0)
    errors: list[Exception] = []

    def run() -> None:
        try:
            scan(microscope, (0.0, 0.0))
        except InterruptedCallError as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    assert clock.held.wait(200)
    midway = microscope.ground.remaining(GRID)
    microscope.devices.sem.stop()
    thread.join(200)
    assert errors
    (_, exposure) = microscope.ground.exposures()
    assert exposure.fraction == pytest.approx(passed)
    np.testing.assert_array_equal(microscope.ground.remaining(GRID), midway)


def test_a_refused_scan_burns_nothing(make_config: MakeConfig) -> None:
    microscope = SimulatedMicroscope(make_config(), FastClock())
    for request in (ScanRequest((100, 100), 16.5e-9, 60e-6, "t"), ScanRequest((0, 1), 16.5e-9, 60e-6, "t")):
        with pytest.raises(DriverError):
            microscope.devices.sem.scan(request, 60)
    assert microscope.ground.exposures() == ()


def test_the_burnt_rectangle_is_where_the_stage_really_stood(make_config: MakeConfig) -> None:
    config = make_config(simulator={"stage_error_um": 5})
    microscope = SimulatedMicroscope(config, FastClock())
    image = scan(microscope, (1e-4, 0.0))
    x0, y0, x1, y1 = microscope.ground.exposures()[0].rect_m
    assert ((x0 + x1) / 2, (y0 + y1) / 2) == pytest.approx(microscope.true_position())
    assert image.center_m == (1e-4, 0.0)
    assert (x1 - x0, y1 - y0) == pytest.approx((600 * 16.5e-9, 400 * 16.5e-9))
