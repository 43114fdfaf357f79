from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detection.confidence import confidence_of, confidence_of_prominence
from detection.evidence import Evidence, evidence_of
from detection.regions import Region

CLEAR = Evidence(
    strength=6.0, diameter_um=10.0, relative_light=0.9, edge=0.8, cut=False, contrast=4.0, unevenness=0.05
)
evidences = st.builds(
    Evidence,
    st.floats(0, 1e4),
    st.floats(0, 100),
    st.floats(-1, 100),
    st.floats(-5, 5),
    st.booleans(),
    st.floats(-10, 1e3),
    st.floats(0, 100),
)


def test_a_clear_cell_is_nearly_certain() -> None:
    assert confidence_of(CLEAR) > 0.95


@pytest.mark.parametrize(
    "doubt",
    [
        {"diameter_um": 1.5},
        {"diameter_um": 2.5, "relative_light": 0.05},
        {"strength": 1.1, "edge": 0.6, "contrast": 1.0, "unevenness": 0.2},
    ],
)
def test_what_is_small_or_faint_or_a_hump_is_doubtful(doubt: dict[str, Any]) -> None:
    assert confidence_of(replace(CLEAR, **doubt)) < 0.5


def test_a_hump_is_trusted_where_the_ground_is_even() -> None:
    hump = replace(CLEAR, strength=1.1, edge=0.5, contrast=1.0)
    assert confidence_of(replace(hump, unevenness=0.0)) > 0.8
    assert confidence_of(replace(hump, unevenness=0.3)) < 0.02


@given(evidences, st.floats(0, 10))
def test_more_evidence_never_lowers_it(evidence: Evidence, more: float) -> None:
    confidence = confidence_of(evidence)
    assert 0 <= confidence <= 1
    for name in ("strength", "diameter_um", "relative_light", "edge", "contrast"):
        assert confidence_of(replace(evidence, **{name: getattr(evidence, name) + more})) >= confidence
    assert confidence_of(replace(evidence, cut=True)) >= confidence
    assert confidence_of(replace(evidence, unevenness=evidence.unevenness + more)) <= confidence


@given(st.floats(-1e3, 1e6), st.floats(0, 1e3))
def test_prominence_never_lowers_it(prominence: float, more: float) -> None:
    confidence = confidence_of_prominence(prominence)
    assert 0 <= confidence <= 1
    assert confidence_of_prominence(prominence + more) >= confidence


def test_evidence_is_measured_at_each_region() -> None:
    light = np.zeros((60, 80), dtype=np.float32)
    light[10:30, 10:30] = 100
    light[40:60, 50:70] = 20
    boxes = [(slice(10, 30), slice(10, 30)), (slice(40, 60), slice(50, 70))]
    regions = [Region(rows, columns, np.ones((20, 20), dtype=np.bool_)) for rows, columns in boxes]
    noise = np.full_like(light, 5)
    first, second = evidence_of(
        regions, light / np.float32(10), light, noise, 0.36, unevenness=0.1, linear=True
    )
    assert (first.strength, second.strength) == (10, 2)
    assert first.diameter_um == pytest.approx(20 * 0.36 * 2 / np.sqrt(np.pi))
    assert second.relative_light == pytest.approx(20 / 80)
    assert first.edge == second.edge == pytest.approx(1)
    assert (first.contrast, second.contrast) == (20, 4)
    assert first.unevenness == second.unevenness == 0.1
    assert (first.cut, second.cut) == (False, True)
    (_, other) = evidence_of(regions, light, light, noise, 0.36, unevenness=0.1, linear=False)
    assert other.relative_light == 1
    assert evidence_of([], light, light, noise, 0.36, unevenness=0.1, linear=True) == []
