import math
from dataclasses import asdict, replace
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from config.model import Config
from planner.errors import PlannerError
from planner.plan import plan
from planner.settings import PlanSettings, settings_from
from planner.values import Basis, Box, Field, Frame, Method
from tests.planner.strategies import UM, listing, settings, uncovered_m2

FIELD = Field("F000", (0.0, 0.0, 91 * UM, 91 * UM))
PIXEL_UM = 0.0165
HAIR_M2 = 1e-15


def _settings(config: Config) -> PlanSettings:
    return settings_from(config.planner, config.sem, config.stage)


def box(name: str, x0: float, y0: float, x1: float, y1: float) -> Box:
    return Box(name, (x0 * UM, y0 * UM, x1 * UM, y1 * UM))


def um(frame: Frame) -> tuple[float, ...]:
    return tuple(v / UM for v in frame.rect_m)


def test_a_box_gets_its_context_and_guard_and_no_more() -> None:
    (frame,) = plan("S0001", [FIELD], [box("c1", 40, 40, 50, 48)], settings()).frames
    assert um(frame) == pytest.approx((36.5, 36.5, 53.5, 51.5), abs=0.017)
    assert frame.size_px == (math.ceil(17 / 0.0165), math.ceil(15 / 0.0165))


def test_what_the_recall_policy_keeps_is_imaged_as_well() -> None:
    kept = Box("c1", (40 * UM, 40 * UM, 50 * UM, 48 * UM), (35 * UM, 41 * UM, 51 * UM, 47 * UM))
    (frame,) = plan("S0001", [FIELD], [kept], settings()).frames
    assert um(frame) == pytest.approx((33.5, 36.5, 53.5, 51.5), abs=0.017)


def test_a_box_at_the_border_is_imaged_as_far_as_allowed() -> None:
    (frame,) = plan("S0001", [FIELD], [box("c1", 0, 40, 8, 48)], settings()).frames
    assert 2.0 <= um(frame)[0] <= 2.0 + PIXEL_UM / 2
    assert um(frame)[2] == pytest.approx(11.5, abs=0.017)


def test_a_box_of_which_only_the_surroundings_could_be_imaged_is_skipped() -> None:
    result = plan("S0001", [FIELD], [box("c1", 0, 40, 1.9, 48)], settings())
    assert not result.frames
    assert [(s.box, "nothing of it is left" in s.reason) for s in result.skipped] == [("c1", True)]


def test_a_box_across_two_fields_is_imaged_whole() -> None:
    right = Field("F001", (81.9 * UM, 0.0, 172.9 * UM, 91 * UM))
    result = plan("S0001", [FIELD, right], [box("c1", 80, 40, 92, 48)], settings())
    assert [um(f) for f in result.frames] == [pytest.approx((76.5, 36.5, 95.5, 51.5), abs=0.017)]


def test_a_cell_found_in_both_fields_gets_one_frame() -> None:
    right = Field("F001", (81.9 * UM, 0.0, 172.9 * UM, 91 * UM))
    boxes = [box("F000/c1", 82, 40, 91, 48), box("F001/c1", 83, 40.5, 93, 48.5)]
    (frame,) = plan("S0001", [FIELD, right], boxes, settings()).frames
    assert frame.covers == ("F000/c1", "F001/c1")
    assert um(frame) == pytest.approx((78.5, 36.5, 96.5, 52), abs=0.017)


def test_neighbours_that_share_less_than_half_stay_apart() -> None:
    boxes = [box("c1", 30, 40, 34, 44), box("c2", 36, 40, 40, 44)]
    assert [f.covers for f in plan("S0001", [FIELD], boxes, settings()).frames] == [("c1",), ("c2",)]


def test_rectangles_are_not_joined_where_that_costs_more_than_two_scans() -> None:
    # A bar, half of which lies in a square: the rectangle about both is mostly empty.
    boxes = [box("c1", 30, 30, 36, 36), box("c2", 32, 30, 33, 41)]
    chosen = replace(settings(context_um=0, guard_um=0, halo_um=0), overhead_s=0.0)
    assert len(plan("S0001", [FIELD], boxes, chosen).frames) == 2


