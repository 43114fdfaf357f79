from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detection.forest.calibration import Calibration, calibrate
from detection.forest.settings import TRAINING
from detection.forest.training import train
from tests.detection.forests import annotate, small_forest
from tests.detection.synthetic import make_section

HITS = st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=60)


@given(hits=HITS, low=st.floats(0, 1), high=st.floats(0, 1))
def test_confidence_never_falls_as_the_probability_grows(
    hits: list[tuple[float, bool]], low: float, high: float
) -> None:
    made = calibrate([p for p, _ in hits], [real for _, real in hits])
    low, high = sorted((low, high))
    assert 0 <= made.confidence(low) <= made.confidence(high) <= 1
    assert (made.hits, made.real) == (len(hits), sum(real for _, real in hits))


def test_without_hits_probabilities_stay_as_they_are() -> None:
    made = calibrate([], [])
    assert (made.slope, made.offset) == pytest.approx((1, 0))
    for probability in (0.05, 0.5, 0.8):
        assert made.confidence(probability) == pytest.approx(probability)


@pytest.mark.parametrize(("slope", "offset"), [(2.0, 1.0), (0.7, -1.5)])
def test_the_share_of_hits_that_is_real_is_found_again(slope: float, offset: float) -> None:
    rng = np.random.default_rng(4)
    probability = rng.uniform(0.3, 0.97, 4000)
    wanted = Calibration(slope, offset)
    real = [rng.random() < wanted.confidence(p) for p in probability]
    made = calibrate(probability.tolist(), real)
    for p in (0.4, 0.6, 0.8, 0.95):
        assert made.confidence(p) == pytest.approx(wanted.confidence(p), abs=0.04)


def test_a_forest_is_calibrated_on_hits_it_has_not_seen() -> None:
    made = small_forest().calibration
    assert made.hits >= 12
    assert 0.8 * made.hits <= made.real <= made.hits


def test_one_frame_is_cut_in_halves_and_lone_cells_are_no_reason_to_fail() -> None:
    made = train([annotate(make_section(26))], replace(TRAINING, max_pixels=4000, trees=40)).calibration
    assert made.hits >= 5
    section = make_section(3, cells=0)
    section.masks.append(np.indices(section.pixels.shape).sum(axis=0) < 150)
    section.pixels[section.masks[0]] += np.uint16(300)
    # All cells are in one half, so that the other cannot be learnt from.
    lone = train([annotate(section)], replace(TRAINING, max_pixels=4000, trees=40)).calibration
    assert (lone.hits, lone.real) == (0, 0)
    assert (lone.slope, lone.offset) == (1.0, 0.0), "confidences stay as the forest gives them"
