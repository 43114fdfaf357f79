"""Costs and sizes of frames against a look at every size, and the frames that show a rectangle."""

import math
from dataclasses import replace
from random import Random

import numpy as np
import pytest

from planner.cover.framing import Framing
from planner.cover.tiles import Scan
from planner.geometry.allowed_ground import Ground
from planner.geometry.rects import RectM, area_m2, cut, grown, holds
from planner.plan import plan
from planner.settings import PlanSettings
from planner.values import Box, Field
from tests.planner.strategies import UM, settings, uncovered_m2

PIXEL_M = 0.1 * UM
PM = 1e-12
DWELL_S, OVERHEAD_S = 1e-3, 5.0
PRESETS = ((60, 40), (100, 80), (40, 60), (200, 40), (100, 80))
WIDE = Ground([(-100 * UM, -100 * UM, 200 * UM, 200 * UM)], 1 * UM, [], None)


def chosen(presets: tuple[tuple[int, int], ...] = (), overlap_um: float = 1.0) -> PlanSettings:
    return replace(
        settings(overlap_um=overlap_um),
        pixel_size_m=PIXEL_M,
        dwell_s=DWELL_S,
        overhead_s=OVERHEAD_S,
        max_frame_px=(100, 80),
        presets_px=presets,
    )


def um(*sides: float) -> RectM:
    x0, y0, x1, y1 = (side * UM for side in sides)
    return x0, y0, x1, y1


FREE, PRESET = Framing(WIDE, chosen()), Framing(WIDE, chosen(PRESETS))


def cheapest(width_px: int, height_px: int, presets: bool) -> float:
    """Cost of the smallest frame of at least so many pixels, among all there are."""
    sizes = PRESETS if presets else [(width_px, height_px)]
    found = [w * h for w, h in sizes if w >= width_px and h >= height_px]
    if not presets and (width_px > 100 or height_px > 80):
        found = []
    return min(found) * DWELL_S + OVERHEAD_S if found else math.inf


@pytest.mark.parametrize("presets", [False, True])
def test_the_cost_of_a_size_is_that_of_the_smallest_frame_around_it(presets: bool) -> None:
    framing = PRESET if presets else FREE
    widths, heights = [1, 39, 40, 41, 60, 61, 100, 101, 200, 201], [1, 39, 40, 41, 60, 61, 80, 81]
    for width in widths:
        for height in heights:
            rect = um(3, 5, 3 + (width - 0.5) / 10, 5 + height / 10)
            expected = cheapest(width, height, presets)
            assert framing.least_cost_s(rect) == pytest.approx(expected)
            assert framing.fits(rect) is (expected < math.inf)
            frame = framing.frame(rect)
            assert (frame is None) is (expected == math.inf)
            if frame is not None:
                assert holds(frame.rect_m, rect)
                assert framing.cost_s(frame) == pytest.approx(expected)
                assert area_m2(frame.rect_m) == pytest.approx(math.prod(frame.size_px) * PIXEL_M**2)
    table = framing.costs_s(np.asarray(widths)[:, None] * PIXEL_M, np.asarray(heights)[None, :] * PIXEL_M)
    assert table == pytest.approx(np.asarray([[cheapest(w, h, presets) for h in heights] for w in widths]))
    # Nothing takes a pixel, too.
    least = framing.costs_s(np.zeros(1), np.zeros(1))
    assert least == pytest.approx([cheapest(1, 1, presets)])


def test_the_longest_sides_are_those_of_any_frame() -> None:
    assert FREE.longest_m == pytest.approx((10 * UM, 8 * UM))
    assert PRESET.longest_m == pytest.approx((20 * UM, 8 * UM))


def test_presets_are_tried_from_the_cheapest_until_one_has_room() -> None:
    # Room for frames 7 um high: 4 x 6 um fits and is turned; 6 x 4 um comes first, as it is as cheap.
    narrow = Framing(Ground([um(0, 0, 30, 7)], 0.0, [], None), chosen(PRESETS))
    one = narrow.frame(um(5, 1, 8, 4.5))
    assert one is not None
    assert one.size_px == (40, 60)
    assert narrow.frame(um(5, 1, 13, 6)) is None
    flat = narrow.frame(um(5, 1, 8, 4))
    assert flat is not None
    assert flat.size_px == (40, 60)
    assert narrow.frame(um(5, 1, 10, 4)).size_px == (60, 40)  # type: ignore[union-attr]


@pytest.mark.parametrize("presets", [(), PRESETS, ((100, 80), (200, 40))])
def test_frames_of_a_rectangle_show_all_of_it_with_their_overlap(
    presets: tuple[tuple[int, int], ...],
) -> None:
    framing = Framing(WIDE, chosen(presets))
    counts = set()
    for seed in range(40):
        random = Random(seed)
        x, y = random.uniform(0, 50), random.uniform(0, 50)
        rect = um(x, y, x + random.uniform(1, 35), y + random.uniform(1, 35))
        scans = framing.frames(rect)
        assert uncovered_m2(rect, [scan.rect_m for scan in scans]) < 1e-6 * UM**2
        whole = framing.frame(rect)
        counts.add(len(scans) == 1)
        assert (len(scans) == 1) is (whole is not None)
        if whole is not None:
            assert scans[0].rect_m == pytest.approx(whole.rect_m)
        if presets:
            assert {scan.size_px for scan in scans} <= set(presets)
            # One kind of parts only would not be cheaper.
            cost = sum(framing.cost_s(scan) for scan in scans)
            for size in presets:
                alone = Framing(WIDE, replace(framing.settings, presets_px=(size,)))
                other = alone.frames(rect)
                assert len(scans) == 1 or cost <= sum(map(framing.cost_s, other)) + 1e-9
    assert counts == {True, False}


