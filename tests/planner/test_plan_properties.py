"""Properties that hold for every plan, checked by code that shares nothing with the planner."""

import functools
import math
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import given, seed
from hypothesis import strategies as st

from planner.plan import plan
from planner.settings import PlanSettings
from planner.values import Box, Field, Method, Plan
from tests.examples import examples
from tests.planner.strategies import UM, Checker, Layout, Rect, lattice_sections, listing, uncovered_m2
from tests.planner.strategies import settings as plan_settings

LINE_M2 = 1e-12 * 1e-3
"""A picometre along a millimetre: what float rounding may leave of an area."""

METHODS: list[Method] = ["exact", "greedy", "per-box", "raster"]
any_settings = st.builds(
    plan_settings,
    method=st.sampled_from(METHODS),
    max_frame_px=st.sampled_from([(1536, 1024), (700, 500)]),
    context_um=st.sampled_from([0.0, 2.0]),
    guard_um=st.sampled_from([0.0, 1.5]),
    halo_um=st.sampled_from([0.0, 0.5, 3.0]),
)
deadline_free = examples(25)
same_layouts = seed(60)
"""Tests of any layout come to the same ones, which are planned once."""


@functools.lru_cache(maxsize=128)
def planned(layout: Layout, given_settings: PlanSettings) -> Plan:
    return plan("S0001", layout.fields, layout.boxes, given_settings)


@same_layouts
@deadline_free
@given(lattice_sections(), any_settings)
def test_all_that_a_box_requires_lies_in_the_frames_that_name_it(
    layout: Layout, chosen: PlanSettings
) -> None:
    result = planned(layout, chosen)
    checker = Checker(layout, chosen)
    reasons = {s.box: s.reason for s in result.skipped}
    for box in layout.boxes:
        frames = listing(result, box.id)
        required = checker.required(box)
        if not checker.on_saved(box):
            assert not frames
            assert reasons[box.id].startswith("outside the saved fluorescence")
        elif not required.any():
            assert not frames
            assert reasons[box.id].startswith("nothing of it is left")
        else:
            assert frames
            assert box.id not in reasons
            assert not (required & ~checker.covered(frames)).any()


@same_layouts
@deadline_free
@given(lattice_sections(), any_settings)
def test_every_frame_grown_by_guard_and_halo_is_on_saved_fluorescence(
    layout: Layout, chosen: PlanSettings
) -> None:
    reach = chosen.guard_m + chosen.halo_m
    saved = [f.rect_m for f in layout.fields]
    for frame in planned(layout, chosen).frames:
        x0, y0, x1, y1 = frame.rect_m
        assert uncovered_m2((x0 - reach, y0 - reach, x1 + reach, y1 + reach), saved) == 0


@same_layouts
@deadline_free
@given(lattice_sections(), any_settings)
def test_frames_are_whole_pixels_within_the_maximum_and_say_what_they_are(
    layout: Layout, chosen: PlanSettings
) -> None:
    result = planned(layout, chosen)
    for number, frame in enumerate(result.frames, start=1):
        width, height = frame.size_px
        assert 1 <= width <= chosen.max_frame_px[0]
        assert 1 <= height <= chosen.max_frame_px[1]
        x0, y0, x1, y1 = frame.rect_m
        pixel = frame.pixel_size_m
        assert (x1 - x0, y1 - y0) == pytest.approx((width * pixel, height * pixel), abs=1e-12)
        assert frame.center_m == pytest.approx(((x0 + x1) / 2, (y0 + y1) / 2), abs=1e-12)
        assert frame.beam_s == pytest.approx(width * height * frame.dwell_s)
        assert (frame.id, pixel, frame.dwell_s) == (
            f"J{number:06d}",
            chosen.pixel_size_m,
            chosen.dwell_s,
        )
        assert chosen.method == "raster" or frame.covers
        assert list(frame.covers) == sorted(set(frame.covers))


@same_layouts
@deadline_free
@given(lattice_sections(), any_settings)
def test_no_frame_lies_inside_another(layout: Layout, chosen: PlanSettings) -> None:
    rects = [f.rect_m for f in planned(layout, chosen).frames]
    for n, inner in enumerate(rects):
        for m, outer in enumerate(rects):
            assert n == m or not (
                outer[0] <= inner[0]
                and outer[1] <= inner[1]
                and outer[2] >= inner[2]
                and outer[3] >= inner[3]
            )


