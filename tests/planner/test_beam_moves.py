"""Plans where the beam moves between frames, checked by code that shares nothing with the planner."""

import math
from dataclasses import replace
from itertools import pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import given, seed
from hypothesis import strategies as st

from planner.plan import plan
from planner.settings import PlanSettings
from planner.values import Box, Field, Frame, Method, Plan
from tests.examples import examples
from tests.planner.strategies import UM, Checker, Layout, Rect, lattice_sections, listing, uncovered_m2
from tests.planner.strategies import settings as plan_settings

STAGE_ERROR_M, BEAM_ERROR_M, SEAM_M = 1.0 * UM, 0.1 * UM, 0.5 * UM
WINDOWS = [(30 * UM, 25 * UM), (67 * UM, 58 * UM), (105 * UM, 105 * UM)]
FIELD = Field("F000", (0.0, 0.0, 91 * UM, 91 * UM))


def beam_settings(
    method: Method = "exact",
    window_m: tuple[float, float] = WINDOWS[1],
    max_frame_px: tuple[int, int] = (1536, 1024),
) -> PlanSettings:
    chosen = plan_settings(method, max_frame_px, overlap_um=2.5)
    return replace(chosen, beam_window_m=window_m, beam_overlap_m=2 * BEAM_ERROR_M + SEAM_M)


beam_plans = st.builds(
    beam_settings,
    method=st.sampled_from(["exact", "greedy", "per-box", "raster"]),
    window_m=st.sampled_from(WINDOWS),
    max_frame_px=st.sampled_from([(1536, 1024), (700, 500)]),
)


def displaced(frames: list[Frame], random: Random) -> list[Rect]:
    """Frames as they may land: those of one stage position share its error."""

    def error(most_m: float) -> tuple[float, float]:
        angle = random.uniform(0, 2 * math.pi)
        # At its limit more often than not.
        length = most_m * min(1.0, random.uniform(0, 2))
        return length * math.cos(angle), length * math.sin(angle)

    stage = {place: error(STAGE_ERROR_M) for place in sorted({frame.stage_m for frame in frames})}
    found = []
    for frame in frames:
        (dx, dy), (ex, ey) = stage[frame.stage_m], error(BEAM_ERROR_M)
        x0, y0, x1, y1 = frame.rect_m
        found.append((x0 + dx + ex, y0 + dy + ey, x1 + dx + ex, y1 + dy + ey))
    return found


def wanted(box: Box, context_m: float) -> Rect:
    x0, y0, x1, y1 = box.rect_m
    around = x0 - context_m, y0 - context_m, x1 + context_m, y1 + context_m
    if box.keep_m is None:
        return around
    low = min(around[0], box.keep_m[0]), min(around[1], box.keep_m[1])
    return *low, max(around[2], box.keep_m[2]), max(around[3], box.keep_m[3])


def grown(rect: Rect, margin_m: float) -> Rect:
    return rect[0] - margin_m, rect[1] - margin_m, rect[2] + margin_m, rect[3] + margin_m


