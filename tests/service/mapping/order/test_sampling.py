"""Chances of neighbours, against all orders counted one by one."""

from itertools import pairwise, permutations, product

import numpy as np
import pytest
from numpy.typing import NDArray

from service.mapping.order.sampling import Block, likelihood, sample_orders


def _gains(count: int, seed: int) -> NDArray[np.float64]:
    """Return gains of neighbours and of sections two apart, symmetric."""
    values = np.random.default_rng(seed).normal(0, 1.5, (2, count, count))
    return np.asarray((values + values.transpose(0, 2, 1)) / 2)


def _counted(gains: NDArray[np.float64], orders: list[tuple[int, ...]]) -> NDArray[np.float64]:
    """Return the chance of each pair to be neighbours, from all orders."""
    weights = np.exp(likelihood(gains, np.array(orders)))
    count = gains.shape[1]
    found = np.zeros((count, count))
    for weight, order in zip(weights / weights.sum(), orders, strict=True):
        for a, b in pairwise(order):
            found[a, b] += weight
            found[b, a] += weight
    return found


def test_single_sections_are_neighbours_as_often_as_all_orders_say() -> None:
    gains = _gains(5, 1)
    exact = _counted(gains, list(permutations(range(5))))
    found = sample_orders(gains, [Block((n,)) for n in range(5)], range(5))
    assert np.abs(found.chance - exact).max() < 0.08
    assert sorted(found.sections) == list(range(5))


def test_ribbons_stay_together_and_only_those_that_may_are_turned() -> None:
    gains = _gains(6, 2)
    blocks = [Block((0, 1), turnable=True), Block((2, 3)), Block((4,)), Block((5,))]
    ways: list[list[tuple[int, ...]]] = [[(0, 1), (1, 0)], [(2, 3)], [(4,)], [(5,)]]
    orders = [
        tuple(n for part in order for n in part)
        for chosen in product(*ways)
        for order in permutations(chosen)
    ]
    found = sample_orders(gains, blocks, range(4))
    assert np.abs(found.chance - _counted(gains, orders)).max() < 0.08
    assert found.chance[0, 1] == found.chance[2, 3] == pytest.approx(1)
    assert found.turned[1:].tolist() == [0, 0, 0]
    assert 0 < found.turned[0] < 1
    assert dict(found.best).keys() == {0, 1, 2, 3}


def test_sections_on_a_line_are_found_from_any_order() -> None:
    places = np.random.default_rng(3).permutation(14)
    apart = np.abs(np.subtract.outer(places, places))
    gains = np.array([np.where(apart == step, 2.0, -2.0) for step in (1, 2, 3)])
    found = sample_orders(gains, [Block((n,)) for n in range(14)], range(14))
    assert set(np.diff(places[list(found.sections)]).tolist()) in ({1}, {-1})
    assert all(found.chance[a, b] > 0.9 for a, b in pairwise(found.sections))