def test_a_box_inside_the_frame_of_another_needs_none() -> None:
    boxes = [box("large", 30, 30, 46, 39), box("small", 34, 34, 38, 37)]
    (frame,) = plan("S0001", [FIELD], boxes, settings()).frames
    assert frame.covers == ("large", "small")
    assert frame.size_px == (math.ceil(23 / 0.0165), math.ceil(16 / 0.0165))


def test_a_tile_inside_the_frame_of_another_box_is_not_scanned() -> None:
    boxes = [box("tiled", 20, 40, 46, 50), box("host", 19, 39, 36, 51)]
    result = plan("S0001", [FIELD], boxes, settings(context_um=0, guard_um=0, halo_um=0))
    assert sorted(f.covers for f in result.frames) == [("host", "tiled"), ("tiled",)]
    needed = (20 * UM, 40 * UM, 46 * UM, 50 * UM)
    assert uncovered_m2(needed, [f.rect_m for f in listing(result, "tiled")]) < HAIR_M2


def test_a_chain_of_overlapping_boxes_is_joined_alike_in_any_order() -> None:
    chain = [box(f"c{n}", 10 + 3 * n, 40 + n % 3, 14 + 3 * n, 44 + n % 3) for n in range(14)]
    expected = plan("S0001", [FIELD], chain, settings())
    assert len(expected.frames) < len(chain)
    for seed in range(20):
        shuffled = Random(seed).sample(chain, len(chain))
        assert plan("S0001", [FIELD], shuffled, settings()) == expected


def test_the_data_bar_is_no_specimen() -> None:
    """A required height of 1050 rows: one frame of 1103 rows would hide the last 26 behind its data bar."""
    height = 1050 * 0.0165 - 7
    boxes = [box("c1", 40, 40, 50, 40 + height)]
    with_bar = _settings(Config())
    assert with_bar.max_frame_px == (1536, 1024)
    frames = plan("S0001", [FIELD], boxes, with_bar).frames
    assert len(frames) == 2
    assert all(f.size_px[1] <= 1024 for f in frames)
    needed = (36.5 * UM, 36.5 * UM, 53.5 * UM, (43.5 + height) * UM)
    assert uncovered_m2(needed, [f.rect_m for f in frames]) < HAIR_M2
    assert len(plan("S0001", [FIELD], boxes, replace(with_bar, max_frame_px=(1536, 1103))).frames) == 1


def test_what_is_larger_than_a_frame_becomes_overlapping_tiles_of_equal_size() -> None:
    result = plan("S0001", [FIELD], [box("c1", 10, 20, 60, 50)], settings())
    frames = listing(result, "c1")
    assert len(frames) == len(result.frames) == 9
    assert len({f.size_px for f in frames}) == 1
    lefts = sorted({round(um(f)[0], 6) for f in frames})
    bottoms = sorted({round(um(f)[1], 6) for f in frames})
    width, height = (n * 0.0165 for n in frames[0].size_px)
    assert all(a + width - b >= 3 - 1e-6 for a, b in pairwise(lefts))
    assert all(a + height - b >= 3 - 1e-6 for a, b in pairwise(bottoms))
    needed = (6.5 * UM, 16.5 * UM, 63.5 * UM, 53.5 * UM)
    assert uncovered_m2(needed, [f.rect_m for f in frames]) < HAIR_M2


@pytest.mark.parametrize("method", ["exact", "greedy", "per-box"])
def test_parts_of_one_detection_larger_than_a_frame_share_its_tiles(method: Method) -> None:
    keep = (30 * UM, 30 * UM, 52 * UM, 46 * UM)
    parts = [box("a", 30, 30, 33, 46), box("b", 33, 30, 49, 46), box("c", 49, 30, 52, 46)]
    result = plan("S0001", [FIELD], [replace(part, keep_m=keep) for part in parts], settings(method))
    assert len(result.frames) == 4
    assert {f.covers for f in result.frames} == {("a", "b", "c")}
    assert result.totals.bound_beam_s > 0.8 * result.totals.beam_s


