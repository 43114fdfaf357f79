"""Cheapest covers, and frames of the sizes that a machine has."""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from planner.plan import plan
from planner.settings import PlanSettings
from planner.values import Box, Field, Method, Plan
from tests.examples import examples
from tests.planner.strategies import UM, Checker, Layout, Rect, lattice_sections, listing, uncovered_m2
from tests.planner.strategies import settings as plan_settings

COVERS: tuple[Method, ...] = ("exact", "greedy", "per-box")
FIELD = Field("F000", (0.0, 0.0, 91 * UM, 91 * UM))
deadline_free = examples(20)

crowded_boxes = st.lists(
    st.tuples(st.floats(10, 45), st.floats(10, 45), st.floats(1, 12), st.floats(1, 12)), max_size=14
)


def boxes_of(sides: Sequence[tuple[float, ...]]) -> tuple[Box, ...]:
    return tuple(
        Box(f"c{n}", (x * UM, y * UM, (x + w) * UM, (y + h) * UM)) for n, (x, y, w, h) in enumerate(sides)
    )


def cost_s(result: Plan) -> float:
    return result.totals.beam_s + result.totals.overhead_s


def costs(layout: Layout, chosen: PlanSettings) -> dict[str, float]:
    return {
        method: cost_s(plan("S0001", layout.fields, layout.boxes, replace(chosen, method=method)))
        for method in COVERS
    }


@deadline_free
@given(lattice_sections(), st.sampled_from([(1536, 1024), (3072, 2206)]), st.sampled_from([0.0, 5.0, 60.0]))
def test_exact_costs_no_more_than_greedy_and_that_no_more_than_one_scan_per_box(
    layout: Layout, most_px: tuple[int, int], overhead_s: float
) -> None:
    found = costs(layout, replace(plan_settings(max_frame_px=most_px), overhead_s=overhead_s))
    assert found["exact"] <= found["greedy"] + 1e-9
    assert found["greedy"] <= found["per-box"] + 1e-9


@deadline_free
@given(crowded_boxes.map(lambda sides: sides[:5]))
@example([(10.0, 10.0, 6.0, 3.0), (18.0, 10.0, 2.0, 3.0), (25.0, 10.0, 6.0, 3.0)])
@example([(20.0, 40.0, 3.0, 3.0), (33.0, 40.0, 3.0, 3.0), (26.5, 46.0, 3.0, 3.0), (26.5, 34.0, 3.0, 3.0)])
def test_exact_costs_hardly_more_than_the_cheapest_partition_and_no_less_than_its_bound(
    sides: list[tuple[float, ...]],
) -> None:
    """A set of boxes costs what a rectangle about it costs; no frame limit stands in the way here."""
    result = plan("S0001", [FIELD], boxes_of(sides), plan_settings("exact", max_frame_px=(6000, 6000)))
    rects = [tuple(v * UM for v in (x - 3.5, y - 3.5, x + w + 3.5, y + h + 3.5)) for x, y, w, h in sides]

    def alone(part: Sequence[tuple[float, ...]]) -> float:
        width = max(r[2] for r in part) - min(r[0] for r in part)
        height = max(r[3] for r in part) - min(r[1] for r in part)
        # Less than a picometre over a whole pixel is rounding.
        columns, rows = (math.ceil((v - 1e-13) / 16.5e-9) for v in (width, height))
        return columns * rows * 60e-6 + 5.0

    def best(left: Sequence[tuple[float, ...]]) -> float:
        if not left:
            return 0.0
        first, rest = left[0], range(1, len(left))
        return min(
            alone([first, *(left[n] for n in others)]) + best([left[n] for n in rest if n not in others])
            for count in range(len(left))
            for others in combinations(rest, count)
        )

    # Frames around whole boxes are joined in pairs, which is near the cheapest; stitching may be cheaper.
    assert cost_s(result) <= 1.02 * best(rects)
    assert cost_s(result) >= result.totals.bound_beam_s + (5.0 if sides else 0.0) - 1e-9
    assert result.optimal == (result.gap < 1e-9)


