"""Ground where frames are allowed, compared with squares of a micrometre that are looked at one by one."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

import numpy as np
import pytest
from numpy.typing import NDArray
from shapely import Polygon, box, union_all

from planner.geometry.allowed_ground import Ground
from planner.geometry.rects import RectM, grown
from tests.planner.strategies import UM

PM = 1e-12
SIDE = 26
Squares = tuple[int, int, int, int]


def um(rect: tuple[float, ...]) -> RectM:
    x0, y0, x1, y1 = (value * UM for value in rect)
    return x0, y0, x1, y1


def squares(rect: RectM) -> Squares:
    """Return a rectangle in whole micrometres; it is one but for picometres."""
    x0, y0, x1, y1 = (round(value / UM) for value in rect)
    assert rect == pytest.approx(um((x0, y0, x1, y1)), abs=3 * PM)
    return x0, y0, x1, y1


@dataclass
class Scene:
    """Random ground: fields, fluorescence to be taken on them, the reach of the beam; in whole micrometres.

    Every second one has an outline with upright sides.
    """

    ground: Ground
    reach: int
    free: NDArray[np.bool_]
    unsaved: NDArray[np.bool_]
    within: NDArray[np.bool_]
    random: Random

    def allows(self, rect: Squares) -> bool:
        x0, y0, x1, y1 = rect
        r = self.reach
        if min(x0, y0) < r or max(x1, y1) > SIDE - r:
            return False
        return bool(self.free[y0 - r : y1 + r, x0 - r : x1 + r].all() and self.within[y0:y1, x0:x1].all())

    def rect(self, least: int, most: int) -> Squares:
        width, height = self.random.randint(least, most), self.random.randint(least, most)
        x, y = self.random.randint(0, SIDE - width), self.random.randint(0, SIDE - height)
        return x, y, x + width, y + height


def scenes(count: int, short_of_m: float = 0.4 * PM) -> Iterator[Scene]:
    """Make ground whose reach is slightly less than whole micrometres, so that what touches it is allowed."""
    for seed in range(count):
        random = Random(seed)
        free, unsaved, within = (np.zeros((SIDE, SIDE), bool) for _ in range(3))
        scene = Scene(Ground([], 0.0), random.randint(1, 2), free, unsaved, within, random)
        fields = [scene.rect(8, 20) for _ in range(random.randint(1, 4))]
        pending = [scene.rect(1, 6) for _ in range(random.randint(0, 2))]
        sides = [scene.rect(8, 22) for _ in range(2)] if seed % 2 else []
        for x0, y0, x1, y1 in fields:
            free[y0:y1, x0:x1] = True
        for x0, y0, x1, y1 in pending:
            free[y0:y1, x0:x1] = False
            unsaved[y0:y1, x0:x1] = True
        for x0, y0, x1, y1 in sides or [(0, 0, SIDE, SIDE)]:
            within[y0:y1, x0:x1] = True
        outline = union_all([box(*um(side)) for side in sides]) if sides else None
        reach_m = scene.reach * UM - short_of_m
        scene.ground = Ground(list(map(um, fields)), reach_m, list(map(um, pending)), outline)
        yield scene


def test_a_frame_is_allowed_if_all_that_the_beam_reaches_is_saved() -> None:
    seen = {True: 0, False: 0}
    for scene in scenes(60):
        for rect in (scene.rect(1, 9) for _ in range(20)):
            allowed = scene.ground.allows(um(rect))
            assert allowed is scene.allows(rect)
            seen[allowed] += 1
            x0, y0, x1, y1 = rect
            assert scene.ground.inside_outline(um(rect)) is bool(scene.within[y0:y1, x0:x1].all())
            r = scene.reach
            reached = (slice(max(y0 - r, 0), y1 + r), slice(max(x0 - r, 0), x1 + r))
            assert scene.ground.touches_unsaved(um(rect)) is bool(scene.unsaved[reached].any())
    assert min(seen.values()) > 100


def test_a_frame_that_reaches_a_picometre_too_far_is_not_allowed() -> None:
    for edge in range(4):
        # A field, and two that only together hold what is reached.
        for fields in ([(0, 0, 20, 20)], [(0, 0, 20, 12), (0, 8, 20, 20)], [(0, 0, 12, 20), (8, 0, 20, 20)]):
            ground = Ground(list(map(um, fields)), 2 * UM)
            rect = list(um((5, 5, 15, 15)))
            for beyond_m, allowed in ((-PM, True), (PM, False)):
                rect[edge] = (2 * UM - beyond_m) if edge < 2 else (18 * UM + beyond_m)
                assert ground.allows((rect[0], rect[1], rect[2], rect[3])) is allowed


def test_ground_inside_a_rectangle_is_all_that_is_allowed_and_nothing_else() -> None:
    for scene in scenes(40):
        # With an outline, what adds less than 2 % is left out: less than a square of these.
        rect = scene.rect(4, SIDE if scene.within.all() else 7)
        shown = np.zeros_like(scene.free)
        for part in scene.ground.allowed_within(um(rect), 0.0):
            assert scene.ground.allows(part)
            x0, y0, x1, y1 = squares(part)
            shown[y0:y1, x0:x1] = True
        xs, ys, blocked = scene.ground.blocked_within(um(rect))
        for y in range(rect[1], rect[3]):
            for x in range(rect[0], rect[2]):
                allowed = scene.allows((x, y, x + 1, y + 1))
                assert shown[y, x] == allowed
                middle_x, middle_y = (x + 0.5) * UM, (y + 0.5) * UM
                row, column = np.searchsorted(ys, middle_y) - 1, np.searchsorted(xs, middle_x) - 1
                assert blocked[row, column] == (not allowed)
        assert (xs[0], ys[0], xs[-1], ys[-1]) == pytest.approx(um(rect), abs=PM / 10)


def test_parts_of_a_corner_overlap_as_far_as_there_is_room() -> None:
    ground = Ground([um((0, 0, 20, 10)), um((0, 0, 10, 20))], 0.0)
    parts = ground.allowed_within(um((0, 0, 20, 20)), 3 * UM)
    assert sorted(map(squares, parts)) == [(0, 0, 20, 10), (0, 7, 10, 20)]


def test_a_frame_is_placed_over_a_rectangle_as_near_to_its_centre_as_ground_allows() -> None:
    found = {True: 0, False: 0}
    for scene in scenes(60):
        rect = scene.rect(1, 5)
        width, height = (rect[2 + axis] - rect[axis] + 2 * scene.random.randint(0, 4) for axis in (0, 1))
        middle = ((rect[0] + rect[2] - width) // 2, (rect[1] + rect[3] - height) // 2)
        places = [
            (x, y)
            for x in range(rect[2] - width, rect[0] + 1)
            for y in range(rect[3] - height, rect[1] + 1)
            if scene.allows((x, y, x + width, y + height))
        ]
        placed = scene.ground.place(um(rect), width * UM, height * UM)
        found[placed is not None] += 1
        assert (placed is not None) is bool(places)
        if placed is not None:
            x0, y0, x1, y1 = squares(placed)
            assert (x1 - x0, y1 - y0) == (width, height)
            assert math.dist((x0, y0), middle) == min(math.dist(place, middle) for place in places)
    assert min(found.values()) > 8


def test_a_frame_that_cannot_show_all_shows_the_most_and_of_such_places_the_nearest() -> None:
    found = {True: 0, False: 0}
    for scene in scenes(60):
        rect = scene.rect(1, 9)
        width, height = scene.random.randint(2, 8), scene.random.randint(2, 8)
        middle = ((rect[0] + rect[2] - width) / 2, (rect[1] + rect[3] - height) / 2)

        def worth(x: int, y: int) -> tuple[int, float]:
            sides = (
                min(low + length, high) - max(low, least)
                for low, length, least, high in (
                    (x, width, rect[0], rect[2]),  # noqa: B023 - called in this round only
                    (y, height, rect[1], rect[3]),  # noqa: B023
                )
            )
            return math.prod(max(0, side) for side in sides), -math.dist((x, y), middle)  # noqa: B023

        best = max(
            (
                worth(x, y)
                for x in range(SIDE - width + 1)
                for y in range(SIDE - height + 1)
                if scene.allows((x, y, x + width, y + height))
            ),
            default=(0, 0.0),
        )
        placed = scene.ground.place_over_most(um(rect), width * UM, height * UM)
        found[placed is not None] += 1
        assert (placed is not None) is (best[0] > 0)
        if placed is not None:
            assert scene.ground.allows(placed)
            x0, y0, x1, y1 = (value / UM for value in placed)
            assert (x1 - x0, y1 - y0) == pytest.approx((width, height))
            shown = math.prod(
                min(high, rect[2 + axis]) - max(low, rect[axis])
                for axis, (low, high) in enumerate(((x0, x1), (y0, y1)))
            )
            assert shown == pytest.approx(best[0], abs=1e-5)
            assert math.dist((x0, y0), middle) <= -best[1] + 1e-5
    assert min(found.values()) > 8


def test_fields_limit_a_frame_even_where_nothing_is_to_be_taken() -> None:
    ground = Ground([um((0, 0, 20, 20))], 2 * UM - PM, [um((10, 0, 20, 20))])
    assert ground.inside_fields(um((2, 2, 18, 18)))
    assert not ground.inside_fields(um((1, 2, 18, 18)))
    assert not ground.allows(um((2, 2, 18, 18)))
    assert ground.allows(um((2, 2, 8, 18)))
    assert not ground.allows(um((2, 2, 9, 18)))


def test_ground_is_saved_where_a_field_is_and_not_where_it_only_ends() -> None:
    ground = Ground([um((0, 0, 10, 10))], 0.0)
    assert ground.saved(um((9, 9, 12, 12)))
    for outside in ((10, 0, 12, 10), (0, 10, 10, 12), (-2, 0, 0, 10), (0, -2, 10, 0)):
        assert not ground.saved(um(outside))


DIAGONAL = Polygon([(0, 0), (20 * UM, 0), (0, 20 * UM)])


def inside(rect: RectM) -> bool:
    """Return True if a rectangle lies below the diagonal, within what a frame may lie on its line."""
    return rect[2] + rect[3] <= 20 * UM + 3 * PM


def test_a_slanting_outline_limits_frames_where_it_runs() -> None:
    ground = Ground([um((0, 0, 30, 30))], 0.0, (), DIAGONAL)
    shrunk = (PM, PM)
    assert ground.allows((*shrunk, 10 * UM, 10 * UM))
    assert ground.inside_outline((*shrunk, 10 * UM, 10 * UM))
    assert not ground.allows((*shrunk, 10 * UM, 10 * UM + 2 * PM))
    assert not ground.inside_outline((*shrunk, 10 * UM, 10 * UM + 2 * PM))
    assert Ground([um((0, 0, 30, 30))], 0.0).inside_outline(um((-5, -5, 40, 40)))
    assert ground.place(um((8, 8, 13, 13)), 6 * UM, 6 * UM) is None


def test_of_a_cell_on_a_slanting_outline_the_frame_shows_nearly_all_that_lies_inside() -> None:
    ground = Ground([um((0, 0, 30, 30))], 0.0, (), DIAGONAL)
    placed = ground.place_over_most(um((7, 7, 13, 13)), 6 * UM, 6 * UM)
    assert placed is not None
    assert inside(placed)
    # A square below the diagonal shows at most 3 x 3 um of this cell, and steps cost some.
    shown = math.prod(min(placed[2 + axis], 13 * UM) - 7 * UM for axis in (0, 1)) / UM**2
    assert 8 < shown <= 9.001
    parts = ground.allowed_within(um((4, 4, 16, 16)), 0.0, um((7, 7, 13, 13)))
    assert parts
    assert all(map(inside, parts))
    assert all(part[0] < 13 * UM and part[1] < 13 * UM for part in parts)
    # Half of the cell's ground inside the outline by the first, nothing of less than 5 % of the rectangle.
    assert all(math.prod((p[2] - p[0], p[3] - p[1])) >= 0.05 * (12 * UM) ** 2 for p in parts[:1])


def test_blocked_squares_are_those_beyond_the_outline() -> None:
    ground = Ground([um((0, 0, 30, 14))], 0.0, (), DIAGONAL)
    xs, ys, blocked = ground.blocked_within(um((2, 2, 20, 18)))
    middle_x, middle_y = np.meshgrid((xs[1:] + xs[:-1]) / 2, (ys[1:] + ys[:-1]) / 2)
    beyond_m = middle_x + middle_y - 20 * UM
    clear = np.abs(beyond_m) > PM
    assert (blocked == ((beyond_m > 0) | (middle_y > 14 * UM - PM)))[clear].all()
    assert np.diff(xs).max() <= 18 * UM / 64 + PM


def test_narrowed_ground_keeps_its_fields_its_outline_and_what_is_to_be_taken() -> None:
    ground = Ground([um((0, 0, 30, 30))], 2 * UM - PM, [um((0, 0, 3, 3))], Polygon(DIAGONAL))
    narrowed = ground.narrowed(1 * UM)
    assert narrowed.allows(um((6, 3, 8, 5)))
    assert not narrowed.allows(um((5, 2, 8, 5)))
    assert not narrowed.allows(um((2, 3, 8, 5)))
    assert ground.allows(um((6, 6, 9, 10)))
    assert not narrowed.allows(um((6, 6, 9, 10)))
    # The corner at the diagonal, grown, lies on it.
    corner = (9 - 1 * (math.sqrt(2) - 1)) * UM - PM
    assert narrowed.allows((6 * UM, 6 * UM, corner, corner))
    assert ground.allows(grown((6 * UM, 6 * UM, corner, corner), 1 * UM))


def ground_within(*sides: Squares) -> Ground:
    """Return ground that an outline of upright sides alone limits."""
    return Ground([um((-9, -9, 40, 40))], 0.0, (), union_all([box(*um(side)) for side in sides]))


def test_frames_at_an_outline_show_a_cell_inside_it_before_larger_surroundings() -> None:
    # Ten times the ground of the bar with the cell: it would come first by twice the weight of surroundings.
    ground = ground_within((0, 0, 16, 10), (0, 9, 20, 10))
    whole = um((0, 0, 20, 10))
    first, *more = map(squares, ground.allowed_within(whole, 2 * UM, um((17, 9, 19, 10))))
    assert first == (0, 9, 20, 10)
    assert more == [(0, 0, 16, 10)]
    assert squares(ground.allowed_within(whole, 2 * UM)[0]) == (0, 0, 16, 10)


@pytest.mark.parametrize(("more", "shown"), [((16, 7, 17, 8), False), ((16, 5, 17, 8), True)])
def test_of_a_cell_that_the_outline_cuts_only_parts_that_show_enough_of_it_are_imaged(
    more: Squares, shown: bool
) -> None:
    # A large part beside the cell, one with a third of it, and one with a 48th or a 16th.
    ground = ground_within((0, 0, 8, 10), (8, 4, 16, 8), more)
    parts = [squares(part) for part in ground.allowed_within(um((0, 0, 20, 10)), 0.0, um((12, 2, 20, 8)))]
    assert parts[0] == (0, 4, 16, 8)
    assert len(parts) == 1 + shown
    if shown:
        assert parts[1][2:] == (17, 8)
        assert parts[1][1] == 5


def test_slivers_at_an_outline_are_left_out() -> None:
    for width, parts in ((1, 1), (3, 2)):
        # 1 or 3 % of the rectangle.
        ground = ground_within((0, 0, 10, 9), (0, 9, width, 10))
        assert len(ground.allowed_within(um((0, 0, 10, 10)), 0.0)) == parts


def test_a_frame_over_pieces_lies_where_it_shows_most_of_all_of_them() -> None:
    """Along each axis it lies at the centre or at an edge of the ground."""
    ground = Ground([um((0, 0, 10, 4))], -PM)
    aim = um((0, 0, 10, 4))

    def low_um(*pieces: tuple[float, float, float, float]) -> float | None:
        placed = ground.place_over_most(aim, 2 * UM, 3.9 * UM, [um(piece) for piece in pieces])
        return None if placed is None else round(placed[0] / UM, 3)

    assert low_um() == low_um((0, 0, 10, 4)) == 4
    assert low_um((0, 0, 1, 4), (8, 0, 10, 4)) == 8
    assert low_um((0, 0, 2, 4), (9, 0, 10, 4)) == 0
    # Most of all of them together.
    assert low_um((0, 0, 2, 1), (8, 0, 10, 0.7), (8, 3, 10, 3.7)) == 8
    assert low_um((0, 0, 2, 1), (8, 0, 10, 0.4), (8, 3, 10, 3.4)) == 0
    assert low_um((20, 0, 21, 4)) is None
