"""Fit of the confidence of `combined`."""

import numpy as np
import pytest

from training.confidence import JudgedHits, added_share, fitted


def test_the_fit_finds_the_factors_that_made_the_hits() -> None:
    rng = np.random.default_rng(5)
    parts = np.stack([np.ones(4000), *rng.normal(0, 2, (3, 4000))], axis=1)
    real = rng.random(4000) < 1 / (1 + np.exp(-parts @ (-1.5, 1.0, 0.8, 0.5)))
    judged = [
        JudgedHits([tuple(part) for part in parts[at : at + 40].tolist()], real[at : at + 40].tolist(), [])
        for at in range(0, 4000, 40)
    ]
    assert fitted(judged) == pytest.approx((-1.5, 0.8, 0.5), abs=0.15)


def test_a_frame_counts_as_the_square_root_of_its_added_hits() -> None:
    frames = [JudgedHits([], [], [True]), JudgedHits([], [], [False] * 4), JudgedHits([], [], [])]
    assert added_share(frames) == pytest.approx(1 / 3)
