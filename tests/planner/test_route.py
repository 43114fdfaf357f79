import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.route import route, route_length

coordinates = st.floats(-1e-3, 1e-3).map(lambda v: round(v, 7))
some_points = st.lists(st.tuples(coordinates, coordinates), max_size=60)
starts = st.none() | st.tuples(coordinates, coordinates)


@settings(deadline=None)
@given(some_points, starts)
def test_a_route_visits_every_point_once(
    points: list[tuple[float, float]], start: tuple[float, float] | None
) -> None:
    order = route(points, start)
    assert sorted(order) == list(range(len(points)))
    if points and start is None:
        assert points[order[0]] == min(points)


@pytest.mark.parametrize("start", [None, (0.0, 0.0)])
def test_short_routes_are_near_the_best_of_all_orders(start: tuple[float, float] | None) -> None:
    rng = np.random.default_rng(11)
    ratios = []
    for _ in range(60):
        points = [(float(x), float(y)) for x, y in rng.random((6, 2)) * 1e-3]

        def length(order: tuple[int, ...], points: list[tuple[float, float]] = points) -> float:
            return route_length([points[n] for n in order], start)

        orders = list(itertools.permutations(range(6)))
        if start is None:
            orders = [o for o in orders if points[o[0]] == min(points)]
        ratios.append(length(route(points, start)) / min(map(length, orders)))
    assert min(ratios) > 1 - 1e-9
    assert sum(ratios) / len(ratios) < 1.02
    assert sum(ratio < 1 + 1e-9 for ratio in ratios) > 45


def test_random_points_are_routed_within_the_known_length() -> None:
    """The best tour of N points in a square of area A has 0.7124 sqrt(N A) (Johnson and McGeoch, 1997)."""
    points = [(float(x), float(y)) for x, y in np.random.default_rng(7).random((1500, 2)) * 1e-3]
    order = route(points, (0.0, 0.0))
    assert sorted(order) == list(range(1500))
    best = 0.7124 * math.sqrt(1500) * 1e-3
    # 2-opt alone and Or-opt alone both stop above 1.11.
    assert route_length([points[n] for n in order], (0.0, 0.0)) < 1.09 * best


def test_clusters_far_apart_are_left_once_each() -> None:
    rng = np.random.default_rng(3)
    centers = [(0.0, 0.0), (1e-2, 0.0), (0.0, 1e-2), (1e-2, 1e-2)]
    points = [(cx + float(x), cy + float(y)) for cx, cy in centers for x, y in rng.random((60, 2)) * 1e-4]
    order = route(points)
    jumps = sum(a // 60 != b // 60 for a, b in itertools.pairwise(order))
    assert jumps == 3


def test_many_frames_on_one_spot_are_no_trouble() -> None:
    assert sorted(route([(1e-3, 1e-3)] * 100, (0.0, 0.0))) == list(range(100))
