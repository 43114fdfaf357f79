"""Scans of whole pixels that fill a rectangle, whatever its size."""

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from random import Random

import pytest

from planner.cover.tiles import pixels, rounded_out, tile_counts, tiles
from planner.geometry.allowed_ground import Ground
from planner.geometry.rects import TOLERANCE_M, RectM, grown
from tests.planner.strategies import UM, settings

PIXEL_M = 0.1 * UM
MOST_PX = (100, 60)
CHOSEN = replace(settings(), pixel_size_m=PIXEL_M, max_frame_px=MOST_PX)
PM = 1e-12


def um(*sides: float) -> RectM:
    x0, y0, x1, y1 = (side * UM for side in sides)
    return x0, y0, x1, y1


def cases(count: int) -> Iterator[tuple[RectM, tuple[float, float]]]:
    """Make rectangles of 1 to 45 um at any place, and the overlap of their tiles."""
    for seed in range(count):
        random = Random(seed)
        x, y = random.uniform(-100, 100) * UM, random.uniform(-100, 100) * UM
        sides = [
            random.choice([random.uniform(1, 45), *(n * MOST_PX[axis] / 10 for n in (1, 2, 3))])
            for axis in (0, 1)
        ]
        # A side of up to a frame is one of whole pixels.
        width, height = (
            round(side * 10) / 10 if side <= most / 10 else side
            for side, most in zip(sides, MOST_PX, strict=True)
        )
        overlap_m = random.choice([0.0, 0.35, 3.0]) * UM, random.choice([0.0, 0.5, 2.0]) * UM
        yield (x, y, x + width * UM, y + height * UM), overlap_m


def test_tiles_fill_a_rectangle_with_their_overlap_in_the_fewest_frames() -> None:
    several = 0
    for rect, overlap_m in cases(150):
        scans = tiles(rect, overlap_m, MOST_PX, PIXEL_M)
        columns, rows = tile_counts(rect, overlap_m, CHOSEN)
        assert len(scans) == columns * rows
        several += len(scans) > 1
        for axis, count in ((0, columns), (1, rows)):
            side_m = rect[2 + axis] - rect[axis]
            most_m = MOST_PX[axis] * PIXEL_M
            # n frames and their overlaps are as long as the side, n - 1 are not.
            assert count * most_m - (count - 1) * overlap_m[axis] >= side_m - PM
            assert count == 1 or (count - 1) * most_m - (count - 2) * overlap_m[axis] < side_m - TOLERANCE_M
            spans = sorted({(scan.rect_m[axis], scan.rect_m[2 + axis]) for scan in scans})
            assert len(spans) == count
            assert spans[0][0] == rect[axis]
            assert spans[-1][1] == pytest.approx(rect[2 + axis], abs=PM)
            shared_m = [before[1] - after[0] for before, after in pairwise(spans)]
            assert all(shared >= overlap_m[axis] - PM for shared in shared_m)
            assert max(shared_m, default=0.0) - min(shared_m, default=0.0) < PM
            # Tiles are no larger than they must be: none would do with a pixel less.
            size_px = scans[0].size_px[axis]
            assert size_px <= MOST_PX[axis]
            assert count * (size_px - 1) * PIXEL_M - (count - 1) * overlap_m[axis] < side_m - TOLERANCE_M
        for scan in scans:
            assert scan.boxes == frozenset()
            assert scan.size_px == scans[0].size_px
            x0, y0, x1, y1 = scan.rect_m
            assert (x1 - x0, y1 - y0) == pytest.approx([side * PIXEL_M for side in scan.size_px], abs=PM)
    assert several > 50


def test_tiles_are_scanned_as_a_snake() -> None:
    scans = tiles((0.0, 0.0, 25 * UM, 15 * UM), (0.0, 0.0), MOST_PX, PIXEL_M)
    middles = [((s.rect_m[0] + s.rect_m[2]) / 2, (s.rect_m[1] + s.rect_m[3]) / 2) for s in scans]
    assert len(scans) == 9
    assert [y for _, y in middles] == sorted(y for _, y in middles)
    steps = [(after[0] - before[0], after[1] - before[1]) for before, after in pairwise(middles)]
    assert sum(math.hypot(*step) > 9 * UM for step in steps) == 0, "no step goes back over a row"
    assert [round(x / UM) for x, _ in middles[:6]] == [4, 12, 21, 21, 12, 4]


def test_a_length_needs_whole_pixels_and_rounding_needs_none() -> None:
    for length_m, count in (
        (10 * PIXEL_M, 10),
        (10 * PIXEL_M + 0.5 * TOLERANCE_M, 10),
        (10 * PIXEL_M + 2 * TOLERANCE_M, 11),
        (9.01 * PIXEL_M, 10),
        (0.0, 1),
        (PIXEL_M, 1),
        (1.5 * PIXEL_M, 2),
    ):
        assert pixels(length_m, PIXEL_M) == count


def test_a_rectangle_grows_to_whole_pixels_to_both_sides_or_where_there_is_room() -> None:
    rect = um(15, 5, 18.04, 7.03)
    wide = Ground([um(0, 0, 50, 50)], 0.0)
    assert rounded_out(rect, wide, CHOSEN) == pytest.approx(um(14.97, 4.965, 18.07, 7.065), abs=PM)
    # Ground that ends at the rectangle, left and above, or right and below.
    for ground, expected in (
        ((15, 0, 50, 7.03), (15, 4.93, 18.1, 7.03)),
        ((0, 5, 18.04, 50), (14.94, 5, 18.04, 7.1)),
    ):
        found = rounded_out(rect, Ground([grown(um(*ground), PM)], 0.0), CHOSEN)
        assert found == pytest.approx(um(*expected), abs=PM)
    none = Ground([grown(um(15, 0, 18.04, 50), PM)], 0.0)
    assert rounded_out(rect, none, CHOSEN) is None


def test_sides_longer_than_a_frame_stay_as_they_are() -> None:
    ground = Ground([um(0, 0, 50, 50)], 0.0)
    rect = um(5, 5, 15.03, 11.02)
    assert rounded_out(rect, ground, CHOSEN) == rect
    # Those that a frame just holds are rounded.
    assert rounded_out(um(5, 5, 14.96, 10.94), ground, CHOSEN) == pytest.approx(
        um(4.98, 4.97, 14.98, 10.97), abs=PM
    )
    # Of exactly a frame, it is one.
    assert tile_counts(um(0, 0, 10, 6), (1 * UM, 1 * UM), CHOSEN) == (1, 1)
    assert tile_counts(um(0, 0, 10.01, 6.01), (1 * UM, 1 * UM), CHOSEN) == (2, 2)
