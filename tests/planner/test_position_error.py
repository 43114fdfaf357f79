"""Margins that follow from the errors of position."""

import pytest

from config.model import Config
from planner.errors import PlannerError
from planner.plan import plan
from planner.position_error import PositionErrors
from planner.settings import settings_from
from planner.values import Box, Field
from tests.planner.strategies import settings

FIELD = (0.0, 0.0, 91e-6, 91e-6)


def _errors(config: Config) -> PositionErrors:
    return PositionErrors.of(config.planner, config.sem, config.stage)


def test_the_defaults_give_the_guard_and_the_overlap_of_stage_moves() -> None:
    errors = _errors(Config())
    assert errors.guard_um(beam_moves=False) == pytest.approx(1.5)
    assert errors.overlap_um(one_position=False) == pytest.approx(2.5)


def test_between_frames_of_one_stage_position_only_the_beam_counts() -> None:
    errors = PositionErrors(field_um=1.0, stage_um=1.0, beam_um=0.05)
    assert errors.overlap_um(one_position=True) == pytest.approx(0.6)
    assert errors.guard_um(beam_moves=True) == pytest.approx(1.55)


def test_a_measured_field_lowers_the_guard_where_the_beam_moves_only() -> None:
    errors = PositionErrors(field_um=0.2, stage_um=1.0, beam_um=0.05)
    assert errors.guard_um(beam_moves=True) == pytest.approx(0.75)
    assert errors.guard_um(beam_moves=False) == pytest.approx(1.5)


@pytest.mark.parametrize(
    ("guard_um", "error_um"), [(1.5, 1.5), (1.5, 0.2), (0.3, 0.3), (4.0, 1.0), (0.0, 0.0)]
)
def test_stage_moves_keep_the_guard_that_a_person_set(guard_um: float, error_um: float) -> None:
    config = Config.model_validate(
        {"planner": {"guard_um": guard_um}, "stage": {"position_error_um": error_um}}
    )
    assert _errors(config).guard_um(beam_moves=False) == pytest.approx(guard_um)


def test_an_overlap_that_a_person_set_counts_for_stage_moves() -> None:
    config = Config.model_validate({"planner": {"tile_overlap_um": 3.0}})
    errors = _errors(config)
    assert errors.overlap_um(one_position=False) == pytest.approx(3.0)
    assert errors.overlap_um(one_position=True) == pytest.approx(2 * config.sem.beam_error_um + 1.0)


def test_the_window_of_the_beam_leaves_room_for_the_arrival_of_the_stage() -> None:
    config = Config.model_validate({"sem": {"beam_reach_um": [67, 58]}})
    chosen = settings_from(config.planner, config.sem, config.stage)
    assert chosen.beam_window_m == pytest.approx((63e-6, 54e-6))
    assert not settings_from(config.planner, Config().sem, config.stage).beam_moves


def test_frames_are_no_larger_than_the_window_of_the_beam() -> None:
    config = Config.model_validate({"sem": {"beam_reach_um": [67, 58], "max_scan_px": [6144, 4096]}})
    chosen = settings_from(config.planner, config.sem, config.stage)
    assert chosen.max_frame_px[0] * chosen.pixel_size_m <= 63e-6
    assert chosen.max_frame_px[1] * chosen.pixel_size_m <= 54e-6


def test_the_guard_of_a_field_counts_for_its_cells() -> None:
    chosen = settings("per-box")
    box = Box("c0001", (40e-6, 40e-6, 50e-6, 50e-6))
    wide = plan("S0001", [Field("F000", FIELD)], [box], chosen).totals.bound_beam_s
    tight = plan("S0001", [Field("F000", FIELD, guard_m=0.5e-6)], [box], chosen).totals.bound_beam_s
    # 10 um, 2 um of context, and 1.5 um or .5 um of guard around it.
    assert tight / wide == pytest.approx((15 / 17) ** 2, rel=1e-6)
    beside = Field("F001", (45e-6, 0.0, 130e-6, 91e-6))
    both = plan("S0001", [Field("F000", FIELD, guard_m=0.5e-6), beside], [box], chosen)
    assert both.totals.bound_beam_s == pytest.approx(wide)


@pytest.mark.parametrize("reach_um", [[28, 30], [40, 20]])
def test_a_reach_smaller_than_a_frame_is_refused(reach_um: list[float]) -> None:
    config = Config.model_validate({"sem": {"beam_reach_um": reach_um}})
    with pytest.raises(PlannerError, match="the beam would not save a stage move; set a larger reach"):
        settings_from(config.planner, config.sem, config.stage)
    smaller = Config.model_validate({"sem": {"beam_reach_um": reach_um, "max_scan_px": [800, 600]}})
    assert settings_from(smaller.planner, smaller.sem, smaller.stage).beam_moves


def test_a_measured_field_has_the_error_of_its_overview() -> None:
    errors = PositionErrors.of(Config().planner, Config().sem, Config().stage).measured(0.3)
    assert errors.field_um == pytest.approx(0.3 + Config().sem.beam_error_um)
    assert errors.guard_um(beam_moves=True) == pytest.approx(0.3 + 2 * 0.1 + 0.5)
