"""Rectangles inside others, cells found twice, and the mergers of two frames that save time."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from random import Random

import pytest

from planner.cover import greedy as merging
from planner.cover.framing import Framing
from planner.cover.greedy import LEAST_SAVING_S, cover_cost_s, crowded, greedy, neighbours
from planner.cover.per_box import absorb_contained, drop_contained, join_same_cell, outermost, per_box
from planner.cover.required import Required
from planner.cover.tiles import Scan
from planner.geometry.allowed_ground import Ground
from planner.geometry.rects import RectM, holds, hull
from tests.planner.strategies import UM, settings

PIXEL_M = 0.1 * UM
WIDE = Ground([(-1000 * UM, -1000 * UM, 1000 * UM, 1000 * UM)], 0.0, [], None)


def framing(
    overhead_s: float = 5.0, presets: tuple[tuple[int, int], ...] = (), ground: Ground = WIDE
) -> Framing:
    """Frames of up to 40 x 30 um; 1 um2 takes .1 s."""
    given = replace(
        settings(), pixel_size_m=PIXEL_M, dwell_s=1e-3, overhead_s=overhead_s, max_frame_px=(400, 300),
        presets_px=presets,
    )  # fmt: skip
    return Framing(ground, given)


def um(*sides: float) -> RectM:
    x0, y0, x1, y1 = (side * UM for side in sides)
    return x0, y0, x1, y1


def piece(rect: RectM, name: str, by: Framing) -> Required:
    scan = by.frame(rect)
    assert scan is not None
    return Required(rect, scan, frozenset({name}))


def pieces(seed: int, count: int, by: Framing, room_um: float = 60) -> list[Required]:
    random = Random(seed)
    found = []
    for n in range(count):
        x, y = random.randint(0, int(room_um)), random.randint(0, int(room_um))
        found.append(piece(um(x, y, x + random.randint(3, 14), y + random.randint(3, 14)), f"c{n}", by))
    return sorted(found, key=lambda one: one.rect_m)


def test_rectangles_inside_others_are_found_with_one_that_holds_them() -> None:
    inside = 0
    for seed in range(60):
        random = Random(seed)
        rects = []
        for _ in range(12):
            x, y = random.randint(0, 9), random.randint(0, 9)
            rects.append(
                (float(x), float(y), float(x + random.randint(1, 9)), float(y + random.randint(1, 9)))
            )
        kept, hosts = outermost(rects)
        expected = [
            n
            for n, rect in enumerate(rects)
            if not any(holds(o, rect) and (o != rect or m < n) for m, o in enumerate(rects) if m != n)
        ]
        assert kept == expected
        assert set(hosts) == set(range(12)) - set(kept)
        assert all(host in kept and holds(rects[host], rects[n]) for n, host in hosts.items())
        inside += len(hosts)
    assert inside > 60
    assert outermost([]) == ([], {})


@pytest.mark.parametrize("side", range(4))
def test_a_rectangle_that_sticks_out_by_less_than_the_tolerance_is_inside(side: int) -> None:
    host = um(0, 0, 10, 10)
    for far_m, kept in ((5e-14, [0]), (2e-13, [0, 1])):
        longer = list(um(2, 2, 8, 8))
        longer[side] = host[side] + (-far_m if side < 2 else far_m)
        assert outermost([host, tuple(longer)])[0] == kept  # type: ignore[list-item]


def test_what_lies_inside_another_gives_it_its_boxes() -> None:
    by = framing()
    large, small, apart = (
        piece(um(*r), n, by) for r, n in (((0, 0, 9, 9), "a"), ((1, 1, 3, 3), "b"), ((20, 0, 25, 5), "c"))
    )
    assert absorb_contained([small, large, apart]) == (replace(large, boxes=frozenset("ab")), apart)
    scans = [Scan(g.rect_m, (1, 1), g.boxes) for g in (small, large, apart)]
    assert drop_contained(scans) == (replace(scans[1], boxes=frozenset("ab")), scans[2])
    twice = [small, large, apart, replace(large, boxes=frozenset("d"))]
    assert [g.boxes for g in absorb_contained(twice)] == [frozenset("abd"), frozenset("c")]


@pytest.mark.parametrize(
    ("other", "joined"),
    [
        ((5, 0, 15, 10), True),  # half of both
        ((5.1, 0, 15.1, 10), False),
        ((0, 5, 10, 15), True),
        ((0, 5.1, 10, 15.1), False),
        ((6, 2, 14, 8), True),  # half of the smaller
        ((6.5, 2, 14.5, 8), False),
        ((10, 0, 20, 10), False),  # an edge
        ((40, 0, 45, 5), False),
    ],
)
def test_a_cell_found_twice_is_one_if_half_of_the_smaller_is_shared(
    other: tuple[float, float, float, float], joined: bool
) -> None:
    by = framing()
    found = join_same_cell([piece(um(0, 0, 10, 10), "a", by), piece(um(*other), "b", by)], by)
    assert len(found) == (1 if joined else 2)
    if joined:
        assert found[0].boxes == frozenset("ab")
        assert found[0].rect_m == hull(um(0, 0, 10, 10), um(*other))
        assert holds(found[0].scan.rect_m, found[0].rect_m)


def test_a_cell_found_twice_stays_two_where_one_frame_cannot_or_takes_longer() -> None:
    a, b = (0, 0, 30, 10), (14, 0, 44, 10)
    by = framing()
    assert len(join_same_cell([piece(um(*r), n, by) for r, n in ((a, "a"), (b, "b"))], by)) == 2
    for overhead_s in (5.0, 9.9, 10.1, 31.0):
        by = framing(overhead_s)
        # A third of each is shared: not one cell, whatever two frames cost.
        cross = [((0, 10, 30, 20), "a"), ((10, 0, 20, 30), "b")]
        assert len(join_same_cell([piece(um(*r), n, by) for r, n in cross], by)) == 2
        # 900 um2 instead of twice 600: always cheaper.
        wide = [((0, 5, 30, 25), "a"), ((5, 0, 25, 30), "b")]
        assert len(join_same_cell([piece(um(*r), n, by) for r, n in wide], by)) == 1
        # 600 um2 in 60 s instead of 200 and 300 in 50 s and another overhead.
        half = [((0, 0, 20, 10), "a"), ((10, 0, 20, 30), "b")]
        found = join_same_cell([piece(um(*r), n, by) for r, n in half], by)
        assert len(found) == (1 if overhead_s > 10 else 2)


def test_a_join_needs_room_on_allowed_ground() -> None:
    notched = Ground([um(0, 0, 60, 11), um(0, 0, 11, 60)], 0.0, [], None)
    two = [((1, 1, 10, 17), "a"), ((1, 1, 17, 10), "b")]
    assert len(join_same_cell([piece(um(*r), n, framing()) for r, n in two], framing(40))) == 1
    by = framing(40, ground=notched)
    assert len(join_same_cell([piece(um(*r), n, by) for r, n in two], by)) == 2


def test_the_largest_share_is_joined_first_and_again_with_the_joined() -> None:
    by = framing(40)
    chain = [((0, 0, 10, 10), "a"), ((4, 0, 14, 10), "b"), ((9, 0, 19, 10), "c")]
    # b shares .6 with a; c shares half of itself with the hull of both.
    (one,) = join_same_cell([piece(um(*r), n, by) for r, n in chain], by)
    assert one.boxes == frozenset("abc")
    assert one.rect_m == um(0, 0, 19, 10)
    (alone,) = per_box([piece(um(*r), n, by) for r, n in [*chain, ((1, 1, 3, 3), "d")]], by)
    assert alone.boxes == frozenset("abcd")


def shown(groups: Sequence[Required], start: Sequence[Required]) -> bool:
    """True if each of some lies in a group that names its boxes."""
    return all(any(holds(g.rect_m, s.rect_m) and s.boxes <= g.boxes for g in groups) for s in start)


@pytest.mark.parametrize("presets", [(), ((150, 150), (400, 300))])
def test_after_the_mergers_no_two_frames_would_be_cheaper_as_one(
    presets: tuple[tuple[int, int], ...],
) -> None:
    merged = 0
    for seed in range(30):
        by = framing(presets=presets)
        start = pieces(seed, 14, by)
        found = greedy(start, start, by)
        assert shown(found, start)
        merged += len(start) - len(found)
        assert cover_cost_s(found, by) <= cover_cost_s(start, by) + 1e-9
        assert cover_cost_s(found, by) == pytest.approx(sum(by.cost_s(g.scan) for g in found))
        for a, b in itertools.combinations(found, 2):
            both_s = by.least_cost_s(hull(a.rect_m, b.rect_m))
            assert both_s > by.cost_s(a.scan) + by.cost_s(b.scan) - 2 * LEAST_SAVING_S
    assert merged > 90


def test_the_largest_saving_is_taken_first() -> None:
    """a and b save more than b and c; then c is left alone."""
    by = framing(5.0)
    rects = {"a": (0, 0, 10, 10), "b": (10.5, 0, 20, 10), "c": (21, 0, 40, 10)}
    start = [piece(um(*r), n, by) for n, r in rects.items()]
    # All three in one frame of 40 x 10 um: 40 + 5 s, instead of 10 + 9.5 + 19 + 15.
    assert [g.boxes for g in greedy(start, start, by)] == [frozenset("abc")]
    far = [*start[:2], piece(um(22, 0, 42, 10), "c", by)]
    assert sorted(sorted(g.boxes) for g in greedy(far, far, by)) == [["a", "b"], ["c"]]


def test_the_cheaper_of_two_starts_is_taken() -> None:
    by = framing(5.0)
    single = [piece(um(*r), n, by) for r, n in (((0, 0, 10, 10), "a"), ((30, 0, 40, 10), "b"))]
    # A start that holds both in one frame is dearer than the pieces by themselves.
    joined = [replace(piece(um(0, 0, 40, 10), "a", by), boxes=frozenset("ab"))]
    assert {g.boxes for g in greedy(single, joined, by)} == {frozenset("a"), frozenset("b")}
    # As cheap or dearer pieces are left.
    assert greedy([piece(um(0, 0, 40, 30), "a", by)], single, by) == tuple(single)


def test_no_merger_without_room_on_allowed_ground() -> None:
    notched = Ground([um(0, 0, 60, 11), um(0, 0, 11, 60)], 0.0, [], None)
    arms = [((1, 1, 10, 10), "a"), ((11, 1, 20, 10), "b"), ((1, 11, 10, 20), "c")]
    by = framing(40, ground=notched)
    start = [piece(um(*r), n, by) for r, n in arms]
    assert sorted(len(g.boxes) for g in greedy(start, start, by)) == [1, 2]


@pytest.mark.parametrize("presets", [(), ((150, 150), (400, 100))])
def test_neighbours_are_all_that_one_frame_could_hold_with_a_group(
    presets: tuple[tuple[int, int], ...],
) -> None:
    by = framing(presets=presets)
    some = pieces(3, 25, by, 90)
    found = neighbours(some, by)
    count = 0
    for n, one in enumerate(some):
        expected = {m for m, o in enumerate(some) if m != n and by.fits(hull(one.rect_m, o.rect_m))}
        assert set(found[n]) == expected
        assert len(found[n]) == len(expected)
        count += len(expected)
    assert 0 < count < 25 * 24
    assert neighbours(some[:1], by) == [[]]
    assert neighbours([], by) == []


def test_too_many_pieces_close_to_each_other_are_not_looked_at_in_pairs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    by = framing(5.0)
    single = [piece(um(*r), n, by) for r, n in (((0, 0, 10, 10), "a"), ((30, 0, 40, 10), "b"))]
    joined = [replace(piece(um(0, 0, 40, 10), "a", by), boxes=frozenset("ab"))]
    # Each is near itself and the other: four pairs.
    for most, crowd in ((4, False), (3, True)):
        monkeypatch.setattr(merging, "MOST_PAIRS", most)
        assert crowded(single, by) is crowd
        assert len(greedy(single, joined, by)) == (1 if crowd else 2)
    monkeypatch.setattr(merging, "MOST_PAIRS", 0)
    assert not crowded(single[:1], by)
    assert crowded(single, by)
    far = [*single[:1], piece(um(400, 0, 410, 10), "b", by)]
    monkeypatch.setattr(merging, "MOST_PAIRS", 2)
    assert not crowded(far, by)


def names(found: Sequence[Required]) -> list[list[str]]:
    return sorted(sorted(group.boxes) for group in found)


def test_only_rectangles_that_share_ground_are_of_one_cell() -> None:
    """Apart along both axes, by gaps of 9 of 16 um2; and beside two others, one of them hardly touched."""
    by = framing(40)
    apart = [((0, 0, 4, 4), "a"), ((7, 7, 11, 11), "b")]
    assert names(join_same_cell([piece(um(*r), n, by) for r, n in apart], by)) == [["a"], ["b"]]
    three = [((0, 0, 10, 10), "a"), ((8, 8, 18, 18), "b"), ((16, 0, 26, 10), "c")]
    assert names(join_same_cell([piece(um(*r), n, by) for r, n in three], by)) == [["a"], ["b"], ["c"]]


def test_of_two_cells_the_one_that_shares_more_is_the_same() -> None:
    """A frame is 40 um wide: not all three."""
    by = framing()
    three = [((-9, 0, 20, 10), "b"), ((12, 0, 32, 10), "a"), ((10, 0, 30, 10), "c")]
    assert names(join_same_cell([piece(um(*r), n, by) for r, n in three], by)) == [["a", "c"], ["b"]]
