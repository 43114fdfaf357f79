"""Every cell has required ground or a reason, whatever became of others, and the guard of where it lies."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

import numpy as np
import pytest
import shapely

from planner.cover.framing import Framing
from planner.cover.imaged_ground import Imaged
from planner.cover.required import (
    EARLIER_FRAMES,
    FIELD_EDGE,
    IMAGED,
    NO_PRESET,
    NOTHING_LEFT,
    OUTLINE,
    OUTSIDE,
    PRESETS,
    UNSAVED,
    Demand,
    _shows_some_of,
    guard_m,
    required,
)
from planner.geometry.allowed_ground import Ground
from planner.geometry.rects import RectM, cut, holds, overlap
from planner.plan import plan
from planner.values import Box, Clipped, Field, Skipped
from tests.planner.strategies import UM, listing, settings, uncovered_m2

FIELD = Field("F000", (0.0, 0.0, 91 * UM, 91 * UM))


def box(name: str, x0: float, y0: float, x1: float, y1: float) -> Box:
    return Box(name, (x0 * UM, y0 * UM, x1 * UM, y1 * UM))


def test_a_cell_without_a_frame_costs_none_of_those_after_it_theirs() -> None:
    boxes = [
        box("a outside", 200, 40, 208, 48),
        box("b at the edge", 0, 40, 1.9, 48),
        box("c imaged", 60, 60, 66, 66),
        box("d whole", 20, 20, 28, 28),
    ]
    done = (50 * UM, 50 * UM, 76 * UM, 76 * UM)
    result = plan("S0001", [FIELD], boxes, settings(), exposed=[done])
    assert [(one.box, one.reason.split()[0]) for one in result.skipped] == [
        ("a outside", "outside"),
        ("b at the edge", "nothing"),
        ("c imaged", "already"),
    ]
    assert len(listing(result, "d whole")) == 1
    assert not result.clipped


@pytest.mark.parametrize(
    ("own", "keep", "expected"),
    [
        ((None, None), None, 1.5),
        ((3.0, None), None, 3.0),
        ((0.5, None), None, 0.5),
        ((None, 3.0), None, 1.5),
        # What is kept of it reaches into the other field.
        ((0.5, 3.0), (40, 40, 95, 48), 3.0),
        ((0.5, None), (40, 40, 95, 48), 1.5),
    ],
)
def test_a_cell_has_the_largest_guard_of_the_fields_that_it_touches(
    own: tuple[float | None, float | None], keep: tuple[float, ...] | None, expected: float
) -> None:
    fields = [
        replace(FIELD, guard_m=None if own[0] is None else own[0] * UM),
        Field("F001", (91 * UM, 0.0, 182 * UM, 91 * UM), None if own[1] is None else own[1] * UM),
    ]
    cell = box("c", 40, 40, 50, 48)
    if keep is not None:
        x0, y0, x1, y1 = (value * UM for value in keep)
        cell = replace(cell, keep_m=(x0, y0, x1, y1))
    assert guard_m(cell, fields, settings()) == pytest.approx(expected * UM)
    if keep is None:
        left_m = min(frame.rect_m[0] for frame in plan("S0001", fields, [cell], settings()).frames)
        assert left_m == pytest.approx((38 - expected) * UM, abs=0.02 * UM)


def test_a_cell_in_no_field_has_the_guard_of_the_settings() -> None:
    fields = [replace(FIELD, guard_m=9 * UM)]
    assert guard_m(box("c", 200, 200, 208, 208), fields, settings()) == settings().guard_m


WIDE = Field("F000", (0.0, 0.0, 200 * UM, 200 * UM))


def demand(
    boxes: Sequence[Box],
    fields: Sequence[Field] = (WIDE,),
    *,
    unsaved: Sequence[RectM] = (),
    outline_um: Sequence[tuple[float, float]] | None = None,
    imaged: Sequence[RectM] = (),
    presets: tuple[tuple[int, int], ...] = (),
) -> Demand:
    """With a context of 2, a guard of 1.5 and a halo of .5 um: allowed ground is 2 um inside the fields."""
    given = replace(settings(), presets_px=presets)
    outline = None if outline_um is None else shapely.Polygon([(x * UM, y * UM) for x, y in outline_um])
    ground = Ground([field.rect_m for field in fields], 2 * UM, unsaved, outline)
    return required(boxes, fields, Framing(ground, given), Imaged(imaged))


def um(*sides: float) -> RectM:
    x0, y0, x1, y1 = (side * UM for side in sides)
    return x0, y0, x1, y1


def rects_um(found: Demand) -> list[tuple[float, ...]]:
    return [tuple(round(side / UM, 2) for side in region.rect_m) for region in found.regions]


def test_required_ground_is_the_cell_with_its_context_what_is_kept_and_the_guard() -> None:
    found = demand([box("a", 20, 30, 28, 36), kept("b", (60, 60, 70, 64), (57, 61, 75, 62))])
    assert rects_um(found) == [(16.5, 26.5, 31.5, 39.5), (55.5, 56.5, 76.5, 67.5)]
    assert [region.boxes for region in found.regions] == [{"a"}, {"b"}]
    assert not found.skipped
    assert not found.clipped
    assert [piece.boxes for piece in found.pieces] == [{"a"}, {"b"}]
    for region, piece in zip(found.regions, found.pieces, strict=True):
        assert holds(piece.scan.rect_m, region.rect_m)
        assert piece.rect_m == pytest.approx(region.rect_m)
        assert region.scans == (piece.scan,)


def kept(name: str, sides: tuple[float, ...], keep: tuple[float, ...]) -> Box:
    x0, y0, x1, y1 = keep
    return replace(box(name, *sides), keep_m=um(x0, y0, x1, y1))


def test_the_order_of_boxes_does_not_matter() -> None:
    boxes = [
        box("z", 20, 30, 28, 36),
        box("y", 20, 30, 28, 36),
        box("x", 90, 20, 150, 60),
        box("w", 300, 0, 310, 10),
        box("v", 290, 0, 310, 10),
        box("u", -5, 50, 5, 60),
        box("t", -5, 90, 5, 99),
    ]
    found = demand(boxes)
    assert found == demand(boxes[::-1])
    assert [region.boxes for region in found.regions if len(region.boxes) > 1] == [{"y", "z"}]
    assert [one.box for one in found.skipped] == ["v", "w"]
    assert [one.box for one in found.clipped] == ["t", "u"]
    assert list(found.regions) == sorted(found.regions, key=lambda r: r.rect_m)
    assert list(found.pieces) == sorted(found.pieces, key=lambda p: (p.rect_m, sorted(p.boxes)))


def test_a_region_larger_than_a_frame_is_in_pieces_of_one_each() -> None:
    """A frame is 25.3 x 16.9 um."""
    found = demand([box("a", 50, 50, 90, 59)])
    (region,) = found.regions
    assert len(region.scans) == len(found.pieces) == 2
    assert {piece.scan for piece in found.pieces} == set(region.scans)
    assert all(piece.rect_m == cut(piece.scan.rect_m, region.rect_m) for piece in found.pieces)
    assert all(piece.boxes == {"a"} for piece in found.pieces)


def test_parts_of_one_detection_share_their_frames_where_one_is_too_small() -> None:
    keep = (40, 40, 80, 60)
    parts = [kept("a", (40, 40, 55, 60), keep), kept("b", (60, 45, 80, 60), keep)]
    assert rects_um(demand(parts)) == [(36.5, 36.5, 83.5, 63.5)]
    assert demand(parts).regions[0].boxes == {"a", "b"}
    # Parts of others do not join, and one that fits in a frame by itself has its own.
    apart = [parts[0], kept("c", (60, 45, 80, 60), (41, 40, 80, 60))]
    assert rects_um(demand(apart)) == [(36.5, 36.5, 81.5, 63.5), (39.5, 38.5, 83.5, 63.5)]
    small = (40, 40, 50, 46)
    fits = [kept("a", (40, 40, 44, 46), small), kept("b", (45, 40, 50, 46), small)]
    assert rects_um(demand(fits)) == [(36.5, 36.5, 51.5, 49.5), (38.5, 36.5, 53.5, 49.5)]
    (alone,) = demand(parts[:1]).regions
    assert alone.boxes == {"a"}
    # Together they do not fit although each does.
    edge = (40, 40, 60, 46)
    both = [kept("a", (40, 40, 41, 46), edge), kept("b", (59, 40, 60, 46), edge)]
    assert rects_um(demand(both)) == [(36.5, 36.5, 61.5, 49.5), (38.5, 36.5, 63.5, 49.5)]


def test_cells_without_a_cause_to_clip_are_in_no_list() -> None:
    assert demand([box("a", 60, 60, 66, 66)], imaged=[um(100, 100, 120, 120)]).clipped == ()


REASONS: dict[str, tuple[Callable[[], Demand], str]] = {
    OUTSIDE: (lambda: demand([box("a", 201, 10, 210, 20)]), OUTSIDE),
    "kept ground inside": (
        lambda: demand([kept("a", (201, 10, 210, 20), (190, 10, 210, 20))]),
        NOTHING_LEFT,
    ),
    "edge": (lambda: demand([box("a", 0, 40, 1.9, 48)]), NOTHING_LEFT),
    "unsaved": (
        lambda: demand([box("a", 50, 50, 52, 52)], unsaved=[um(45, 45, 50.2, 60)]),
        f"{NOTHING_LEFT}, away from {UNSAVED}",
    ),
    "outline": (
        lambda: demand([box("a", 50, 50, 52, 52)], outline_um=[(0, 0), (40, 0), (40, 90), (0, 90)]),
        f"{NOTHING_LEFT}, and inside {OUTLINE}",
    ),
    "corner of the outline": (
        # It only cuts off a corner of the box, not of the cell in it.
        lambda: demand(
            [box("a", 50, 50, 60, 60)], outline_um=[(0, 0), (70, 0), (51.5, 50), (50, 51.5), (0, 90)]
        ),
        f"{NOTHING_LEFT}, and inside {OUTLINE}",
    ),
    "imaged": (lambda: demand([box("a", 50, 50, 56, 56)], imaged=[um(40, 40, 65, 65)]), IMAGED),
    "presets": (
        lambda: demand([box("a", 1, 50, 5, 54)], [Field("F000", um(0, 0, 12, 200))], presets=((1000, 1000),)),
        NO_PRESET,
    ),
}


@pytest.mark.parametrize("case", REASONS)
def test_a_cell_without_ground_says_why(case: str) -> None:
    asked, reason = REASONS[case]
    found = asked()
    assert (found.regions, found.pieces, found.clipped) == ((), (), ())
    assert found.skipped == (Skipped("a", reason),)


CLIPPED: dict[str, tuple[Callable[[], Demand], str]] = {
    "surroundings at the edge": (
        lambda: demand([box("a", 3, 40, 9, 48)]),
        f"surroundings partly imaged, limited by {FIELD_EDGE}",
    ),
    "cell at the edge": (lambda: demand([box("a", 1, 40, 9, 48)]), f"partly imaged, limited by {FIELD_EDGE}"),
    "unsaved": (
        lambda: demand([box("a", 50, 50, 56, 56)], unsaved=[um(58.5, 40, 60, 60)]),
        f"surroundings partly imaged, limited by {UNSAVED}",
    ),
    "outline": (
        lambda: demand([box("a", 50, 50, 56, 56)], outline_um=[(0, 0), (57, 0), (57, 90), (0, 90)]),
        f"surroundings partly imaged, limited by {OUTLINE}",
    ),
    "cell at the outline": (
        lambda: demand([box("a", 50, 50, 56, 56)], outline_um=[(0, 0), (54, 0), (54, 90), (0, 90)]),
        f"partly imaged, limited by {OUTLINE}",
    ),
    "all": (
        lambda: demand(
            [box("a", 3, 50, 9, 56)],
            unsaved=[um(2, 61, 9, 70)],
            outline_um=[(0, 0), (10, 0), (10, 90), (0, 90)],
            imaged=[um(0, 40, 20, 52)],
        ),
        f"surroundings partly imaged, limited by {FIELD_EDGE}, {UNSAVED}, {OUTLINE}, {EARLIER_FRAMES}",
    ),
    "earlier frames": (
        lambda: demand([box("a", 50, 50, 56, 56)], imaged=[um(40, 40, 53, 65)]),
        "partly imaged anew: earlier frames show the rest",
    ),
    "presets": (
        lambda: demand(
            [box("a", 8, 8, 20, 20)],
            [Field("F000", um(0, 0, 40, 16)), Field("F001", um(0, 0, 16, 40))],
            presets=((1000, 600),),
        ),
        f"partly imaged, limited by {FIELD_EDGE}, {PRESETS}",
    ),
}


@pytest.mark.parametrize("case", CLIPPED)
def test_a_cell_that_is_partly_imaged_says_what_limits_it(case: str) -> None:
    asked, reason = CLIPPED[case]
    found = asked()
    assert found.regions
    assert found.skipped == ()
    assert found.clipped == (Clipped("a", reason),)


def test_ground_that_earlier_frames_show_is_left_out_with_the_guard_of_the_cell() -> None:
    """They need not show its guard; new ones overlap them by 3 um."""
    found = demand([box("a", 50, 50, 56, 56)], imaged=[um(40, 40, 53, 65)])
    assert rects_um(found) == [(50.0, 46.5, 59.5, 59.5)]
    own = [replace(WIDE, guard_m=4 * UM)]
    wider = demand([box("a", 50, 50, 56, 56)], own, imaged=[um(40, 40, 53, 65)])
    assert rects_um(wider) == [(49.0, 44.0, 62.0, 62.0)]


def test_an_ellipse_in_the_box_of_a_cell_decides_if_some_of_it_is_shown() -> None:
    cell = (2.0, 1.0, 8.0, 4.0)
    x, y = np.meshgrid(np.linspace(0, 10, 401), np.linspace(0, 6, 241))
    inside = ((x - 5) / 3) ** 2 + ((y - 2.5) / 1.5) ** 2 < 1
    yes = 0
    for seed in range(200):
        random = Random(seed)
        x0, y0 = random.uniform(0, 9), random.uniform(0, 5)
        rect = (x0, y0, x0 + random.uniform(0.2, 4), y0 + random.uniform(0.2, 3))
        there = inside & (x >= rect[0]) & (x <= rect[2]) & (y >= rect[1]) & (y <= rect[3])
        # A few points of a grid of .025 are too few to tell.
        if there.sum() > 4 or not there.any():
            near = inside & (x >= rect[0] - 0.05) & (x <= rect[2] + 0.05)
            near &= (y >= rect[1] - 0.05) & (y <= rect[3] + 0.05)
            if there.any() or not near.any():
                assert _shows_some_of(rect, cell) is bool(there.any())
                yes += bool(there.any())
    assert 50 < yes < 180


CORNER = [Field("F000", um(0, 0, 60, 20)), Field("F001", um(0, 0, 20, 60))]
"""Fields that meet in an L: allowed ground is 2 um inside them."""


def test_a_cell_at_an_inner_corner_has_a_region_on_each_side() -> None:
    found = demand([box("a", 14, 14, 22, 22)], CORNER)
    assert len(found.regions) == len(found.pieces) == 2
    assert {region.boxes for region in found.regions} == {frozenset("a")}
    rects = [region.rect_m for region in found.regions]
    border = 0.01 * UM
    for arm in (um(10.5, 10.5, 25.5, 18), um(10.5, 10.5, 18, 25.5)):
        assert any(holds(rect, (arm[0], arm[1], arm[2] - border, arm[3] - border)) for rect in rects) or (
            uncovered_m2(arm, rects) < 0.5 * UM**2
        )
    assert [one.box for one in found.clipped] == ["a"]


@pytest.mark.parametrize("preset", [(1000, 400), (400, 1000)])
def test_an_arm_in_which_no_preset_has_room_limits_the_cell_whichever_comes_first(
    preset: tuple[int, int],
) -> None:
    """Frames of 16.5 x 6.6 um lie in one arm, which is 16 um wide, and not in the other."""
    found = demand([box("a", 14, 14, 22, 22)], CORNER, presets=(preset,))
    assert found.regions
    wide = preset[0] > preset[1]
    longest = max(found.regions, key=lambda region: max(region.rect_m[2:]))
    assert (longest.rect_m[2] > longest.rect_m[3]) is wide
    assert found.clipped == (Clipped("a", f"partly imaged, limited by {FIELD_EDGE}, {PRESETS}"),)


def test_frames_that_show_some_of_a_cell_are_regions_of_their_own() -> None:
    """Of a cell at a slanting outline on which no frame lies whole: what each shows of required ground."""
    outline = [(0.0, 0.0), (30.386550541340682, 0.0), (11.037572978454921, 45.0), (0.0, 45.0)]
    cell = box("a", 11.48, 26.05, 15.56, 38.04)
    found = demand(
        [cell], [Field("F0", um(0, 0, 60, 45))], outline_um=outline, presets=((606, 485), (970, 788))
    )
    assert len(found.regions) >= 2
    x0, y0, x1, y1 = (round(side, 3) for side in (11.48 - 3.5, 26.05 - 3.5, 15.56 + 3.5, 38.04 + 3.5))
    for region in found.regions:
        (scan,) = region.scans
        assert scan.size_px in ((606, 485), (970, 788))
        assert holds(um(x0, y0, x1, y1), region.rect_m)
        assert region.rect_m == pytest.approx(cut(scan.rect_m, um(x0, y0, x1, y1)))
        assert region.boxes == {"a"}
    assert found.clipped == (Clipped("a", f"partly imaged, limited by {OUTLINE}, {PRESETS}"),)


def test_a_cell_that_presets_cannot_show_is_not_called_its_surroundings() -> None:
    """All of the cell is allowed ground: an arm 16 um wide, in which a frame of 16.5 um has no room."""
    lost = demand([box("a", 14, 3, 17.5, 40)], CORNER, presets=((1000, 400),))
    assert lost.regions
    assert lost.clipped == (Clipped("a", f"partly imaged, limited by {FIELD_EDGE}, {PRESETS}"),)


def test_of_a_cell_on_a_slanting_outline_the_cell_itself_is_shown() -> None:
    outline = [(0, 0), (100, 0), (0, 100)]
    cell = box("a", 46, 46, 56, 56)
    found = demand([cell], outline_um=outline)
    shown_m2 = 100 * UM**2 - uncovered_m2(cell.rect_m, [region.rect_m for region in found.regions])
    # The diagonal leaves 32 um2 of the cell, of which a rectangle has 16; further ones would add too little.
    (region,) = found.regions
    assert 15 * UM**2 < shown_m2 < 16 * UM**2
    assert overlap(region.rect_m, cell.rect_m)


def test_a_cell_after_one_of_which_only_an_empty_corner_is_left_has_its_frame() -> None:
    outline = [(0, 0), (70, 0), (51.5, 50), (50, 51.5), (0, 90)]
    found = demand([box("a", 50, 50, 60, 60), box("b", 20, 20, 26, 26)], outline_um=outline)
    assert [one.box for one in found.skipped] == ["a"]
    assert [region.boxes for region in found.regions] == [{"b"}]
