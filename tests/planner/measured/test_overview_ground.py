"""Ground of overviews: large, around the stage position, and on saved fluorescence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.geometry.allowed_ground import Ground
from planner.geometry.rects import RectM, centered, grown, holds
from planner.measured.overview_ground import LEAST_M, best_field, overview_px

FIELD: RectM = (-45e-6, -45e-6, 45e-6, 45e-6)
REACH_M = 4e-6
MOST_PX = (1536, 1024)


def test_an_overview_at_the_middle_of_a_field_shows_all_but_its_rim() -> None:
    size_px = overview_px(Ground([FIELD], REACH_M), FIELD, (0.0, 0.0), 1e-7, MOST_PX)
    assert size_px == (818, 818)


@given(x=st.floats(-44e-6, 44e-6), y=st.floats(-44e-6, 44e-6))
def test_an_overview_lies_on_saved_ground_around_its_stage_position(x: float, y: float) -> None:
    size_px = overview_px(Ground([FIELD], REACH_M), FIELD, (x, y), 1e-7, MOST_PX)
    room_m = 2 * (45e-6 - max(abs(x), abs(y)) - REACH_M)
    if size_px is None:
        assert room_m < LEAST_M + 3e-7
        return
    assert size_px[0] % 2 == size_px[1] % 2 == 0
    rect = centered((x, y), (size_px[0] * 1e-7, size_px[1] * 1e-7))
    assert holds(FIELD, grown(rect, REACH_M))


@pytest.mark.parametrize("unsaved", [(20e-6, -45e-6, 90e-6, 45e-6), (-9e-6, 30e-6, 9e-6, 90e-6)])
def test_no_overview_reaches_fluorescence_still_to_be_taken(unsaved: RectM) -> None:
    assert overview_px(Ground([FIELD], REACH_M, [unsaved]), FIELD, (0.0, 0.0), 1e-7, MOST_PX) is None


def test_an_overview_is_no_larger_than_the_machine_scans() -> None:
    assert overview_px(Ground([FIELD], REACH_M), FIELD, (0.0, 0.0), 1e-7, (600, 401)) == (600, 400)


def test_the_field_of_a_position_is_the_one_that_reaches_furthest_around_it() -> None:
    fields = [FIELD, (35e-6, -45e-6, 125e-6, 45e-6)]
    assert best_field(fields, (0.0, 0.0)) == 0
    assert best_field(fields, (44e-6, 0.0)) == 1
    assert best_field(fields, (40e-6, 0.0)) == 0
    assert best_field(fields, (0.0, 50e-6)) is None
    assert best_field([], (0.0, 0.0)) is None