def test_a_cell_between_two_others_is_stitched_where_that_is_cheaper() -> None:
    """Three cells in a row, 30 um together: two frames that meet in the second one do for all."""
    boxes = boxes_of([(20.0, 40.0, 8.0, 8.0), (31.0, 40.0, 8.0, 8.0), (42.0, 40.0, 8.0, 8.0)])
    result = plan("S0001", [FIELD], boxes, plan_settings("exact"))
    whole = plan("S0001", [FIELD], boxes, plan_settings("per-box"))
    assert len(result.frames) == 2
    assert cost_s(result) < 0.9 * cost_s(whole)
    assert not whole.stitched
    (one,) = result.stitched
    assert one.overlap_held
    assert one.frames == ("J000001", "J000002")
    first, second = (f.rect_m for f in result.frames)
    assert first[2] - second[0] == pytest.approx(3 * UM, abs=0.02 * UM)
    assert first[2] - second[0] >= 3 * UM - 1e-12


def test_a_person_who_prefers_whole_cells_gets_them_for_what_they_are_worth() -> None:
    boxes = boxes_of([(20.0, 40.0, 8.0, 8.0), (31.0, 40.0, 8.0, 8.0), (42.0, 40.0, 8.0, 8.0)])
    chosen = replace(plan_settings("exact"), whole_worth_s=1000.0)
    result = plan("S0001", [FIELD], boxes, chosen)
    assert not result.stitched
    assert cost_s(result) <= cost_s(plan("S0001", [FIELD], boxes, plan_settings("greedy"))) + 1e-9