def test_a_box_at_the_inner_corner_of_an_l_gets_both_arms() -> None:
    fields = [Field("F0", (0.0, 0.0, 60 * UM, 30 * UM)), Field("F1", (0.0, 0.0, 30 * UM, 60 * UM))]
    result = plan("S0001", fields, [box("c1", 26, 26, 29, 29)], settings())
    frames = listing(result, "c1")
    assert len(frames) == 2
    # Allowed: below y = 28 um for x up to 58 um, and left of x = 28 um for y up to 58 um.
    arms = [(22.5, 22.5, 32.5, 28.0), (22.5, 22.5, 28.0, 32.5)]
    for arm in arms:
        x0, y0, x1, y1 = (v * UM for v in arm)
        hair = 1e-12
        edge = PIXEL_UM / 2 * UM + hair
        inner = (x0, y0, x1 - edge, y1 - edge)
        assert uncovered_m2(inner, [f.rect_m for f in frames]) < HAIR_M2


def test_two_fields_that_only_touch_are_one_ground() -> None:
    right = Field("F001", (91 * UM, 0.0, 182 * UM, 91 * UM))
    (frame,) = plan("S0001", [FIELD, right], [box("c1", 86, 40, 96, 48)], settings()).frames
    assert um(frame) == pytest.approx((82.5, 36.5, 99.5, 51.5), abs=0.017)


def test_a_gap_between_fields_of_a_nanometre_keeps_the_beam_away_on_both_sides() -> None:
    right = Field("F001", (91.001 * UM, 0.0, 182 * UM, 91 * UM))
    result = plan("S0001", [FIELD, right], [box("c1", 86, 40, 96, 48)], settings())
    spans = sorted((um(f)[0], um(f)[2]) for f in result.frames)
    assert spans == [pytest.approx((82.5, 89), abs=0.02), pytest.approx((93.001, 99.5), abs=0.02)]
    assert spans[0][1] <= 89
    assert spans[1][0] >= 93.001


def test_ground_too_narrow_for_the_last_pixel_gives_up_less_than_a_pixel() -> None:
    narrow = Field("F0", (0.0, 0.0, 4 * UM + 100.4 * 16.5e-9, 60 * UM))
    (frame,) = plan("S0001", [narrow], [box("c1", 1, 20, 4, 28)], settings()).frames
    assert frame.size_px[0] == 100
    assert frame.rect_m[0] >= 2 * UM
    assert frame.rect_m[2] <= 2 * UM + 100.4 * 16.5e-9


@pytest.mark.parametrize(
    ("field_um", "reason"),
    [
        ((0, 0, 91, 39), "outside the saved fluorescence"),
        ((0, 0, 91, 40), "outside the saved fluorescence"),
        ((39, 39, 42, 91), "nothing of it is left inside the saved fluorescence after guard and beam halo"),
        (
            (39, 39, 43.01, 91),
            "nothing of it is left inside the saved fluorescence after guard and beam halo",
        ),
    ],
)
def test_a_box_that_cannot_be_imaged_is_skipped_with_the_reason(
    field_um: tuple[float, float, float, float], reason: str
) -> None:
    x0, y0, x1, y1 = (v * UM for v in field_um)
    result = plan("S0001", [Field("F0", (x0, y0, x1, y1))], [box("c1", 40, 40, 50, 48)], settings())
    assert not result.frames
    assert [(s.box, s.reason) for s in result.skipped] == [("c1", reason)]


def test_a_raster_of_a_field_is_a_snake_of_24_frames() -> None:
    boxes = [box("c1", 40, 40, 50, 48), box("gone", 200, 0, 210, 10)]
    result = plan("S0001", [FIELD], boxes, settings("raster"))
    assert (result.totals.frames, result.method) == (24, "raster")
    assert [s.box for s in result.skipped] == ["gone"]
    steps = [math.dist(a.center_m, b.center_m) for a, b in pairwise(result.frames)]
    assert max(steps) < 23 * UM
    named = [f for f in result.frames if f.covers]
    assert 1 <= len(named) <= 6
    needed = (36.5 * UM, 36.5 * UM, 53.5 * UM, 51.5 * UM)
    assert uncovered_m2(needed, [f.rect_m for f in named]) < HAIR_M2


