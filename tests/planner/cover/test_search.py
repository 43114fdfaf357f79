"""Duals of covering programmes, and the bound that follows from them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

from planner.cover.framing import Framing
from planner.cover.search.central_path import central_duals
from planner.cover.search.pricing import Candidates
from planner.geometry.allowed_ground import Ground
from planner.geometry.rects import RectM
from tests.planner.strategies import settings

UM = 1e-6


@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.integers(1, 40))
def test_central_duals_lowered_to_the_costs_are_near_the_optimum(seed: int, rows: int, columns: int) -> None:
    rng = np.random.default_rng(seed)
    matrix = (rng.random((rows, columns)) < 0.2).astype(np.float64)
    matrix[matrix.sum(axis=1) == 0, 0] = 1
    costs = rng.uniform(5, 100, columns)
    duals = central_duals(matrix, costs)
    assert (duals > 0).all()
    bound = duals.sum() / max(1.0, float((matrix.T @ duals / costs).max()))
    optimum = float(linprog(costs, A_ub=-matrix, b_ub=-np.ones(rows)).fun or 0)
    assert 0.75 * optimum < bound <= optimum * (1 + 1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_no_frame_collects_more_than_it_costs_from_lowered_duals(seed: int) -> None:
    rng = np.random.default_rng(seed)
    corners = rng.uniform(0, 40 * UM, (8, 2))
    required: list[RectM] = [
        (float(x), float(y), float(x + w), float(y + h))
        for (x, y), (w, h) in zip(corners, rng.uniform(8 * UM, 20 * UM, (8, 2)), strict=True)
    ]
    ground = Ground([(-50 * UM, -50 * UM, 110 * UM, 110 * UM)], 0.0, [], None)
    candidates = Candidates(required, [], [], Framing(ground, settings("exact")), (0.0, 0.0), 0.0)
    duals = rng.uniform(0, 5, candidates.rows)
    rates = candidates.rates(candidates.values(duals))
    assert rates.max() > 1
    lowered = candidates.lowered(duals, rates)
    assert (lowered <= duals).all()
    assert candidates.rates(candidates.values(lowered)).max() <= 1 + 1e-5