def test_a_solver_without_time_leaves_a_plan_that_shows_everything_and_its_gap() -> None:
    boxes = boxes_of([(10 + n % 6 * 11.0, 10 + n // 6 * 11.0, 8.0, 8.0) for n in range(36)])
    chosen = replace(plan_settings("exact"), exact_limit_s=1e-9)
    result = plan("S0001", [FIELD], boxes, chosen)
    assert {name for f in result.frames for name in f.covers} == {b.id for b in boxes}
    assert all(s.overlap_held for s in result.stitched)
    assert cost_s(result) == pytest.approx((1 + result.gap) * result.totals.bound_s)
    assert cost_s(result) <= cost_s(plan("S0001", [FIELD], boxes, replace(chosen, method="greedy"))) + 1e-9


def test_neighbours_are_joined_where_that_saves_a_frame() -> None:
    boxes = boxes_of([(30.0, 40.0, 4.0, 4.0), (36.0, 40.0, 4.0, 4.0)])
    for method in ("exact", "greedy"):
        (frame,) = plan("S0001", [FIELD], boxes, plan_settings(method)).frames
        assert frame.covers == ("c0", "c1")
    assert len(plan("S0001", [FIELD], boxes, plan_settings("per-box")).frames) == 2


def test_hundreds_in_one_place_are_planned_all_the_same() -> None:
    """So many that not all candidates can be looked at: the plan is no worse, but not called optimal."""
    boxes = boxes_of([(10 + n % 20 * 3.1, 10 + n // 20 * 3.3, 1.0 + n % 7 / 7, 1.5) for n in range(200)])
    result = plan("S0001", [FIELD], boxes, replace(plan_settings("exact", (3072, 2206)), exact_limit_s=0.5))
    greedy = plan("S0001", [FIELD], boxes, plan_settings("greedy", (3072, 2206)))
    assert not result.optimal
    assert cost_s(result) <= cost_s(greedy) + 1e-9
    assert {name for f in result.frames for name in f.covers} == {b.id for b in boxes}


PRESETS = ((512, 442), (1024, 884), (1536, 1024), (3072, 2206))


@deadline_free
@given(lattice_sections(most_boxes=8), st.sampled_from(COVERS), st.sampled_from([0.0, 1.5]))
def test_frames_of_presets_have_their_sizes_cover_all_and_stay_on_allowed_ground(
    layout: Layout, method: Method, guard_um: float
) -> None:
    chosen = replace(plan_settings(method, guard_um=guard_um), presets_px=PRESETS)
    result = plan("S0001", layout.fields, layout.boxes, chosen)
    reach = chosen.guard_m + chosen.halo_m
    saved = [f.rect_m for f in layout.fields]
    for frame in result.frames:
        assert frame.size_px in PRESETS
        x0, y0, x1, y1 = frame.rect_m
        assert uncovered_m2((x0 - reach, y0 - reach, x1 + reach, y1 + reach), saved) == 0
    checker = Checker(layout, chosen)
    silent = {b.id for b in layout.boxes} - {s.box for s in result.skipped} - {c.box for c in result.clipped}
    for box in layout.boxes:
        required = checker.required(box)
        frames = listing(result, box.id)
        assert bool(frames) != any(s.box == box.id for s in result.skipped)
        if box.id in silent:
            assert not (required & ~checker.covered(frames)).any()


@examples(6)
@given(crowded_boxes)
def test_with_presets_exact_costs_no_more_than_greedy_and_one_per_box(sides: list[tuple[float, ...]]) -> None:
    layout = Layout((FIELD,), boxes_of(sides))
    found = costs(layout, replace(plan_settings(), presets_px=PRESETS))
    assert found["exact"] <= found["greedy"] + 1e-9
    assert found["greedy"] <= found["per-box"] + 1e-9


def test_a_preset_is_pushed_into_the_ground_at_a_corner_of_the_field() -> None:
    chosen = replace(plan_settings("exact"), presets_px=((512, 442), (1536, 1024)))
    (frame,) = plan("S0001", [FIELD], boxes_of([(0.0, 0.0, 9.0, 9.0)]), chosen).frames
    assert frame.size_px == (1536, 1024)
    assert frame.rect_m[:2] == pytest.approx((2 * UM, 2 * UM), abs=1e-11)
    assert min(frame.rect_m[:2]) >= 2 * UM


def test_the_cheapest_preset_that_holds_a_cell_is_taken() -> None:
    chosen = replace(plan_settings("exact"), presets_px=((1536, 1024), (800, 700), (1024, 884)))
    sizes = {
        width: plan("S0001", [FIELD], boxes_of([(40.0, 40.0, width, 4.0)]), chosen).frames[0].size_px
        for width in (4.0, 8.0, 12.0)
    }
    assert sizes == {4.0: (800, 700), 8.0: (1024, 884), 12.0: (1536, 1024)}


def test_a_box_where_no_preset_has_room_is_skipped_with_the_reason() -> None:
    narrow = Field("F0", (0.0, 0.0, 9 * UM, 91 * UM))
    result = plan(
        "S0001",
        [narrow],
        boxes_of([(3.0, 40.0, 2.0, 2.0)]),
        replace(plan_settings("exact"), presets_px=((512, 442), (1536, 1024))),
    )
    assert not result.frames
    assert [s.reason for s in result.skipped] == [
        "no frame size of the machine fits on the allowed ground around it"
    ]


def test_the_data_bar_leaves_no_gap_in_a_cover_of_tiles() -> None:
    """1536 x 1103 pixels with 79 rows of bar are 1024 rows: tiles of 1103 would leave gaps behind the bar."""
    column = boxes_of([(40.0, 20.0, 10.0, 40.0)])
    needed: Rect = (36.5 * UM, 16.5 * UM, 53.5 * UM, 63.5 * UM)

    def seen(rows: int) -> list[Rect]:
        frames = plan("S0001", [FIELD], column, plan_settings("exact", (1536, rows))).frames
        # Where a scan of 1103 rows has its data bar, rows from 1024 on (the lower end, y falls) show nothing.
        bar = [max(0, f.size_px[1] - 1024) * f.pixel_size_m for f in frames]
        return [
            (f.rect_m[0], f.rect_m[1] + b, f.rect_m[2], f.rect_m[3]) for f, b in zip(frames, bar, strict=True)
        ]

    assert uncovered_m2(needed, seen(1024)) < 1e-15
    assert uncovered_m2(needed, seen(1103)) > 1e-12


@pytest.mark.parametrize(("count", "seed"), [(1, 0), (12, 1), (30, 2), (55, 3)])
def test_no_section_takes_longer_than_its_raster_and_no_seam_lacks_its_overlap(count: int, seed: int) -> None:
    """A small share of the layouts of `benchmarks/targeting/planning.py`, from sparse to full."""
    random = Random(seed)
    sides = [
        (random.uniform(0, 80), random.uniform(0, 80), *random.choices(range(3, 14), k=2))
        for _ in range(count)
    ]
    result = plan("S0001", [FIELD], boxes_of(sides), replace(plan_settings("exact"), tile_overlap_m=2.5 * UM))
    assert result.totals.total_s <= result.totals.raster_total_s + 1e-9
    assert result.totals.bound_beam_s <= result.totals.beam_s + 1e-9
    assert all(one.overlap_held for one in result.stitched)