@seed(61)
@examples(30)
@given(lattice_sections(), beam_plans, st.randoms(use_true_random=False))
def test_whatever_the_errors_within_their_limits_every_cell_is_shown_and_nothing_unsaved_is_touched(
    layout: Layout, chosen: PlanSettings, random: Random
) -> None:
    result = plan("S0001", layout.fields, layout.boxes, chosen)
    saved = [f.rect_m for f in layout.fields]
    checker = Checker(layout, chosen)
    landed = displaced(list(result.frames), random)
    for rect in landed:
        assert uncovered_m2(grown(rect, chosen.halo_m), saved) == 0
    for frame in result.frames:
        half_x, half_y = (side / 2 for side in chosen.beam_window_m)
        window = (
            frame.stage_m[0] - half_x,
            frame.stage_m[1] - half_y,
            frame.stage_m[0] + half_x,
            frame.stage_m[1] + half_y,
        )
        assert uncovered_m2(frame.rect_m, [window]) == 0
        at = frame.stage_m[0] + frame.beam_shift_m[0], frame.stage_m[1] + frame.beam_shift_m[1]
        assert at == pytest.approx(frame.center_m, abs=1e-12)
    skipped = {one.box for one in result.skipped}
    clipped = {one.box for one in result.clipped}
    held = {one.box: one.overlap_held for one in result.stitched}
    for box in layout.boxes:
        frames = listing(result, box.id)
        if box.id in skipped:
            assert not frames
            continue
        assert not (checker.required(box) & ~checker.covered(frames)).any()
        if box.id in clipped or not held.get(box.id, True):
            assert chosen.method == "raster" or held.get(box.id, True)
            continue
        shows = [rect for rect, frame in zip(landed, result.frames, strict=True) if frame in frames]
        assert uncovered_m2(wanted(box, chosen.context_m), shows) == pytest.approx(0, abs=1e-18)


@seed(62)
@examples(12)
@given(lattice_sections(), beam_plans, st.randoms(use_true_random=False))
def test_the_order_of_boxes_and_fields_does_not_matter(
    layout: Layout, chosen: PlanSettings, random: Random
) -> None:
    boxes, fields = list(layout.boxes), list(layout.fields)
    random.shuffle(boxes)
    random.shuffle(fields)
    assert plan("S0001", fields, boxes, chosen) == plan("S0001", layout.fields, layout.boxes, chosen)


def crowded(count: int = 20, seed: int = 3) -> list[Box]:
    rng = np.random.default_rng(seed)
    lows = rng.uniform(3, 73, (count, 2)) * UM
    return [
        Box(f"c{n:04d}", (float(x), float(y), float(x) + 12 * UM, float(y) + 12 * UM))
        for n, (x, y) in enumerate(lows)
    ]


def made(window_m: tuple[float, float]) -> Plan:
    return plan("S0001", [FIELD], crowded(), beam_settings(window_m=window_m))


def test_a_field_within_reach_is_scanned_from_where_its_fluorescence_was_taken() -> None:
    result = made((105 * UM, 105 * UM))
    assert {frame.stage_m for frame in result.frames} == {(45.5 * UM, 45.5 * UM)}
    assert result.totals.stage_moves == 1


def test_a_field_beyond_the_reach_is_scanned_from_few_positions() -> None:
    result = made((63 * UM, 54 * UM))
    assert 2 <= len({frame.stage_m for frame in result.frames}) <= 4
    # Frames of one position follow one another.
    assert result.totals.stage_moves == len({frame.stage_m for frame in result.frames})


def test_moving_the_beam_takes_less_time_and_dose_than_moving_the_stage() -> None:
    beam = made((105 * UM, 105 * UM)).totals
    stage = plan("S0001", [FIELD], crowded(), plan_settings("exact", overlap_um=2.5)).totals
    assert beam.total_s < 0.97 * stage.total_s
    assert beam.beam_s < stage.beam_s


def test_a_cell_larger_than_the_reach_is_scanned_from_several_positions_with_the_overlap_of_the_stage() -> (
    None
):
    long = Box("c0001", (5 * UM, 40 * UM, 85 * UM, 50 * UM))
    result = plan("S0001", [FIELD], [long], beam_settings(window_m=(30 * UM, 25 * UM)))
    assert [one.overlap_held for one in result.stitched] == [True]
    positions = {frame.stage_m for frame in result.frames}
    assert len(positions) > 1
    grounds = sorted(
        (
            min(f.rect_m[0] for f in result.frames if f.stage_m == place),
            max(f.rect_m[2] for f in result.frames if f.stage_m == place),
        )
        for place in positions
    )
    assert all(high - low >= 2.5 * UM - 1e-12 for (_, high), (low, _) in pairwise(grounds))
