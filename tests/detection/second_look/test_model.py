"""Chances by weights."""

from dataclasses import replace

import numpy as np
import pytest

from detection.second_look.company import COMPANY
from detection.second_look.evidence import Evidence
from detection.second_look.features import FEATURES
from detection.second_look.light import LIGHT
from tests.detection.second_look.looks import random_look, saying

RNG = np.random.default_rng(2)


def drawn(*shape: int) -> np.ndarray:
    return RNG.normal(0, 1, shape).astype(np.float32)


SEEN = Evidence(drawn(6, COMPANY), np.arange(6), drawn(6, LIGHT), drawn(6, FEATURES))


def of(seen: Evidence, chosen: np.ndarray) -> Evidence:
    """Return the evidence with some of the hits looked at."""
    return Evidence(seen.company, chosen, seen.light[chosen], seen.features[chosen])


def test_each_hit_has_the_chance_that_the_weights_say() -> None:
    assert saying(0.02).chances(SEEN) == pytest.approx(0.02)


def test_the_order_of_the_hits_says_nothing() -> None:
    look = random_look()
    turned = np.array([3, 0, 5, 1, 4, 2])
    found = look.chances(SEEN)
    other = replace(of(SEEN, turned), company=SEEN.company[turned], chosen=np.arange(6))
    assert look.chances(other) == pytest.approx(found[turned], rel=1e-4)
    assert len(set(found.round(4).tolist())) == 6


def test_a_hit_is_judged_by_the_others_also_if_they_are_not_looked_at() -> None:
    look = random_look()
    some = np.array([1, 4])
    found = look.chances(of(SEEN, some))
    assert found == pytest.approx(look.chances(SEEN)[some], rel=1e-4)
    alone = look.chances(replace(of(SEEN, some), company=SEEN.company[some], chosen=np.arange(2)))
    assert np.abs(found - alone).min() > 1e-4


def test_the_features_of_the_network_say_something() -> None:
    look = random_look()
    changed = SEEN.features.copy()
    changed[2] += 1
    found, before = look.chances(replace(SEEN, features=changed)), look.chances(SEEN)
    assert abs(found[2] - before[2]) > 1e-4
    assert np.delete(found, 2) == pytest.approx(np.delete(before, 2), rel=1e-5)


def test_a_hit_alone_has_no_company() -> None:
    look = random_look()
    w = look.weights
    alone = replace(of(SEEN, np.arange(1)), company=SEEN.company[:1])
    numbers = np.concatenate([alone.company[0], alone.light[0], alone.features[0]])
    numbers = np.clip((numbers - w["middle"]) / w["spread"], -5, 5)
    own, features = numbers[: COMPANY + LIGHT], numbers[COMPANY + LIGHT :]
    odds = []
    for n in range(3):
        seen = np.maximum(w["own.weight"][n] @ own + w["own.bias"][n], 0)
        read = np.maximum(w["read.weight"][n] @ features + w["read.bias"][n], 0)
        joined = np.concatenate([seen, np.zeros(24, np.float32), read])
        last = np.maximum(w["joined.weight"][n] @ joined + w["joined.bias"][n], 0)
        odds.append(float(w["last.weight"][n] @ last + w["last.bias"][n]))
    assert look.chances(alone) == pytest.approx(1 / (1 + np.exp(-np.mean(odds))), rel=1e-3)


def test_no_number_however_large_says_more_than_five_deviations() -> None:
    look = random_look()
    wild, most = SEEN.light.copy(), SEEN.light.copy()
    wild[2, 3] = 1e6
    most[2, 3] = look.weights["middle"][COMPANY + 3] + 5
    found = look.chances(replace(SEEN, light=wild))
    assert found == pytest.approx(look.chances(replace(SEEN, light=most)), rel=1e-5)