@same_layouts
@deadline_free
@given(lattice_sections(), any_settings)
def test_totals_are_the_sums_and_never_below_the_bound(layout: Layout, chosen: PlanSettings) -> None:
    result = planned(layout, chosen)
    totals, frames = result.totals, result.frames
    checker = Checker(layout, chosen)
    assert totals.frames == len(frames)
    assert totals.beam_s == pytest.approx(sum(f.beam_s for f in frames))
    assert totals.overhead_s == 5.0 * len(frames)
    way = [f.center_m for f in frames]
    assert totals.travel_m == pytest.approx(sum(math.dist(a, b) for a, b in pairwise(way)))
    assert totals.total_s == pytest.approx(totals.beam_s + totals.overhead_s + totals.travel_m / 1e-3)
    assert totals.beam_s >= totals.bound_beam_s * (1 - 1e-9)
    if frames:
        low_x, low_y = min(f.rect_m[0] for f in frames), min(f.rect_m[1] for f in frames)
        high_x, high_y = max(f.rect_m[2] for f in frames), max(f.rect_m[3] for f in frames)
        around = (low_x, low_y, high_x, high_y)
        exposed = (high_x - low_x) * (high_y - low_y) - uncovered_m2(around, [f.rect_m for f in frames])
        assert totals.exposed_m2 == pytest.approx(exposed, abs=LINE_M2)
    needed = np.zeros_like(checker.saved)
    for box in layout.boxes:
        if checker.on_saved(box):
            needed |= checker.required(box)
    bound_s = needed.sum() * (0.25 * UM) ** 2 * chosen.dwell_s / chosen.pixel_size_m**2
    # Less than a pixel of a side may be given up where the ground is too narrow.
    assert totals.bound_beam_s == pytest.approx(bound_s, rel=0.04, abs=1e-6)
    if chosen.method == "raster":
        assert totals.total_s == pytest.approx(totals.raster_total_s)


@same_layouts
@deadline_free
@given(lattice_sections(), any_settings, st.randoms(use_true_random=False))
def test_the_order_of_boxes_and_fields_does_not_matter(
    layout: Layout, chosen: PlanSettings, random: Random
) -> None:
    boxes, fields = list(layout.boxes), list(layout.fields)
    random.shuffle(boxes)
    random.shuffle(fields)
    assert planned(Layout(tuple(fields), tuple(boxes)), chosen) == planned(layout, chosen)


@same_layouts
@deadline_free
@given(lattice_sections(), any_settings)
def test_moving_everything_by_100_mm_does_not_matter(layout: Layout, chosen: PlanSettings) -> None:
    here = planned(layout, chosen)
    there = planned(layout.moved(0.1, -0.1), chosen)
    assert there.skipped == here.skipped
    assert there.totals.beam_s == pytest.approx(here.totals.beam_s)
    assert there.totals.bound_beam_s == pytest.approx(here.totals.bound_beam_s)

    def places(result: Plan, dx: float, dy: float) -> Counter[object]:
        # The order of equally short routes may differ. Bins of 0.1 nm whose borders no centre is near to.
        return Counter(
            (
                f.covers,
                f.size_px,
                *(math.floor(v * 1e10 + 0.123) for v in (f.center_m[0] - dx, f.center_m[1] - dy)),
            )
            for f in result.frames
        )

    assert places(there, 0.1, -0.1) == places(here, 0.0, 0.0)


@deadline_free
@given(lattice_sections(most_boxes=0), any_settings)
def test_no_boxes_nothing_skipped_and_no_frames_but_of_a_raster(layout: Layout, chosen: PlanSettings) -> None:
    result = planned(layout, chosen)
    assert not result.skipped
    assert result.totals.bound_beam_s == 0
    if chosen.method != "raster":
        assert not result.frames
        assert result.totals.total_s == 0


@same_layouts
@deadline_free
@given(lattice_sections(), any_settings)
def test_a_raster_covers_all_allowed_ground(layout: Layout, chosen: PlanSettings) -> None:
    full = plan("S0001", layout.fields, [], plan_settings("raster", chosen.max_frame_px))
    checker = Checker(layout, plan_settings())
    assert not (checker.allowed & ~checker.covered(full.frames)).any()


