import math
from dataclasses import replace

import pytest

from planner.cost import Pace, Work, measured_pace, profile_pace, total_s, travel_s, work_of
from planner.dose import cell_doses, scan_dose
from planner.errors import PlannerError
from planner.geometry.rects import centered
from planner.plan import compared_methods, plan, plans
from planner.values import Box, Field, Frame
from tests.planner.strategies import UM
from tests.planner.strategies import settings as plan_settings

FIELD = Field("F000", (0.0, 0.0, 91 * UM, 91 * UM))


def cell(name: str, x: float, y: float, side: float = 8) -> Box:
    return Box(name, (x * UM, y * UM, (x + side) * UM, (y + side) * UM))


def frame(x_m: float, y_m: float, size_px: tuple[int, int] = (1000, 500)) -> Frame:
    """Return a frame of 10 nm and 10 us at a stage position."""
    at_m, beam_s = (x_m, y_m), size_px[0] * size_px[1] * 1e-5
    rect = centered(at_m, (size_px[0] * 1e-8, size_px[1] * 1e-8))
    return Frame("J000001", rect, at_m, size_px, 1e-8, 1e-5, beam_s, (), at_m, (0.0, 0.0))


def test_the_dose_of_a_scan_is_current_times_dwell_over_the_pixel() -> None:
    dose = scan_dose(100e-12, 60e-6, 16.5e-9)
    # 6e-15 C are 37,449 electrons, on 272.25 nm2.
    assert dose.electrons_per_nm2 == pytest.approx(37_449.06 / 272.25, rel=1e-6)
    assert dose.mc_per_cm2 == pytest.approx(6e-12 / 272.25e-14, rel=1e-9)


def test_frames_that_overlap_on_a_cell_add_their_doses() -> None:
    boxes = [cell("a", 30, 40), cell("b", 44, 40)]
    frames = plan("S0001", [FIELD], boxes, plan_settings("per-box", (3072, 2206), context_um=4.0)).frames
    assert len(frames) == 2
    once = scan_dose(1e-10, 60e-6, 16.5e-9).electrons_per_nm2
    first, second, far = cell_doses(
        [cell("a", 30, 40), cell("x", 37, 40, 4), cell("far", 70, 70)], frames, 1e-10
    )
    # The frame of b begins at 38.5 um: it does not reach a, and covers 2.5 of the 4 um of x.
    assert (first.most.electrons_per_nm2, first.mean.electrons_per_nm2) == pytest.approx((once, once))
    assert second.most.electrons_per_nm2 == pytest.approx(2 * once)
    assert second.mean.electrons_per_nm2 == pytest.approx(once * (1 + 2.5 / 4), rel=0.005)
    assert far.most.electrons_per_nm2 == far.mean.electrons_per_nm2 == 0


@pytest.mark.parametrize("current_a", [-1e-12, math.nan, math.inf])
def test_a_beam_current_that_is_none_is_refused(current_a: float) -> None:
    with pytest.raises(PlannerError, match="beam current"):
        scan_dose(current_a, 60e-6, 16.5e-9)


def test_time_and_data_are_summed_over_frames_and_moves() -> None:
    pace = Pace(overhead_s=5.0, move_s=2.0, speed_m_per_s=1e-3, approach_m=(-3e-6, -4e-6))
    frames = [frame(0.0, 0.0), frame(0.0, 0.0), frame(3e-3, 4e-3)]
    found = work_of(frames, pace.approach_m)
    assert (found.frames, found.stage_moves, found.pixels) == (3, 2, 1_500_000)
    assert found.beam_s == pytest.approx(15.0)
    # Every move ends with the 5 um of the approach, and the way to where that begins is 5 um shorter.
    assert found.travel_m == pytest.approx(5e-6 + 5e-3, rel=1e-6)
    assert travel_s(found, pace) == pytest.approx(4.0 + found.travel_m / 1e-3)
    assert total_s(found, pace) == pytest.approx(15.0 + 3 * 5.0 + travel_s(found, pace))
    from_far = work_of(frames, pace.approach_m, (1.0, 0.0))
    assert from_far.stage_moves == 2
    assert from_far.travel_m == pytest.approx(1.0 + found.travel_m, abs=1e-5)
    assert total_s(work_of([], pace.approach_m), pace) == 0


def test_measured_durations_go_before_those_of_the_profile_and_err_on_the_long_side() -> None:
    profile = profile_pace(plan_settings())
    assert measured_pace(profile, [], []) == profile
    measured = measured_pace(profile, [float(n) for n in range(11)], [1.0, 1.0, 1.0])
    assert measured.overhead_s == 9.0
    assert (measured.move_s, measured.speed_m_per_s) == (1.0, math.inf)
    found = work_of([frame(0.0, 0.0), frame(1.0, 0.0)], measured.approach_m)
    assert travel_s(found, measured) == 2.0
    with pytest.raises(PlannerError, match="measured duration"):
        measured_pace(profile, [-1.0], [])


def test_the_totals_of_a_plan_are_those_of_its_frames() -> None:
    chosen = replace(plan_settings("exact"), approach_m=(-5e-6, 0.0), move_s=1.0, beam_shift_range_m=10e-6)
    made = plan(
        "S0001", [FIELD], [cell("a", 10, 10), cell("b", 60, 60), cell("c", 60, 70)], chosen, (0.0, 0.0)
    )
    pace, totals = profile_pace(chosen), made.totals
    found = work_of(made.frames, pace.approach_m, (0.0, 0.0))
    assert (totals.frames, totals.stage_moves) == (found.frames, found.stage_moves)
    assert (totals.beam_s, totals.travel_m) == (found.beam_s, found.travel_m)
    assert (totals.total_s, totals.travel_s) == (total_s(found, pace), travel_s(found, pace))
    assert totals.total_s == pytest.approx(totals.beam_s + totals.overhead_s + totals.travel_s)


def test_the_chosen_method_is_compared_with_one_frame_per_cell_and_the_raster() -> None:
    boxes = [cell("a", 30, 40, 4), cell("b", 36, 40, 4)]
    found = plans("S0001", [FIELD], boxes, plan_settings("exact"), compared_methods("exact"))
    assert [one.method for one in found] == ["exact", "per-box", "raster"]
    times = [one.totals.total_s for one in found]
    assert times == sorted(times)
    assert times[2] == pytest.approx(found[0].totals.raster_total_s)
    assert compared_methods("raster") == ("raster", "per-box")
    assert compared_methods("per-box") == ("per-box", "raster")


def test_work_adds_up_and_scales_with_counts_rounded_up() -> None:
    one = Work(frames=3, stage_moves=2, beam_s=10.0, travel_m=1e-4, pixels=100)
    assert one.plus(Work()) == one
    assert one.plus(one) == one.times(2)
    half = one.times(0.5)
    assert (half.frames, half.stage_moves, half.pixels) == (2, 1, 50)
    assert half.beam_s == 5.0
