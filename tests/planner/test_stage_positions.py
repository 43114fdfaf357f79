import math
from dataclasses import replace
from itertools import groupby

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.plan import plan
from planner.stage_positions import stage_positions
from planner.values import Box, Field
from tests.planner.strategies import UM
from tests.planner.strategies import settings as plan_settings

coordinates = st.floats(-1e-4, 1e-4).map(lambda v: round(v, 8))
points = st.lists(st.tuples(coordinates, coordinates), max_size=40)


@settings(deadline=None)
@given(points, st.sampled_from([0.0, 5e-6, 60e-6]), st.booleans())
def test_every_frame_once_within_range_of_its_stage_position(
    centers: list[tuple[float, float]], range_m: float, keep_order: bool
) -> None:
    stops = stage_positions(centers, range_m, (0.0, 0.0), keep_order)
    assert sorted(s.index for s in stops) == list(range(len(centers)))
    for stop in stops:
        assert math.dist(centers[stop.index], stop.stage_m) <= range_m
    visits = [position for position, _ in groupby(s.stage_m for s in stops)]
    if range_m:
        assert len(visits) == len(set(visits))


def test_frames_within_the_beam_shift_share_a_stage_position() -> None:
    field = Field("F", (0.0, 0.0, 91 * UM, 91 * UM))
    boxes = [Box(f"c{n}", (x * UM, 40 * UM, (x + 4) * UM, 44 * UM)) for n, x in enumerate((10, 30, 50, 70))]
    chosen = replace(plan_settings("exact"), beam_shift_range_m=12 * UM, move_s=2.0)
    result = plan("S0001", [field], boxes, chosen)
    assert result.totals.stage_moves == 4
    wider = plan("S0001", [field], boxes, replace(chosen, beam_shift_range_m=15 * UM))
    assert wider.totals.stage_moves == 2
    assert wider.totals.total_s < result.totals.total_s - 4
    for frame in wider.frames:
        shifted = (frame.stage_m[0] + frame.beam_shift_m[0], frame.stage_m[1] + frame.beam_shift_m[1])
        assert shifted == pytest.approx(frame.center_m, abs=1e-15)
        assert math.hypot(*frame.beam_shift_m) == pytest.approx(10 * UM, abs=1e-8)


def test_without_beam_shift_the_stage_goes_to_the_middle_of_every_frame() -> None:
    field = Field("F", (0.0, 0.0, 91 * UM, 91 * UM))
    (frame,) = plan(
        "S0001", [field], [Box("c", (40 * UM, 40 * UM, 50 * UM, 48 * UM))], plan_settings()
    ).frames
    assert frame.stage_m == frame.center_m
    assert frame.beam_shift_m == (0.0, 0.0)
