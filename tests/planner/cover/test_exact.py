"""The cheapest cover of a section: against the best way to share frames, part by part, and its bounds."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations, pairwise
from random import Random

import numpy as np
import pytest

from planner.cover import exact as module
from planner.cover.exact import Cover, exact, least_s
from planner.cover.framing import Framing
from planner.cover.greedy import greedy
from planner.cover.required import Region, Required
from planner.cover.seams import not_shown
from planner.cover.search.column_generation import Found, cheapest_frames
from planner.cover.tiles import Scan
from planner.geometry.allowed_ground import Ground
from planner.geometry.rects import RectM, hull, overlap, union_area_m2
from tests.planner.strategies import UM, settings

WIDE = Ground([(-1000 * UM, -1000 * UM, 1000 * UM, 1000 * UM)], 0.0, [], None)


def framing(
    overhead_s: float = 5.0, presets: tuple[tuple[int, int], ...] = (), worth_s: float = 0.0
) -> Framing:
    """Frames of up to 40 x 30 um; 1 um2 takes .1 s; seams overlap by 3 um."""
    given = replace(
        settings("exact"), pixel_size_m=0.1 * UM, dwell_s=1e-3, overhead_s=overhead_s,
        max_frame_px=(400, 300), presets_px=presets, whole_worth_s=worth_s,
    )  # fmt: skip
    return Framing(WIDE, given)


def um(*sides: float) -> RectM:
    x0, y0, x1, y1 = (side * UM for side in sides)
    return x0, y0, x1, y1


def regions(rects: Sequence[RectM], by: Framing) -> list[Region]:
    return [Region(rect, by.frames(rect), frozenset({f"c{n}"})) for n, rect in enumerate(rects)]


def drawn(seed: int, count: int, room_um: float = 50) -> list[RectM]:
    random = Random(seed)
    found = []
    for _ in range(count):
        x, y = random.uniform(0, room_um), random.uniform(0, room_um)
        found.append(um(x, y, x + random.uniform(4, 15), y + random.uniform(4, 15)))
    return sorted(found)


def own(some: Sequence[Region]) -> tuple[Scan, ...]:
    return tuple(scan for region in some for scan in region.scans)


def cost_s(scans: Sequence[Scan], by: Framing) -> float:
    return sum(map(by.cost_s, scans))


def shown(some: Sequence[Region], cover: Cover, by: Framing) -> bool:
    rects = [scan.rect_m for scan in cover.scans]
    return all(not_shown(r.rect_m, rects, by.settings.tile_overlap_m) is None for r in some)


def shares(things: list[RectM]) -> Iterator[list[list[RectM]]]:
    """All ways to share things among frames."""
    if not things:
        yield []
        return
    first, rest = things[0], things[1:]
    for count in range(len(rest) + 1):
        for others in combinations(rest, count):
            left = [thing for thing in rest if thing not in others]
            for further in shares(left):
                yield [[first, *others], *further]


def hull_of(rects: Sequence[RectM]) -> RectM:
    whole = rects[0]
    for rect in rects:
        whole = hull(whole, rect)
    return whole


@pytest.mark.parametrize("presets", [(), ((150, 150), (400, 300))])
def test_no_way_to_share_frames_is_cheaper(presets: tuple[tuple[int, int], ...]) -> None:
    cheaper = 0
    for seed in range(8):
        by = framing(presets=presets)
        rects = drawn(seed, 5, 35)
        some = regions(rects, by)
        singles = [Required(r.rect_m, r.scans[0], r.boxes) for r in some]
        merged = [replace(one.scan, boxes=one.boxes) for one in greedy(singles, singles, by)]
        found = exact(some, merged, (), by)
        assert shown(some, found, by)
        best_s = min(sum(by.least_cost_s(hull_of(group)) for group in way) for way in shares(rects))
        # Sides that lie within a micron of each other are one, which may be one too many for a preset.
        assert cost_s(found.scans, by) <= best_s * (1.15 if presets else 1.03)
        assert found.bound_s <= cost_s(found.scans, by) + 1e-9
        assert least_s(some, by) <= found.bound_s + 1e-9
        assert not found.of_raster
        if found.scans != tuple(merged):
            assert list(found.scans) == sorted(found.scans, key=lambda s: s.rect_m)
        cheaper += cost_s(found.scans, by) < cost_s(own(some), by)
    assert cheaper >= 2


def test_the_start_stays_where_nothing_is_cheaper() -> None:
    by = framing()
    some = regions([um(0, 0, 10, 10), um(500, 0, 510, 10)], by)
    start = (*own(some)[::-1],)
    assert exact(some, start, (), by).scans == start
    # A start that holds more than it must is dearer.
    wide = (Scan(um(0, 0, 20, 10), (200, 100)), some[1].scans[0])
    assert exact(some, wide, (), by).scans == own(some)
    assert exact([], (), (), by) == Cover((), 0.0, False)


def test_a_section_of_too_many_regions_keeps_its_start(monkeypatch: pytest.MonkeyPatch) -> None:
    by = framing()
    some = regions([um(0, 0, 10, 10), um(11, 0, 20, 10)], by)
    joined = exact(some, own(some), (), by)
    assert len(joined.scans) == 1
    monkeypatch.setattr(module, "_MOST_REGIONS", 2)
    assert exact(some, own(some), (), by) == joined
    monkeypatch.setattr(module, "_MOST_REGIONS", 1)
    assert exact(some, own(some), (), by) == Cover(own(some), least_s(some, by), False)
    # One inside another does not count, unless rectangles are worth something whole.
    inside = regions([um(0, 0, 10, 10), um(2, 2, 5, 5)], by)
    assert len(exact(inside, own(inside), (), by).scans) == 1
    whole = framing(worth_s=3.0)
    assert exact(inside, own(inside), (), whole).scans == own(inside)


def test_least_time_is_that_of_the_ground_once_in_the_fewest_frames() -> None:
    """40 x 30 um a frame."""
    by = framing()
    for rects, frames in (
        ([um(0, 0, 40, 30)], 1),
        ([um(0, 0, 40, 30), um(10, 10, 20, 20)], 1),
        ([um(0, 0, 40, 30), um(40, 0, 41, 1)], 2),
        ([um(0, 0, 1, 1)], 1),
    ):
        some = [Region(rect, (), frozenset("c")) for rect in rects]
        expected = union_area_m2(rects) * 1e11 + frames * 5.0
        assert least_s(some, by) == pytest.approx(expected)
    assert least_s([], by) == 0.0
    presets = framing(presets=((150, 150), (400, 200)))
    some = [Region(um(0, 0, 40, 20), (), frozenset("c")), Region(um(0, 30, 1, 31), (), frozenset("d"))]
    assert least_s(some, presets) == pytest.approx(80.1 + 2 * 5.0)


@pytest.mark.parametrize("presets", [(), ((150, 150), (400, 300))])
def test_parts_are_planned_apart_only_where_no_frame_of_both_saves_time(
    presets: tuple[tuple[int, int], ...],
) -> None:
    counts = set()
    for seed in range(15):
        by = framing(presets=presets)
        some = regions(drawn(seed, 9, 80), by)
        parts = module._parts(some, by)
        counts.add(len(parts))
        assert sorted(r.rect_m for part in parts for r in part) == [r.rect_m for r in some]
        # In the order in which they came.
        assert all([r.rect_m for r in part] == sorted(r.rect_m for r in part) for part in parts)
        for one, other in combinations(parts, 2):
            for a in one:
                for b in other:
                    assert not overlap(a.rect_m, b.rect_m)
                    together_s = by.least_cost_s(hull(a.rect_m, b.rect_m))
                    assert together_s >= cost_s([*a.scans, *b.scans], by) - 1e-6
    assert max(counts) > min(counts) >= 1
    assert module._parts([], by) == []


def test_regions_that_touch_or_nearly_so_are_one_part() -> None:
    """An overhead of 5 s is worth 50 um2: between sides of 10 um, a gap of 5 um."""
    by = framing()
    cases = [
        case
        for gap_um, parts in ((0.0, 1), (4.9, 1), (5.1, 2))
        for case in (
            ((0, 0, 10, 10), (10 + gap_um, 0, 20 + gap_um, 10), parts),
            ((0, 0, 10, 10), (0, 10 + gap_um, 10, 20 + gap_um), parts),
        )
    ]
    # The shorter side counts.
    cases += [((0, 0, 20, 4), (30, 0, 50, 4), 1), ((0, 0, 20, 4), (33, 0, 53, 4), 2)]
    for one, other, parts in cases:
        for x, y in ((0, 0), (300, 200), (-300, 70)):
            both = [um(r[0] + x, r[1] + y, r[2] + x, r[3] + y) for r in (one, other)]
            assert len(module._parts(regions(both, by), by)) == parts


def test_presets_that_hold_both_for_less_make_one_part() -> None:
    """One frame of 40 x 30 um takes 125 s, two of 15 x 15 um 55 s, two of 40 x 30 um 250 s."""
    by = framing(presets=((150, 150), (400, 300)))
    for one, other, parts in (
        (um(0, 0, 10, 10), um(20, 0, 30, 10), 2),
        (um(0, 0, 7, 10), um(8, 0, 15, 10), 1),
        (um(0, 0, 16, 10), um(22, 0, 38, 10), 1),
        (um(0, 0, 16, 30), um(8, 20, 24, 50), 1),
    ):
        assert len(module._parts(regions([one, other], by), by)) == parts
        # Another far away is a part of its own.
        assert len(module._parts(regions([one, other, um(500, 500, 510, 510)], by), by)) == parts + 1


def test_many_regions_are_divided_along_the_longer_side() -> None:
    for along in (0, 1):
        for count in (16, 17, 40):
            places = [(n * 5.0, (n * 7) % 11 * 0.1) for n in range(count)]
            Random(count).shuffle(places)
            rects = [um(x, y, x + 3, y + 3) if along == 0 else um(y, x, y + 3, x + 3) for x, y in places]
            part = [Region(rect, (), frozenset({str(n)})) for n, rect in enumerate(rects)]
            districts = module._districts(part)
            assert len(districts) == math.ceil(count / 16) + (count == 40)
            assert all(len(one) <= 16 for one in districts)
            assert sorted(r.rect_m for one in districts for r in one) == sorted(rects)
            # Each keeps the order in which its regions came.
            for one in districts:
                numbers = [int(next(iter(r.boxes))) for r in one]
                assert numbers == sorted(numbers)
            ends = [(min(r.rect_m[along] for r in d), max(r.rect_m[along] for r in d)) for d in districts]
            assert ends == sorted(ends)
            assert all(a[1] < b[0] for a, b in pairwise(ends))


def test_divided_parts_show_all_and_use_what_is_there_already(monkeypatch: pytest.MonkeyPatch) -> None:
    by = framing()
    rects = [um(x, 0, x + 8, 8) for x in range(0, 90, 7)]
    some = regions(rects, by)
    whole = exact(some, own(some), (), by)
    monkeypatch.setattr(module, "MOST_TOGETHER", 5)
    monkeypatch.setattr(module, "_DISTRICT", 4)
    divided = exact(some, own(some), (), by)
    for found in (whole, divided):
        assert shown(some, found, by)
        assert found.bound_s <= cost_s(found.scans, by)
        assert cost_s(found.scans, by) < 0.9 * cost_s(own(some), by)
        assert not found.of_raster
    assert divided.bound_s == pytest.approx(least_s(some, by))
    assert whole.bound_s > divided.bound_s
    assert cost_s(divided.scans, by) <= 1.2 * cost_s(whole.scans, by)


def asked_of_search(
    some: Sequence[Region], by: Framing, monkeypatch: pytest.MonkeyPatch, start: Sequence[Scan] = ()
) -> list[tuple[int, int, int, float]]:
    """Regions, start frames, rounds and seconds of each search."""
    asked: list[tuple[int, int, int, float]] = []
    plain = cheapest_frames

    def noted(wanted, begin, known, given, by, rounds, limit_s) -> Found:  # type: ignore[no-untyped-def]
        asked.append((len(wanted), len(begin), rounds, limit_s))
        return plain(wanted, begin, known, given, by, rounds, limit_s)

    monkeypatch.setattr(module, "cheapest_frames", noted)
    exact(some, start or own(some), (), by)
    return asked


def test_time_and_rounds_are_shared_by_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_TOGETHER", 6)
    monkeypatch.setattr(module, "_DISTRICT", 4)
    by = framing()
    rows = [um(x, 0, x + 8, 8) for x in range(0, 6 * 7, 7)]
    pair = [um(x, 100, x + 8, 108) for x in range(0, 4 * 7, 7)]
    long = [um(x, 200, x + 8, 208) for x in range(0, 8 * 7, 7)]
    some = regions([*rows, *pair, *long, um(500, 500, 510, 510)], by)
    limit_s = by.settings.exact_limit_s
    asked = sorted(asked_of_search(some, by, monkeypatch), key=lambda one: (one[0], one[2]))
    # 19 regions: one alone needs no search; 6 together, 4 together, 8 in two districts.
    assert [(count, rounds) for count, _, rounds, _ in asked] == [
        (4, module._DISTRICT_ROUNDS),
        (4, module._DISTRICT_ROUNDS),
        (4, module._SMALL_ROUNDS),
        (6, module._ROUNDS),
    ]
    for count, begin, _, seconds in asked:
        assert seconds == pytest.approx(limit_s * count / 19)
        # Only frames that overlap what is planned.
        assert count <= begin <= count + 2


def test_the_frames_of_a_raster_are_taken_where_they_are_cheaper_trimmed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    by = framing(1.0)
    # Nearly all of 40 x 30 um is required, in strips that the search is not allowed to join.
    strips = regions([um(0, y, 39, y + 6.5) for y in (0, 6.5, 13, 19.5)], by)
    tiles = (Scan(um(-1, -1, 39, 29), (400, 300)), Scan(um(300, 300, 340, 330), (400, 300)))
    monkeypatch.setattr(
        module, "cheapest_frames", lambda wanted, *_: Found(tuple(r for w in wanted for r in w.own_m), 0)
    )
    plain = exact(strips, own(strips), (), by)
    assert (len(plain.scans), plain.of_raster) == (4, False)
    trimmed = exact(strips, own(strips), tiles, by)
    assert trimmed.of_raster
    assert shown(strips, trimmed, by)
    (one,) = trimmed.scans
    assert one.rect_m == pytest.approx(um(0, 0, 39, 26), abs=1e-9)
    assert trimmed.bound_s == plain.bound_s
    # One part of it is enough.
    more = [*strips, *regions([um(500, 500, 510, 510)], by)]
    assert exact(more, own(more), tiles, by).of_raster
    assert not exact(more, own(more), (), by).of_raster
    assert module._rects_s([um(5, 7, 15, 12), um(20, 40, 30, 42)], by) == pytest.approx(7 + 2 * 1.0)
    # A tile of which little is required is not even looked at.
    few = strips[:1]
    assert exact(few, own(few), tiles, by).scans == own(few)


def test_frames_that_miss_some_of_a_region_are_joined_by_its_own() -> None:
    by = framing()
    some = regions([um(0, 0, 10, 10), um(20, 0, 30, 10)], by)
    found = module._finished([um(0, 0, 10, 10), um(20, 0, 26, 10)], some, by)
    assert next(scan.rect_m for scan in found) == pytest.approx(um(0, 0, 10, 10))
    assert some[1].scans[0] in found
    assert shown(some, Cover(found, 0.0, False), by)
    # Two frames that each hold one of them show it together, but then it would be whole in none.
    pair = regions([um(0, 0, 20, 10), um(10, 0, 30, 10)], by)
    frames = [um(0, 0, 20, 10), um(10, 0, 30, 10)]
    assert len({scan.rect_m for scan in module._finished(frames, pair, by)}) == 2
    torn = cost_s(module._finished(frames, pair, by), by)
    whole = cost_s(module._finished(frames, pair, framing(worth_s=0.5)), by)
    assert torn < whole == pytest.approx(cost_s(own(pair), by))
    # Frames are trimmed to what is required.
    loose = module._finished([um(-5, -5, 15, 15), um(19, -1, 31, 11)], some, by)
    assert cost_s(loose, by) == pytest.approx(cost_s(own(some), by))


def test_a_region_that_is_stitched_costs_what_it_is_worth_whole() -> None:
    by = framing(worth_s=7.0)
    rect, wide = um(0, 0, 20, 10), um(100, 0, 145, 10)
    some = [Region(rect, (), frozenset("a")), Region(wide, (), frozenset("b"))]
    whole = [Scan(um(-1, 0, 21, 10), (220, 100))]
    halves = [Scan(um(0, 0, 12, 10), (120, 100)), Scan(um(8, 0, 20, 10), (120, 100))]
    # No frame holds the wide one, so nothing is lost.
    assert module._worth_s(whole, some, by) == pytest.approx(22 + 5.0)
    assert module._worth_s(halves, some, by) == pytest.approx(24 + 10.0 + 7.0)
    assert module._worth_s(halves, some, framing()) == pytest.approx(24 + 10.0)


def test_a_start_is_left_only_for_a_saving_with_the_worth_of_whole_regions() -> None:
    """Stitched frames are cheaper, but not by what the whole region is worth."""
    rects = [um(0, 0, 16, 10), um(12, 0, 28, 10), um(24, 0, 40, 10)]
    for worth_s in (0.0, 50.0):
        by = framing(1.0, worth_s=worth_s)
        some = regions(rects, by)
        found = exact(some, own(some), (), by)
        assert shown(some, found, by)
        assert module._worth_s(found.scans, some, by) <= module._worth_s(own(some), some, by)
        assert np.isfinite(found.bound_s)
