import math

import pytest

from config.model import Config
from planner.settings import settings_from
from service.session.stage_frame import StageFrame


def frame_of(**changes: object) -> tuple[Config, StageFrame]:
    config = Config.model_validate(changes)
    return config, StageFrame.of(config)


def test_the_misfit_is_the_way_of_a_corner_under_the_calibration() -> None:
    assert frame_of()[1].misfit_m == 0
    assert frame_of(calibration={"shift_um": [12, -7]})[1].misfit_m == pytest.approx(0, abs=1e-15)
    turned, frame = frame_of(calibration={"rotation_mrad": 10})
    width, height = turned.sem.specimen_px
    half_diagonal_m = math.hypot(width, height) * turned.sem.pixel_size_m / 2
    assert frame.misfit_m == pytest.approx(0.010 * half_diagonal_m, rel=1e-3)


def test_guard_and_halo_hold_the_misfit() -> None:
    config, frame = frame_of(calibration={"rotation_mrad": 10, "scale": 1.01, "shear": -0.005})
    settings = settings_from(config.planner, config.sem, config.stage, frame.misfit_m)
    plain = settings_from(config.planner, config.sem, config.stage)
    assert settings.guard_m == pytest.approx(plain.guard_m + frame.misfit_m)
    assert frame.halo_m == pytest.approx(plain.halo_m + frame.misfit_m)
    assert frame.reach_m == pytest.approx(settings.guard_m + settings.halo_m)


def test_positions_are_converted_both_ways_and_kept_to_the_safe_area() -> None:
    _, frame = frame_of(calibration={"shift_um": [12, -7], "rotation_mrad": 10}, stage={"safe_x_mm": [-1, 2]})
    x, y = frame.sem_position_m((1e-3, 2e-3))
    assert (x, y) == pytest.approx((1e-3 + 12e-6 - 20e-6, 2e-3 - 7e-6 + 10e-6), abs=2e-7)
    assert frame.fm_position_m((x, y)) == pytest.approx((1e-3, 2e-3), abs=1e-12)
    assert frame.safe_area_m == pytest.approx((-1e-3, -12e-3, 2e-3, 12e-3))
    assert frame.is_safe((2e-3, 0.0))
    assert not frame.is_safe((2.001e-3, 0.0))
    assert not frame.is_safe((math.nan, 0.0))