def test_no_part_of_a_rectangle_is_left_without_a_frame() -> None:
    """Presets that have room for some parts only show none of them."""
    holed = Framing(Ground([um(0, 0, 30, 9), um(0, 0, 9, 30)], 0.0, [], None), chosen(PRESETS[:2]))
    assert holed.frames(um(1, 0.3, 25, 8.6))
    assert holed.frames(um(1, 1, 25, 25)) == ()
    free = Framing(holed.ground, chosen())
    assert free.frames(um(1, 1, 25, 25)) == ()
    assert len(free.frames(um(1, 0.5, 25, 8.5))) == 3


def test_a_preset_hardly_longer_than_the_overlap_makes_no_parts() -> None:
    """Parts would hardly be further apart than they are long."""
    for side_px, used in ((33, (34, 100)), (34, (34, 34))):
        given = replace(chosen(((side_px, side_px), (34, 100)), overlap_um=3.0), overhead_s=0.0)
        scans = Framing(WIDE, given).frames(um(0, 0, 3.5, 3.5))
        assert {scan.size_px for scan in scans} == {used}


def test_partial_frames_show_the_most_they_can_where_none_shows_all() -> None:
    """A rectangle of 12 x 6 um, of which allowed ground is the left 7 um."""
    ground = Ground([um(-20, -20, 7, 30)], 0.0, [], None)
    framing = Framing(ground, chosen(((60, 40), (100, 80))))
    rect = um(0, 0, 12, 6)
    (one,) = framing.partial_frames(rect, [])
    assert one.size_px == (100, 80)
    assert area_m2(cut(one.rect_m, rect)) == pytest.approx(42 * UM**2)
    # What is shown already is left out; a small preset does for the rest.
    (other,) = framing.partial_frames(rect, [um(0, 0, 3, 6), um(0, 3, 12, 6)])
    assert other.size_px == (60, 40)
    assert holds(other.rect_m, um(3, 0, 6.99, 3))
    # A sliver of less than a fiftieth is not worth a frame.
    assert framing.partial_frames(rect, [um(0, 0, 6.8, 6)]) == ()
    assert len(framing.partial_frames(rect, [um(0, 0, 6.7, 6)])) == 1
    assert framing.partial_frames(rect, [um(0, 0, 12, 6)]) == ()


def test_frames_of_a_long_rectangle_lie_beside_each_other() -> None:
    """Frames of 5 x 4 um, for a rectangle whose lower 4 um only are allowed: the middle comes first."""
    framing = Framing(Ground([um(0, -1, 100, 4)], 0.0, [], None), chosen(((50, 40),)))
    for width_um, count, unshown_m2 in ((8, 3, 0.0), (14, 3, 0.0), (45, 4, 100 * UM**2)):
        scans = framing.partial_frames(um(0, 0, width_um, 8), [])
        assert len(scans) == count
        rest_m2 = uncovered_m2(um(0, 0, width_um, 4), [scan.rect_m for scan in scans])
        assert rest_m2 == pytest.approx(unshown_m2, abs=1e-4 * UM**2)


# Found among random scenes: the plan was the middle of the cell, four times; a raster with no frame on it.
OUTLINES = [
    ((30.386550541340682, 11.037572978454921), (11.48, 26.05, 15.56, 38.04), 7.0),
    ((39.94145137674103, 33.30523913878423), (32.51, 28.68, 37.12, 40.98), 34.5),
]


@pytest.mark.parametrize(("tops_um", "cell_um", "unshown_um2"), OUTLINES)
def test_as_much_of_a_cell_is_shown_as_frames_with_room_can(
    tops_um: tuple[float, float], cell_um: tuple[float, float, float, float], unshown_um2: float
) -> None:
    """Frames of two sizes, and an outline that slants from (x, 0) to (x, 45)."""
    outline = [(0.0, 0.0), (tops_um[0] * UM, 0.0), (tops_um[1] * UM, 45 * UM), (0.0, 45 * UM)]
    given = replace(chosen(((100, 80), (160, 130)), overlap_um=2.0), method="exact")
    cell = Box("c", um(*cell_um))
    found = plan("S", [Field("F0", um(0, 0, 60, 45))], [cell], given, outline_m=outline)
    frames = [frame.rect_m for frame in found.frames]
    assert uncovered_m2(cell.rect_m, frames) < unshown_um2 * UM**2
    assert all(frame.covers == ("c",) for frame in found.frames)
    assert [one.box for one in found.clipped] == ["c"]


def test_required_ground_is_what_whole_pixels_can_show() -> None:
    border_m = FREE.settings.border_m
    inner = grown(um(-100, -100, 200, 200), -1 * UM - PM)
    assert FREE.ground.allows(inner)
    assert FREE.required_ground.allows(grown(inner, -border_m))
    assert not FREE.required_ground.allows(grown(inner, -0.9 * border_m))
    assert FREE.cost_s(Scan(um(0, 0, 1, 1), (10, 10))) == pytest.approx(100 * DWELL_S + OVERHEAD_S)
