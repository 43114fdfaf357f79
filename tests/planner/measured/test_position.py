"""Frames of a stage position that are planned again."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.model import Config
from planner.cover.required import required_rect
from planner.cover.seams import not_shown
from planner.geometry.allowed_ground import Ground
from planner.geometry.rects import RectM, cut, grown
from planner.measured.position import Again, Proven, Shown, for_place, parts_shown, plan_position
from planner.settings import PlanSettings, settings_from
from planner.values import Box, Method
from tests.examples import examples

BEAM = Config.model_validate({"sem": {"beam_reach_um": [90, 90], "max_scan_px": [1536, 1024]}})
SETTINGS = settings_from(BEAM.planner, BEAM.sem, BEAM.stage)
FIELD: RectM = (-45e-6, -45e-6, 45e-6, 45e-6)
GROUND = Ground([FIELD], SETTINGS.guard_m + SETTINGS.halo_m)
PROVEN_M = 0.9e-6
STAGE = (0.0, 0.0)


def box(name: str, x_um: float, y_um: float, side_um: float = 8.0) -> Box:
    x, y, half = x_um * 1e-6, y_um * 1e-6, side_um * 0.5e-6
    return Box(name, (x - half, y - half, x + half, y + half))


def planned(
    boxes: Sequence[Box],
    shown: Sequence[Shown] = (),
    proven: Proven | None = None,
    settings: PlanSettings = SETTINGS,
    method: Method = "greedy",
) -> Again:
    return plan_position(STAGE, boxes, shown, proven, GROUND, settings, method)


def covered(again: Again, rect: RectM, settings: PlanSettings = SETTINGS) -> bool:
    """Return True if frames show a rectangle, as far as it is allowed, with the overlap of the beam."""
    inside = cut(rect, grown(FIELD, -SETTINGS.guard_m - SETTINGS.halo_m - SETTINGS.pixel_size_m))
    return not_shown(inside, [scan.rect_m for scan in again.scans], settings.beam_overlap_m) is None


@given(
    places=st.lists(st.tuples(st.floats(-38, 38), st.floats(-38, 38)), min_size=1, max_size=6),
    known=st.integers(0, 63),
)
@examples(25)
def test_proven_cells_have_the_guard_that_is_proven_and_others_that_of_the_plan(
    places: list[tuple[float, float]], known: int
) -> None:
    boxes = [box(f"c{n}", x, y) for n, (x, y) in enumerate(places)]
    names = frozenset(one.id for n, one in enumerate(boxes) if known >> n & 1)
    again = planned(boxes, proven=Proven(names, PROVEN_M))
    for one in boxes:
        guard_m = PROVEN_M if one.id in names else SETTINGS.guard_m
        assert covered(again, required_rect(one, SETTINGS.context_m, guard_m))
        assert any(one.id in scan.boxes for scan in again.scans)
    for scan in again.scans:
        assert GROUND.allows(scan.rect_m)


@pytest.mark.parametrize("method", ["exact", "greedy", "per-box"])
def test_a_smaller_guard_makes_smaller_frames(method: Method) -> None:
    boxes = [box("a", -20, -20), box("b", 5, 12), box("c", 14, 14)]
    before = planned(boxes, method=method)
    after = planned(boxes, proven=Proven(frozenset("abc"), PROVEN_M), method=method)
    sizes = [sum(scan.size_px[0] * scan.size_px[1] for scan in one.scans) for one in (before, after)]
    assert sizes[1] < 0.95 * sizes[0]


def test_of_a_cell_that_others_show_as_well_the_frames_go_on_to_show_their_part() -> None:
    cell = box("a", 0, 0, 20)
    whole = required_rect(cell, SETTINGS.context_m, SETTINGS.guard_m)
    frame: RectM = (whole[0] - 1e-6, whole[1], 3e-6, whole[3] + 2e-6)
    (part,) = parts_shown(cell, [cell], [frame, (30e-6, 30e-6, 40e-6, 40e-6)], SETTINGS, 0.0)
    assert part == Shown("a", (whole[0], whole[1], 3e-6, whole[3]))
    again = planned([], [part])
    assert covered(again, part.rect_m)
    assert {name for scan in again.scans for name in scan.boxes} == {"a"}
    (wider,) = parts_shown(cell, [cell], [frame], SETTINGS, 2e-6)
    assert wider.rect_m == pytest.approx((whole[0], whole[1], 5e-6, whole[3]))


def test_parts_of_one_detection_are_shown_together() -> None:
    keep: RectM = (-10e-6, -10e-6, 30e-6, 10e-6)
    pair = [replace(box("a", 0, 0), keep_m=keep), replace(box("b", 20, 0), keep_m=keep)]
    (part,) = parts_shown(pair[0], pair, [FIELD], SETTINGS, 0.0)
    assert part.rect_m == pytest.approx(grown(keep, SETTINGS.guard_m))


def test_frames_that_land_turned_overlap_more() -> None:
    turned = for_place(SETTINGS, 0.2e-6, (1000, 800))
    assert turned.beam_overlap_m == pytest.approx(SETTINGS.beam_overlap_m + 0.4e-6)
    assert turned.max_frame_px == (1000, 800)
    assert turned.guard_m == SETTINGS.guard_m


def test_what_the_beam_does_not_reach_is_left_out() -> None:
    again = planned([], [Shown("a", (50e-6, 0.0, 60e-6, 10e-6))])
    assert again.scans == ()