def test_the_seams_of_a_raster_overlap_by_what_stitching_needs_where_no_more_frames_are_needed() -> None:
    boxes = [
        box(f"c{n}", 10 + n % 5 * 15, 10 + n // 5 * 15, 20 + n % 5 * 15, 20 + n // 5 * 15) for n in range(25)
    ]
    result = plan("S0001", [FIELD], boxes, settings("raster", overlap_um=2.5))
    assert result.totals.frames == 24
    assert len(result.stitched) > 10
    assert all(one.overlap_held for one in result.stitched)
    wider = plan("S0001", [FIELD], boxes, settings("raster", overlap_um=3.5))
    assert wider.totals.frames == 24
    assert not all(one.overlap_held for one in wider.stitched)


def test_a_section_full_of_cells_takes_no_longer_than_a_raster_unless_a_person_says_so() -> None:
    side = 10.4
    boxes = [
        box(f"c{n:02d}", 5 + n % 8 * side, 5 + n // 8 * side, 14 + n % 8 * side, 14 + n // 8 * side)
        for n in range(64)
    ]
    chosen = settings("exact", overlap_um=2.5)
    result = plan("S0001", [FIELD], boxes, chosen)
    assert result.totals.total_s <= result.totals.raster_total_s
    assert result.basis in (Basis.RASTER, Basis.TRIMMED_RASTER, Basis.CELLS)
    assert all(one.overlap_held for one in result.stitched)
    merged = plan("S0001", [FIELD], boxes, replace(chosen, method="greedy"))
    assert merged.basis is Basis.RASTER
    assert merged.frames == plan("S0001", [FIELD], boxes, replace(chosen, method="raster")).frames
    asked = plan("S0001", [FIELD], boxes, replace(chosen, method="greedy", raster_where_cheaper=False))
    assert asked.basis is Basis.CELLS
    assert asked.totals.total_s > asked.totals.raster_total_s


def test_the_route_comes_from_where_the_stage_stands() -> None:
    boxes = [box(f"c{n}", 10 + 18 * n, 40, 14 + 18 * n, 44) for n in range(4)]
    from_right = plan("S0001", [FIELD], boxes, settings(), start_m=(100 * UM, 42 * UM))
    assert [f.covers[0] for f in from_right.frames] == ["c3", "c2", "c1", "c0"]
    assert from_right.totals.travel_m == pytest.approx((100 - 12) * UM, abs=0.1 * UM)
    without = plan("S0001", [FIELD], boxes, settings())
    assert [f.covers[0] for f in without.frames] == ["c0", "c1", "c2", "c3"]
    assert without.totals.travel_m == pytest.approx(54 * UM, abs=0.1 * UM)


NAN = math.nan


@pytest.mark.parametrize(
    ("fields", "boxes", "start", "said"),
    [
        ([], [], None, "there is no field"),
        ([FIELD, FIELD], [], None, "field F000 comes twice"),
        ([FIELD], [box("c1", 1, 1, 2, 2)] * 2, None, "box c1 comes twice"),
        ([FIELD], [box("c1", 2, 1, 2, 3)], None, "box c1: rect_m must have x0 < x1"),
        ([FIELD], [box("c1", 1, 3, 2, 1)], None, "box c1: rect_m must have x0 < x1 and y0 < y1"),
        ([FIELD], [box("c1", 1, NAN, 2, 3)], None, "box c1: rect_m must be four finite numbers"),
        ([FIELD], [Box("c1", (0, 0, 1, 1), (0, 0, math.inf, 1))], None, "box c1: keep_m must be four finite"),
        ([Field("F0", (0, 0, -1, 1))], [], None, "field F0: rect_m must have"),
        ([FIELD], [], (0.0, NAN), "the start of the route"),
        ([Field("F0", (0, 0, 0.1, 0.1))], [], None, "more than 1000000 frames"),
    ],
)
def test_bad_input_is_one_sentence_that_names_section_and_culprit(
    fields: list[Field], boxes: list[Box], start: tuple[float, float] | None, said: str
) -> None:
    with pytest.raises(PlannerError, match=said) as caught:
        plan("S0007", fields, boxes, settings(), start)
    assert str(caught.value).startswith("section S0007: ")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"method": "fastest"}, "method"),
        ({"pixel_size_m": 0.0}, "pixel_size_m"),
        ({"dwell_s": NAN}, "dwell_s"),
        ({"stage_speed_m_per_s": -1.0}, "stage_speed_m_per_s"),
        ({"context_m": -1e-9}, "context_m"),
        ({"guard_m": math.inf}, "guard_m"),
        ({"halo_m": -1.0}, "halo_m"),
        ({"overhead_s": NAN}, "overhead_s"),
        ({"raster_overlap_fraction": 0.6}, "raster_overlap_fraction"),
        ({"raster_overlap_fraction": NAN}, "raster_overlap_fraction"),
        ({"max_frame_px": (0, 10)}, "max_frame_px"),
        ({"tile_overlap_m": 16e-6}, "tile overlap"),
    ],
)
def test_settings_out_of_range_are_named(change: dict[str, Any], named: str) -> None:
    with pytest.raises(PlannerError, match=named):
        replace(settings(), **change)


