"""The covering programme: rows joined and left out, duals near the optimum, shared by area."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import linprog

from planner.cover.search.central_path import central_duals
from planner.cover.search.pricing import Candidates, Column
from planner.cover.search.programme import Programme
from tests.planner.cover.search.test_prices import candidates, some_pairs


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


def pool_of(one: Candidates, required: int, seed: int) -> list[Column]:
    """Columns that serve all rows, and some frames."""
    found = [Column((), one.block(n, True), 20.0 + n) for n in range(required)]
    found += [column for pair in some_pairs(one, seed, 30) if (column := one.column(pair)) is not None]
    return found


def dense(one: Candidates, pool: Sequence[Column]) -> NDArray[np.float64]:
    """Rows that are open, by the columns that serve them."""
    table = np.zeros((one.rows, len(pool)))
    for n, column in enumerate(pool):
        table[column.rows, n] = 1
    return np.asarray(table[one.open])


@pytest.mark.parametrize("seed", range(4))
def test_rows_with_the_same_columns_are_one_and_rows_with_more_are_left_out(seed: int) -> None:
    required, one = candidates(seed, worth_s=4.0)
    x0, y0, x1, y1 = required[0]
    _, one = candidates(seed, worth_s=4.0, given=[(x0, y0, (x0 + x1) / 2, y1)])
    assert not one.open.all()
    pool = pool_of(one, len(required), seed)
    programme = Programme(one, pool)
    table = dense(one, pool)
    patterns = {tuple(row) for row in table.tolist()}
    assert {tuple(row) for row in programme.matrix.toarray().tolist()} == patterns
    assert programme.matrix.shape == (len(patterns), len(pool))
    assert programme.costs_s.tolist() == [column.cost_s for column in pool]
    least = {
        row
        for row in patterns
        if not any(
            other != row and all(b <= a for a, b in zip(row, other, strict=True)) for other in patterns
        )
    }
    needed = programme.needed_rows().toarray().tolist()
    assert {tuple(row) for row in needed} == least
    assert len(needed) == len(least) < len(patterns)


@pytest.mark.parametrize("seed", range(4))
def test_the_dual_of_joined_rows_is_shared_by_area(seed: int) -> None:
    required, one = candidates(seed)
    x0, y0, x1, y1 = required[0]
    _, one = candidates(seed, given=[(x0, y0, (x0 + x1) / 2, y1)])
    pool = pool_of(one, len(required), seed)
    duals = Programme(one, pool).duals()
    assert (duals[~one.open] == 0).all()
    assert (duals[one.open] > 0).all()
    table, costs = dense(one, pool), np.asarray([column.cost_s for column in pool])
    for pattern in np.unique(table, axis=0):
        same = np.nonzero(one.open)[0][(table == pattern).all(axis=1)]
        shares = duals[same] / one.area_m2[same]
        assert shares == pytest.approx(shares[0])
    # Nearly optimal, and hardly above the costs.
    optimum = float(linprog(costs, A_ub=-table, b_ub=-np.ones(len(table))).fun or 0)
    assert duals.sum() == pytest.approx(optimum, rel=0.1)
    assert (table.T @ duals[one.open] <= 1.1 * costs).all()


def test_rows_without_ground_have_a_dual_as_well() -> None:
    required, one = candidates(1, worth_s=4.0)
    pool = [Column((), one.block(n, False), 20.0) for n in range(len(required))]
    pool += [Column((), np.asarray([one.points + n]), 4.0) for n in range(len(required))]
    duals = Programme(one, pool).duals()
    assert 0 < one.open[one.points :].sum() < len(required)
    for n in range(len(required)):
        assert duals[one.points + n] == pytest.approx(4.0 if one.open[one.points + n] else 0.0, rel=0.1)
        assert duals[one.block(n, False)].sum() == pytest.approx(20.0, rel=0.1)
