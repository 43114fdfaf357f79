"""The refit of the last layer, against what is known of its solutions."""

from dataclasses import replace

import numpy as np
import pytest

from detection.network.graph import FINER, OUTPUTS, SIDES
from detection.network.settings import QUANTILES
from detection.tuning.head import Head, with_score, with_sides
from detection.tuning.places import Places
from detection.tuning.settings import TUNING
from tests.detection.network.networks import random_model

FEW = replace(TUNING, iterations=30)
PLACES = FINER**2
NOTHING = Head(np.zeros((OUTPUTS * PLACES, 2), np.float32), np.zeros(OUTPUTS * PLACES, np.float32))


def places(count: int, seed: int = 0) -> Places:
    """Two features: the first decides the log-odds of a cell, the second the sides."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(count, 2)).astype(np.float32)
    odds = 2 * features[:, :1] - 0.5
    cell = rng.random((count, PLACES)) < 1 / (1 + np.exp(-odds))
    sides = np.exp(0.3 * features[:, 1])[:, None, None] + rng.exponential(0.5, (count, SIDES, PLACES))
    return Places(features, cell, np.ones((count, PLACES), np.float32), sides.astype(np.float32))


def test_the_score_is_logistic_regression() -> None:
    fitted = with_score(NOTHING, places(4000), 0.0, FEW)
    np.testing.assert_allclose(fitted.weight[:PLACES], [[2, 0]] * PLACES, atol=0.25)
    np.testing.assert_allclose(fitted.bias[:PLACES], -0.5, atol=0.2)
    np.testing.assert_array_equal(fitted.weight[PLACES:], 0)


def test_the_sides_are_quantiles() -> None:
    seen = places(1500)
    fitted = with_sides(NOTHING, seen, 0.0, FEW)
    np.testing.assert_array_equal(fitted.weight[:PLACES], 0)
    fresh = places(2000, seed=1)
    raw = fitted.found(fresh.features.T[:, :, None])[PLACES:, :, 0].T.reshape(
        -1, SIDES, len(QUANTILES), PLACES
    )
    reach = np.cumsum(np.log1p(np.exp(raw)), axis=2)
    inside = np.broadcast_to(fresh.cell[:, None, :], fresh.sides.shape)
    for number, level in enumerate(QUANTILES):
        held = (fresh.sides <= reach[:, :, number, :])[inside].mean()
        assert held == pytest.approx(level, abs=0.04)


def test_a_strong_ridge_keeps_the_shipped_layer() -> None:
    head = Head.of(random_model())
    rng = np.random.default_rng(4)
    seen = places(300)
    seen = Places(rng.normal(size=(300, 24)).astype(np.float32), seen.cell, seen.weight, seen.sides)
    for refit in (with_score, with_sides):
        kept, free = (refit(head, seen, ridge, FEW) for ridge in (1e6, 1e-3))
        np.testing.assert_allclose(kept.weight, head.weight, atol=1e-4)
        np.testing.assert_allclose(kept.bias, head.bias, atol=1e-4)
        assert np.abs(free.weight - head.weight).max() > 0.05


def test_unknown_places_are_not_learnt() -> None:
    seen = places(500)
    seen.weight[250:] = 0
    wrong = Places(seen.features, seen.cell.copy(), seen.weight, seen.sides.copy())
    wrong.cell[250:] = ~wrong.cell[250:]
    wrong.sides[250:] = 9
    for refit in (with_score, with_sides):
        one, other = (refit(NOTHING, one, 0.01, FEW) for one in (seen, wrong))
        np.testing.assert_array_equal(one.weight, other.weight)


def test_without_places_nothing_changes() -> None:
    none = places(10).where(np.zeros(10, np.bool_))
    assert with_score(NOTHING, none, 0.01, FEW) is NOTHING
    assert with_sides(NOTHING, none, 0.01, FEW) is NOTHING


def test_a_head_goes_back_into_its_network() -> None:
    model = random_model()
    again = Head.of(model).into(model)
    assert again.weights.keys() == model.weights.keys()
    for name, array in model.weights.items():
        np.testing.assert_array_equal(again.weights[name], array)
