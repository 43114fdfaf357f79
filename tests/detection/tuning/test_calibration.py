import math

import numpy as np
import pytest

from detection.evaluation.truth import TrueCell
from detection.image.boxes import BoxPx
from detection.network.detector import calibrated
from detection.network.model import Calibration
from detection.network.reading import Reading
from detection.tuning.calibration import Evidence, calibrated_on, evidence_of

SHIPPED = Calibration(0.3, 0.8, 0.4, 1.2)


def hits(count: int, wanted: Calibration) -> Evidence:
    rng = np.random.default_rng(6)
    score, size_um = rng.uniform(0.25, 0.99, count), rng.uniform(2, 12, count)
    real = [
        bool(rng.random() < calibrated(one, size, wanted))
        for one, size in zip(score.tolist(), size_um.tolist(), strict=True)
    ]
    stretches = np.abs(rng.normal(0, wanted.side_stretch / 2.054, 4 * count))
    odds = np.log(score / (1 - score))
    return Evidence(tuple(odds), tuple(np.log(size_um / 5)), tuple(real), tuple(stretches))


def test_many_hits_give_their_own_calibration() -> None:
    wanted = Calibration(-1.0, 1.4, 1.0, 1.0)
    found = calibrated_on([hits(3000, wanted)], SHIPPED)
    for score in (0.3, 0.6, 0.95):
        for size_um in (3.0, 8.0):
            expected = calibrated(score, size_um, wanted)
            assert calibrated(score, size_um, found) == pytest.approx(expected, abs=0.05)
    # Half of the sides are on the inner side, where they need no stretch: 98 % of |normal| is 2.326.
    assert found.side_stretch == pytest.approx(2.326 / 2.054, abs=0.06)


def test_few_hits_change_little_and_none_nothing() -> None:
    assert calibrated_on([], SHIPPED) == SHIPPED
    few = calibrated_on([hits(4, Calibration(-3.0, 1.0, 0.0, 3.0))], SHIPPED)
    assert few.per_score == pytest.approx(SHIPPED.per_score, abs=0.3)
    assert few.side_stretch == pytest.approx(SHIPPED.side_stretch, rel=0.1)


def test_sides_of_matched_hits_say_how_far_the_cell_reached() -> None:
    box = np.array([[10, 10, 30, 30], [60, 60, 70, 70]], np.float32)
    outer = box + np.array([-4, -4, 4, 0.1], np.float32)
    reading = Reading(box, outer, np.array([0.8, 0.5], np.float32))
    # Two pixels of the frame are one of the grid.
    cells = (TrueCell("a", BoxPx(16, 24, 62, 61)), TrueCell("b", BoxPx(0, 0, 10, 10), counted=False))
    found = evidence_of(reading, cells, 0.4, 2)
    assert found.real == (True, False)
    assert found.odds == pytest.approx((math.log(4), 0), abs=1e-5)
    assert found.log_size == pytest.approx((math.log(20 * 0.4 / 5), math.log(10 * 0.4 / 5)), abs=1e-5)
    # Left beyond by 2 of 4, top inside, right beyond by 1 of 4; the lower side has no spread.
    assert found.stretches == pytest.approx((0.5, 0, 0.25), abs=1e-5)
