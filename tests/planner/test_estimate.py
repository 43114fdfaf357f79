import math
from dataclasses import replace

import pytest

from planner.alternatives import alternatives, cheapest
from planner.dose import cell_doses, scan_dose
from planner.errors import PlannerError
from planner.estimate import Pace, Stop, Work, estimate, measured_pace, profile_pace, summed, time_of
from planner.plan import plan
from planner.values import Box, Field
from tests.planner.strategies import UM
from tests.planner.strategies import settings as plan_settings

FIELD = Field("F000", (0.0, 0.0, 91 * UM, 91 * UM))


def cell(name: str, x: float, y: float, side: float = 8) -> Box:
    return Box(name, (x * UM, y * UM, (x + side) * UM, (y + side) * UM))


def stop(x_m: float, y_m: float, size_px: tuple[int, int] = (1000, 500)) -> Stop:
    return Stop((x_m, y_m), size_px, 1e-8, 1e-5)


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


def test_time_data_and_dose_are_summed_over_frames_and_moves() -> None:
    pace = Pace(overhead_s=5.0, move_s=2.0, speed_m_per_s=1e-3, approach_m=(-3e-6, -4e-6))
    stops = [stop(0.0, 0.0), stop(0.0, 0.0), stop(3e-3, 4e-3)]
    found = estimate(stops, pace, None, 2, 1e-10)
    assert (found.frames, found.stage_moves, found.data_bytes) == (3, 2, 3_000_000)
    assert found.beam_s == pytest.approx(15.0)
    assert found.overhead_s == 15.0
    # Every move ends with the 5 um of the approach, and the way to where that begins is 5 um shorter.
    assert found.travel_m == pytest.approx(5e-6 + 5e-3, rel=1e-6)
    assert found.travel_s == pytest.approx(4.0 + found.travel_m / 1e-3)
    assert found.total_s == pytest.approx(found.beam_s + found.overhead_s + found.travel_s)
    assert found.dose == scan_dose(1e-10, 1e-5, 1e-8)
    assert estimate([], pace).total_s == 0


def test_measured_durations_go_before_those_of_the_profile_and_err_on_the_long_side() -> None:
    profile = profile_pace(plan_settings())
    assert measured_pace(profile, [], []) == profile
    measured = measured_pace(profile, [float(n) for n in range(11)], [1.0, 1.0, 1.0])
    assert measured.overhead_s == 9.0
    assert (measured.move_s, measured.speed_m_per_s) == (1.0, math.inf)
    found = estimate([stop(0.0, 0.0), stop(1.0, 0.0)], measured)
    assert found.travel_s == 2.0
    with pytest.raises(PlannerError, match="measured duration"):
        measured_pace(profile, [-1.0], [])


def test_a_plan_and_its_estimate_agree() -> None:
    chosen = replace(plan_settings("exact"), approach_m=(-5e-6, 0.0), move_s=1.0, beam_shift_range_m=10e-6)
    made = plan(
        "S0001", [FIELD], [cell("a", 10, 10), cell("b", 60, 60), cell("c", 60, 70)], chosen, (0.0, 0.0)
    )
    found = estimate(made.frames, profile_pace(chosen), (0.0, 0.0))
    assert (found.total_s, found.travel_m, found.stage_moves) == (
        made.totals.total_s,
        made.totals.travel_m,
        made.totals.stage_moves,
    )


def test_a_person_sees_the_chosen_method_beside_one_frame_per_cell_and_the_raster() -> None:
    boxes = [cell("a", 30, 40, 4), cell("b", 36, 40, 4)]
    settings = plan_settings("exact")
    found = alternatives("S0001", [FIELD], boxes, settings, profile_pace(settings), beam_current_a=1e-10)
    assert [one.method for one in found] == ["exact", "per-box", "raster"]
    times = [one.estimate.total_s for one in found]
    assert times == sorted(times)
    assert cheapest(found).method == "exact"
    assert found[2].estimate.total_s == pytest.approx(found[0].plan.totals.raster_total_s)
    only = alternatives("S0001", [FIELD], [], plan_settings("raster"), profile_pace(settings))
    assert [one.method for one in only] == ["raster", "per-box"]
    assert cheapest(only).method == "per-box"


def test_work_adds_up_and_scales_with_counts_rounded_up() -> None:
    one = Work(frames=3, stage_moves=2, beam_s=10.0, travel_m=1e-4, pixels=100)
    assert one.plus(Work()) == one
    assert one.plus(one) == one.times(2)
    half = one.times(0.5)
    assert (half.frames, half.stage_moves, half.pixels) == (2, 1, 50)
    assert half.beam_s == 5.0


def test_time_of_work_is_the_total_of_an_estimate() -> None:
    pace = Pace(overhead_s=5.0, move_s=1.0, speed_m_per_s=1e-3, approach_m=(3e-6, 4e-6))
    stops = [Stop((x * 1e-5, 0.0), (100, 100), 1e-8, 1e-5) for x in (0, 0, 1, 2)]
    whole = estimate(stops, pace)
    work = summed(stops, pace.approach_m)
    assert (work.frames, work.stage_moves, work.pixels) == (4, 3, 40_000)
    assert time_of(work, pace) == pytest.approx(whole.total_s)
    assert whole.total_s == pytest.approx(whole.beam_s + whole.overhead_s + whole.travel_s)
