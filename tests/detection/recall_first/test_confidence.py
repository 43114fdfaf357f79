from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.work import DetectionConfig
from detection.paper.confidence import confidence_of_prominence
from detection.recall_first.confidence import confidence_of, confidences_of
from detection.recall_first.features import Features, features_of
from detection.recall_first.regions import Region

CLEAR = Features(
    strength=6.0,
    diameter_um=10.0,
    relative_intensity=0.9,
    edge=0.8,
    cut=False,
    contrast=4.0,
    unevenness=0.05,
    standing=0.9,
)
SPECK = replace(CLEAR, diameter_um=1.5)
LUMP = replace(CLEAR, strength=1.1, edge=0.5, contrast=1.5, unevenness=0.3)
all_features = st.builds(
    Features,
    st.floats(0, 1e4),
    st.floats(0, 100),
    st.floats(-1, 100),
    st.floats(-5, 5),
    st.booleans(),
    st.floats(-10, 1e3),
    st.floats(0, 100),
    st.floats(0, 1),
)


def test_a_clear_cell_among_others_is_nearly_certain() -> None:
    assert confidence_of(CLEAR, 8.0) > 0.98


def test_a_clear_cell_is_probable_where_there_is_no_other() -> None:
    assert confidence_of(CLEAR, 0.0) > 0.7


@pytest.mark.parametrize("doubt", [SPECK, replace(CLEAR, diameter_um=4.0, relative_intensity=0.05), LUMP])
def test_what_is_small_or_faint_or_a_lump_is_doubtful(doubt: Features) -> None:
    assert confidence_of(doubt, 0.3) < 0.5


def test_a_speck_is_imaged_where_there_is_nothing_else_and_a_lump_is_not() -> None:
    floor = DetectionConfig().min_confidence
    assert confidence_of(SPECK, 0.0) > floor
    assert confidence_of(LUMP, 0.0) < floor


@pytest.mark.parametrize(
    "other",
    [{"unevenness": 0.0}, {"edge": 0.8}, {"contrast": 5.0}, {"standing": 0.1}],
    ids=["even ground", "sharp edge", "bright", "puncta with nothing between"],
)
def test_a_hump_is_trusted_where_it_is_no_lump(other: dict[str, Any]) -> None:
    assert confidence_of(replace(LUMP, **other), 0.0) > confidence_of(LUMP, 0.0) + 0.2


@given(all_features, st.floats(0, 100), st.floats(0, 10))
def test_more_evidence_never_lowers_it(features: Features, company: float, more: float) -> None:
    confidence = confidence_of(features, company)
    assert 0 <= confidence <= 1
    for name in ("strength", "diameter_um", "relative_intensity", "edge", "contrast"):
        richer = replace(features, **{name: getattr(features, name) + more})
        assert confidence_of(richer, company) >= confidence
    assert confidence_of(replace(features, cut=True), company) >= confidence
    assert confidence_of(replace(features, unevenness=features.unevenness + more), company) <= confidence
    assert confidence_of(features, company + more) >= confidence


def test_cells_in_the_frame_speak_for_a_speck_and_specks_and_lumps_do_not() -> None:
    def of_first(*all_features: Features) -> float:
        return confidences_of(all_features)[0]

    alone = of_first(SPECK)
    assert alone == confidence_of(SPECK, 0.0)
    assert of_first(SPECK, SPECK, LUMP) == alone
    assert of_first(SPECK, CLEAR) == confidence_of(SPECK, 1.0) > alone
    assert of_first(SPECK, CLEAR, CLEAR) == confidence_of(SPECK, 2.0) > of_first(SPECK, CLEAR)
    assert confidences_of([]) == []


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
    standing = np.ones(light.shape, dtype=np.uint8)
    standing[40:60, 50:65] = 0
    strength = light / np.float32(10)
    first, second = features_of(regions, strength, light, noise, standing, 0.36, unevenness=0.1, linear=True)
    assert (first.strength, second.strength) == (10, 2)
    assert first.diameter_um == pytest.approx(20 * 0.36 * 2 / np.sqrt(np.pi))
    assert second.relative_intensity == pytest.approx(20 / 80)
    assert first.edge == second.edge == pytest.approx(1)
    assert (first.contrast, second.contrast) == (20, 4)
    assert first.unevenness == second.unevenness == 0.1
    assert (first.cut, second.cut) == (False, True)
    assert (first.standing, second.standing) == (1, 0.25)
    (_, other) = features_of(regions, light, light, noise, standing, 0.36, unevenness=0.1, linear=False)
    assert other.relative_intensity == 1
    assert features_of([], light, light, noise, standing, 0.36, unevenness=0.1, linear=True) == []


def test_a_region_may_be_the_whole_frame() -> None:
    light = np.full((20, 30), 7, dtype=np.float32)
    whole = Region(slice(0, 20), slice(0, 30), np.ones((20, 30), dtype=np.bool_))
    standing = np.ones((20, 30), dtype=np.uint8)
    (found,) = features_of([whole], light, light, light, standing, 5.0, unevenness=0.0, linear=True)
    assert found.cut
    assert found.standing == 1
    assert 0 <= confidences_of([found])[0] <= 1