def test_settings_of_a_configuration_are_in_si_units() -> None:
    values = asdict(_settings(Config()))
    assert values.pop("method") == "exact"
    assert values.pop("max_frame_px") == (1536, 1024)
    assert values.pop("presets_px") == ()
    assert values.pop("approach_m") == (0.0, 0.0)
    assert values.pop("beam_window_m") == (0.0, 0.0)
    assert values == pytest.approx(
        {
            "pixel_size_m": 16.5e-9,
            "dwell_s": 60e-6,
            "context_m": 2e-6,
            "guard_m": 1.5e-6,
            "halo_m": 0.5e-6,
            "tile_overlap_m": 2.5e-6,
            "raster_overlap_fraction": 0.1,
            "overhead_s": 5.0,
            "stage_speed_m_per_s": 1e-3,
            "outline_margin_m": 5e-6,
            "beam_overlap_m": 0.7e-6,
            "beam_shift_range_m": 0.0,
            "move_s": 0.0,
            "exact_limit_s": 10.0,
            "whole_worth_s": 0.0,
            "raster_where_cheaper": True,
        },
        rel=1e-9,
        abs=0,
    )


def test_scans_may_be_larger_than_a_frame_and_end_before_they_drift() -> None:
    def largest(**sem: Any) -> tuple[int, int]:
        return _settings(Config.model_validate({"sem": sem})).max_frame_px

    assert largest(max_scan_px=[6144, 4096]) == (6144, 4096)
    # 10 min of 60 us are 1e7 pixels.
    width, height = largest(max_scan_px=[6144, 4096], longest_scan_min=10)
    assert width * height <= 1e7
    assert width * height > 0.99e7
    assert width / height == pytest.approx(1.5, rel=0.01)
    presets = {"presets_px": [[1536, 1024], [3072, 2048], [6144, 4096]]}
    assert largest(**presets, longest_scan_min=10) == (3072, 2048)
    assert largest(**presets, max_scan_px=[2000, 2000]) == (1536, 1024)


@pytest.mark.parametrize(
    ("sem", "said"),
    [
        ({"max_scan_px": [400, 4096]}, "the largest scan, 6.6 x 67.6 um, is too small for a cell"),
        ({"longest_scan_min": 0.1}, "sem.longest_scan_min: the largest scan"),
        ({"longest_scan_min": 1e-6}, "leaves no room for a scan"),
        ({"max_scan_px": [1000, 1000], "presets_px": [[1536, 1024]]}, "all of them exceed max_scan_px"),
        ({"max_scan_px": [10, 4096]}, "max_scan_px must be two numbers from 64 to 65536"),
    ],
)
def test_a_limit_of_scans_that_shows_no_cell_is_one_clear_sentence(sem: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Config.model_validate({"sem": sem})


def test_an_approach_against_backlash_costs_each_move_its_time() -> None:
    config = Config.model_validate(
        {
            "stage": {"approach_um": [-5, 3], "approach_s": 1.5},
            "sem": {"beam_shift_range_um": 12, "presets_px": [[768, 512]]},
        }
    )
    chosen = _settings(config)
    assert chosen.approach_m == pytest.approx((-5e-6, 3e-6))
    assert chosen.move_s == 1.5
    assert chosen.beam_shift_range_m == pytest.approx(12e-6)
    assert (chosen.presets_px, chosen.max_frame_px) == (((768, 512),), (768, 512))