covering = st.sampled_from(METHODS[:3])
one_field_boxes = st.lists(
    # At least 2.1 um across, so that each reaches into the ground where the beam may go.
    st.tuples(st.floats(0, 85), st.floats(0, 85), st.floats(2.1, 30), st.floats(2.1, 30)),
    max_size=20,
)


@same_layouts
@deadline_free
@given(one_field_boxes, covering)
def test_not_a_hair_of_required_ground_is_lost_by_rounding(
    sides: list[tuple[float, ...]], method: Method
) -> None:
    """Sides of any length: frames cover each rectangle exactly, clipped to what whole pixels can show."""
    chosen = plan_settings(method)
    layout = one_field(sides)
    result = planned(layout, chosen)
    for box in layout.boxes:
        rect = clipped_in_one_field(box)
        cover = [f.rect_m for f in listing(result, box.id)]
        assert uncovered_m2(rect, cover) < LINE_M2


@same_layouts
@deadline_free
@given(one_field_boxes, covering)
def test_every_cell_is_whole_in_a_frame_or_stitched_from_frames_that_overlap_enough(
    sides: list[tuple[float, ...]], method: Method
) -> None:
    """``exact`` may stitch any cell, the others only what is larger than a frame."""
    chosen = plan_settings(method)
    layout = one_field(sides)
    result = planned(layout, chosen)
    width, height = (n * chosen.pixel_size_m for n in chosen.max_frame_px)
    for box in layout.boxes:
        x0, y0, x1, y1 = rect = clipped_in_one_field(box)
        hair = 1e-12
        frames = [f.rect_m for f in listing(result, box.id)]
        holds = [
            f
            for f in frames
            if f[0] <= x0 + hair and f[1] <= y0 + hair and f[2] >= x1 - hair and f[3] >= y1 - hair
        ]
        stitched = {s.box: s for s in result.stitched}
        assert (box.id in stitched) == (not holds)
        if method != "exact" and x1 - x0 <= width and y1 - y0 <= height:
            assert holds
        elif not holds:
            assert stitched[box.id].overlap_held
            # Shrunk by half the overlap on inner sides, tiles that overlap enough still leave no gap.
            half = chosen.tile_overlap_m / 2 - hair
            inner = [
                (
                    f[0] if f[0] <= x0 + hair else f[0] + half,
                    f[1] if f[1] <= y0 + hair else f[1] + half,
                    f[2] if f[2] >= x1 - hair else f[2] - half,
                    f[3] if f[3] >= y1 - hair else f[3] - half,
                )
                for f in frames
            ]
            assert uncovered_m2(rect, [f for f in inner if f[0] < f[2] and f[1] < f[3]]) < LINE_M2


@deadline_free
@given(one_field_boxes)
def test_one_scan_per_box_never_takes_more_frames_than_boxes_that_fit(
    sides: list[tuple[float, ...]],
) -> None:
    fitting = [(x, y, min(w, 18.0), min(h, 9.8)) for x, y, w, h in sides]
    result = planned(one_field(fitting), plan_settings())
    assert result.totals.frames <= len(fitting)
    assert Counter(name for f in result.frames for name in f.covers) == {
        f"c{n}": 1 for n in range(len(fitting))
    }


def clipped_in_one_field(box: Box) -> Rect:
    """Return the required ground of a box: 2 um of context, 1.5 um of guard, clipped.

    It keeps 2 um and half a pixel away from the border of the field.
    """
    x0, y0, x1, y1 = (v + d * 3.5 * UM for v, d in zip(box.rect_m, (-1, -1, 1, 1), strict=True))
    low, high = 2 * UM + 16.5e-9 / 2, 89 * UM - 16.5e-9 / 2
    return max(x0, low), max(y0, low), min(x1, high), min(y1, high)


def one_field(sides: Sequence[tuple[float, ...]]) -> Layout:
    boxes = tuple(
        Box(f"c{n}", (x * UM, y * UM, (x + w) * UM, (y + h) * UM)) for n, (x, y, w, h) in enumerate(sides)
    )
    return Layout((Field("F000", (0.0, 0.0, 91 * UM, 91 * UM)),), boxes)
