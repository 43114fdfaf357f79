"""Limits of frames: fluorescence still to be taken, the outline of a section, ground already imaged."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import Point, Polygon, box

from planner.errors import PlannerError
from planner.geometry.allowed_ground import Ground
from planner.geometry.rects import grown
from planner.plan import plan
from planner.values import Box, Field, Method, Plan
from tests.examples import examples
from tests.planner.strategies import UM, Layout, Rect, lattice_sections, listing, uncovered_m2
from tests.planner.strategies import settings as plan_settings

FIELD = Field("F000", (0.0, 0.0, 91 * UM, 91 * UM))
CELL = Box("c1", (40 * UM, 40 * UM, 50 * UM, 48 * UM))
deadline_free = examples(25)
methods: st.SearchStrategy[Method] = st.sampled_from(get_args(Method))


def um_rect(x0: float, y0: float, x1: float, y1: float) -> Rect:
    return x0 * UM, y0 * UM, x1 * UM, y1 * UM


lattice_rects = st.lists(
    st.tuples(st.integers(0, 80), st.integers(0, 80), st.integers(1, 40), st.integers(1, 40)).map(
        lambda r: um_rect(r[0], r[1], r[0] + r[2], r[1] + r[3])
    ),
    max_size=4,
)


def shared_m2(a: Rect, b: Rect) -> float:
    return max(0.0, min(a[2], b[2]) - max(a[0], b[0])) * max(0.0, min(a[3], b[3]) - max(a[1], b[1]))


@deadline_free
@given(lattice_sections(), lattice_rects, methods, st.sampled_from([0.0, 0.5, 3.0]))
def test_fluorescence_first_no_frame_with_guard_and_halo_touches_what_is_unsaved(
    layout: Layout, unsaved: list[Rect], method: Method, halo_um: float
) -> None:
    chosen = replace(plan_settings(halo_um=halo_um), method=method)
    result = plan("S0001", layout.fields, layout.boxes, chosen, unsaved=unsaved)
    reach = chosen.guard_m + chosen.halo_m
    saved = [f.rect_m for f in layout.fields]
    for frame in result.frames:
        x0, y0, x1, y1 = frame.rect_m
        burnt = (x0 - reach, y0 - reach, x1 + reach, y1 + reach)
        assert uncovered_m2(burnt, saved) == 0
        assert all(shared_m2(burnt, rect) == 0 for rect in unsaved)
    accounted(layout, result)


def accounted(layout: Layout, result: Plan) -> None:
    """Every box has a frame or a reason, never both; what is clipped has frames."""
    skipped = {s.box for s in result.skipped}
    framed = {name for f in result.frames for name in f.covers}
    assert skipped | framed == {b.id for b in layout.boxes}
    assert not skipped & framed
    assert {c.box for c in result.clipped} <= framed


@deadline_free
@given(
    lattice_sections(),
    st.lists(st.tuples(st.integers(0, 80), st.integers(0, 80)), min_size=3, max_size=6, unique=True),
    st.sampled_from([0.0, 5.0]),
    methods,
)
def test_no_frame_leaves_the_outline_by_more_than_the_margin(
    layout: Layout, corners: list[tuple[int, int]], margin_um: float, method: Method
) -> None:
    middle = (sum(x for x, _ in corners) / len(corners), sum(y for _, y in corners) / len(corners))
    ring = sorted(corners, key=lambda c: math.atan2(c[1] - middle[1], c[0] - middle[0]))
    outline = [(x * UM, y * UM) for x, y in ring]
    if not Polygon(outline).is_valid or Polygon(outline).area == 0:
        return
    chosen = replace(plan_settings(), method=method, outline_margin_m=margin_um * UM)
    result = plan("S0001", layout.fields, layout.boxes, chosen, outline_m=outline)
    for frame in result.frames:
        x0, y0, x1, y1 = frame.rect_m
        for corner in ((x0, y0), (x1, y0), (x0, y1), (x1, y1)):
            assert Polygon(outline).distance(Point(corner)) <= margin_um * UM + 1e-12
    accounted(layout, result)


def test_a_cell_at_the_outline_is_clipped_and_says_so() -> None:
    outline = [(0.0, 0.0), (45 * UM, 0.0), (45 * UM, 91 * UM), (0.0, 91 * UM)]
    result = plan(
        "S0001", [FIELD], [CELL], replace(plan_settings(), outline_margin_m=1 * UM), outline_m=outline
    )
    (frame,) = result.frames
    assert frame.rect_m == pytest.approx(um_rect(36.5, 36.5, 46, 51.5), abs=2e-8)
    assert frame.rect_m[2] <= 46 * UM + 1e-12
    (clipped,) = result.clipped
    assert clipped.reason == "partly imaged, limited by the outline of the section"


def test_a_slanting_outline_loses_only_a_sliver_of_a_cell_inside_it() -> None:
    outline = [(0.0, 0.0), (88 * UM, 0.0), (0.0, 88 * UM)]
    cell = Box("c1", um_rect(33, 33, 43, 43))
    chosen = replace(plan_settings("exact"), outline_margin_m=2 * UM)
    result = plan("S0001", [FIELD], [cell], chosen, outline_m=outline)
    covered = [f.rect_m for f in listing(result, "c1")]
    assert uncovered_m2(cell.rect_m, covered) < 0.01 * 100 * UM**2
    assert [c.reason for c in result.clipped] == [
        "surroundings partly imaged, limited by the outline of the section"
    ]
    assert box(*cell.rect_m).within(Polygon(outline))


def test_a_cell_outside_the_outline_is_skipped_with_the_reason() -> None:
    outline = [(0.0, 0.0), (30 * UM, 0.0), (30 * UM, 91 * UM), (0.0, 91 * UM)]
    result = plan("S0001", [FIELD], [CELL], plan_settings(), outline_m=outline)
    assert not result.frames
    assert "outline of the section" in result.skipped[0].reason


def test_at_a_slanting_outline_every_frame_shows_some_of_the_cell() -> None:
    # The outline leaves a corner of the cell: a triangle of a third of it.
    outline = [(0.0, 0.0), (84 * UM, 0.0), (0.0, 84 * UM)]
    cell = Box("c1", um_rect(38, 38, 48, 48))
    result = plan("S0001", [FIELD], [cell], plan_settings("exact"), outline_m=outline)
    frames = listing(result, "c1")
    assert frames
    for frame in frames:
        assert box(*frame.rect_m).intersection(box(*cell.rect_m)).area > 0
    allowed_m2 = box(*cell.rect_m).intersection(Polygon(outline)).area
    missed_m2 = uncovered_m2(cell.rect_m, [f.rect_m for f in frames])
    assert 100 * UM**2 - missed_m2 > 0.45 * allowed_m2
    assert len(frames) == 1
    (clipped,) = result.clipped
    assert clipped.reason == "partly imaged, limited by the outline of the section"


def test_of_a_cell_beyond_the_outline_no_surroundings_are_imaged() -> None:
    # Less than the empty corner of its box lies inside, and much of its surroundings.
    outline = [(0.0, 0.0), (78 * UM, 0.0), (0.0, 78 * UM)]
    cell = Box("c1", um_rect(38, 38, 48, 48))
    result = plan("S0001", [FIELD], [cell], plan_settings("exact"), outline_m=outline)
    assert not result.frames
    assert not result.clipped
    (skipped,) = result.skipped
    assert skipped.reason.endswith("and inside the outline of the section")


@pytest.mark.parametrize("method", ["exact", "per-box"])
def test_a_preset_that_cannot_show_a_cell_whole_shows_what_it_can(method: Method) -> None:
    # No place of this frame inside the outline shows all of the cell, or any of its parts whole.
    outline = [(10 * UM, 10 * UM), (60 * UM, 10 * UM), (10 * UM, 60 * UM)]
    cell = Box("c1", um_rect(34, 27, 40, 33))
    chosen = replace(plan_settings(method), presets_px=((1024, 884),))
    result = plan("S0001", [FIELD], [cell], chosen, outline_m=outline)
    frames = listing(result, "c1")
    missed_m2 = uncovered_m2(cell.rect_m, [f.rect_m for f in frames])
    within_m2 = box(*cell.rect_m).intersection(Polygon(outline)).area
    assert 36 * UM**2 - missed_m2 > 0.3 * within_m2
    for frame in frames:
        assert box(*frame.rect_m).within(Polygon(outline).buffer(1e-12))
    assert "the frame sizes of the machine" in result.clipped[0].reason


def test_a_field_still_to_be_taken_beside_keeps_guard_and_halo_off() -> None:
    result = plan("S0001", [FIELD], [CELL], plan_settings(), unsaved=[um_rect(50, 0, 91, 91)])
    (frame,) = result.frames
    assert frame.rect_m[2] == pytest.approx(48 * UM, abs=2e-8)
    assert frame.rect_m[2] <= 48 * UM
    assert [c.reason for c in result.clipped] == ["partly imaged, limited by fluorescence still to be taken"]


def test_a_cell_whose_ground_is_imaged_is_skipped() -> None:
    done = um_rect(36.5, 36.5, 53.5, 51.5)
    off = (done[0] + 1.4 * UM, done[1] - 1.4 * UM, done[2] + 1.4 * UM, done[3] - 1.4 * UM)
    for exposed in ([done], [off]):
        result = plan("S0001", [FIELD], [CELL], plan_settings("exact"), exposed=exposed)
        assert not result.frames
        assert [s.reason for s in result.skipped] == ["already imaged: earlier frames show all of it"]


def test_of_a_cell_imaged_in_part_only_the_rest_and_an_overlap_are_taken() -> None:
    done = um_rect(30, 30, 44, 60)
    result = plan("S0001", [FIELD], [CELL], plan_settings("exact"), exposed=[done])
    (frame,) = result.frames
    assert frame.rect_m == pytest.approx(um_rect(41, 36.5, 53.5, 51.5), abs=2e-8)
    assert [c.reason for c in result.clipped] == ["partly imaged anew: earlier frames show the rest"]


@deadline_free
@given(lattice_sections(), lattice_rects)
def test_frames_of_now_and_before_show_every_cell_with_its_context(
    layout: Layout, exposed: list[Rect]
) -> None:
    fresh = plan("S0001", layout.fields, layout.boxes, plan_settings("per-box"))
    result = plan("S0001", layout.fields, layout.boxes, plan_settings("exact"), exposed=exposed)
    accounted(layout, result)
    seen: Sequence[Rect] = [*exposed, *(f.rect_m for f in result.frames)]
    for one in layout.boxes:
        x0, y0, x1, y1 = one.rect_m
        context = (x0 - 2 * UM, y0 - 2 * UM, x1 + 2 * UM, y1 + 2 * UM)
        # Nothing that the plan without earlier frames shows is lost but where the guard ends at a border.
        lost = uncovered_m2(context, seen) - uncovered_m2(context, [f.rect_m for f in listing(fresh, one.id)])
        if one.id not in {c.box for c in fresh.clipped}:
            assert lost < 1e-15


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"exposed": [um_rect(1, 0, 0, 1)]}, "section S0001: exposed ground 0 must have x0 < x1"),
        (
            {"unsaved": [(0.0, 0.0, math.nan, 1.0)]},
            "section S0001: unsaved ground 0 must be four finite numbers",
        ),
        ({"outline_m": [(0.0, 0.0), (1.0, 1.0)]}, "section S0001: the outline must be three corners or more"),
        (
            {"outline_m": [(0.0, 0.0), (1.0, 1.0), (1.0, 0.0), (0.0, 1.0)]},
            "section S0001: the outline must be the corners of a polygon that does not cross itself",
        ),
    ],
)
def test_bad_ground_is_named(change: dict[str, list[Rect]], named: str) -> None:
    with pytest.raises(PlannerError, match=named):
        plan("S0001", [FIELD], [CELL], plan_settings(), **change)  # type: ignore[arg-type]


def test_what_narrowed_ground_allows_may_grow_by_the_margin() -> None:
    fields = [(0.0, 0.0, 60 * UM, 30 * UM), (0.0, 0.0, 30 * UM, 60 * UM)]
    slanting = Polygon([(5 * UM, 5 * UM), (55 * UM, 8 * UM), (25 * UM, 22 * UM), (8 * UM, 55 * UM)])
    margin_m = 33e-9
    for outline in (None, slanting):
        ground = Ground(fields, 2 * UM, [(50 * UM, 0.0, 52 * UM, 3 * UM)], outline)
        parts = ground.narrowed(margin_m).allowed_within((0.0, 0.0, 60 * UM, 60 * UM), 1 * UM)
        assert len(parts) > 1
        assert all(ground.allows(grown(part, margin_m)) for part in parts)
        # Parts at a slanting side lie on steps further inside.
        assert outline or not all(ground.allows(grown(part, 1.01 * margin_m)) for part in parts)
