"""Chances by weights."""

import numpy as np
import pytest

from detection.second_look.company import COMPANY
from detection.second_look.light import LIGHT
from tests.detection.second_look.looks import random_look, saying

RNG = np.random.default_rng(2)
BESIDE = RNG.normal(0, 1, (6, COMPANY)).astype(np.float32)
SEEN = RNG.normal(0, 1, (6, LIGHT)).astype(np.float32)
ALL = np.arange(6)


def test_each_hit_has_the_chance_that_the_weights_say() -> None:
    assert saying(0.02).chances(BESIDE, ALL, SEEN) == pytest.approx(0.02)


def test_the_order_of_the_hits_says_nothing() -> None:
    look = random_look()
    turned = np.array([3, 0, 5, 1, 4, 2])
    found = look.chances(BESIDE, ALL, SEEN)
    assert look.chances(BESIDE[turned], ALL, SEEN[turned]) == pytest.approx(found[turned], rel=1e-5)
    assert len(set(found.round(4).tolist())) == 6


def test_a_hit_is_judged_by_the_others_also_if_they_are_not_looked_at() -> None:
    look = random_look()
    some = np.array([1, 4])
    found = look.chances(BESIDE, some, SEEN[some])
    assert found == pytest.approx(look.chances(BESIDE, ALL, SEEN)[some], rel=1e-5)
    alone = look.chances(BESIDE[some], np.arange(2), SEEN[some])
    assert np.abs(found - alone).min() > 1e-4


def test_a_hit_alone_has_no_company() -> None:
    look = random_look()
    w = look.weights
    own = np.clip((np.concatenate([BESIDE[0], SEEN[0]]) - w["middle"]) / w["spread"], -5, 5)
    odds = []
    for n in range(3):
        seen = np.maximum(w["own.weight"][n] @ own + w["own.bias"][n], 0)
        joined = np.concatenate([seen, np.zeros(24, np.float32)])
        last = np.maximum(w["joined.weight"][n] @ joined + w["joined.bias"][n], 0)
        odds.append(float(w["last.weight"][n] @ last + w["last.bias"][n]))
    found = look.chances(BESIDE[:1], np.arange(1), SEEN[:1])
    assert found == pytest.approx(1 / (1 + np.exp(-np.mean(odds))), rel=1e-4)


def test_no_number_however_large_says_more_than_five_deviations() -> None:
    look = random_look()
    wild = SEEN.copy()
    wild[2, 3] = 1e6
    least = SEEN.copy()
    least[2, 3] = look.weights["middle"][COMPANY + 3] + 5
    assert look.chances(BESIDE, ALL, wild) == pytest.approx(look.chances(BESIDE, ALL, least), rel=1e-5)
