"""The confidence of an outline is a chance, and rows are parted where their lines are."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.holder.section_confidence import fitted
from detection.overview.common_shape.joints import joints_seen
from detection.overview.common_shape.shape import shape_of
from detection.overview.common_shape.strips import Strip
from detection.overview.find import DEFAULTS, find_sections, search
from detection.overview.judging.chance import LEAST_CHANCE, PER, chances
from detection.overview.judging.evidence import NAMES, evidence_of
from detection.overview.judging.outlines import kept_of
from detection.overview.values import Doubt, Nothing, ShapeDoubt
from tests.detection.overview.pictures import PLACES, drawn, outlines, rectangle


def strip(lengths: list[int], line: float = 40.0) -> Strip:
    """Return a strip of parts of some lengths, 24 px wide, with a line at each joint."""
    length = sum(lengths)
    tones = np.random.default_rng(5).normal(100, 1, (length, 24)).astype(np.float32)
    tones[np.cumsum(lengths)[:-1]] += line
    place = np.arange(length, dtype=np.float64)
    left, right = (np.stack([np.full(length, x), place], axis=1) for x in (24.0, 0.0))
    return Strip(tones, left, right, 24.0)


@pytest.mark.parametrize("lengths", [[20] * 8, [20, 20, 20, 9, 20, 20, 20], [19, 20, 19, 19, 20, 19, 20, 19]])
def test_joints_are_seen_by_their_lines_also_beside_a_section_that_is_half_lost(lengths: list[int]) -> None:
    found = joints_seen(strip(lengths), 20.0)
    assert found is not None
    assert len(found) == len(lengths) - 1
    assert np.abs(found - np.cumsum(lengths)[:-1]).max() <= 1


def test_joints_without_lines_are_not_seen() -> None:
    assert joints_seen(strip([20] * 8, 0.0), 20.0) is None


def test_confidence_is_high_for_whole_sections_and_low_for_a_part_of_one() -> None:
    picture = drawn([*outlines(), *outlines(((140, 95, 0),), rectangle(30, 12))])
    found = find_sections(picture)
    assert len(found.sections) == len(PLACES)
    assert min(one.confidence for one in found.sections) > 0.9
    assert all(one.confidence < 0.9 for one in found.doubtful)
    fits = search(picture, None)
    assert not isinstance(fits, Nothing)
    kept, best = kept_of(fits, DEFAULTS)
    expected = sorted(chances(evidence_of(fits, kept)))
    listed = [one for one in (*found.sections, *found.doubtful) if one.doubt is not Doubt.SHAPE]
    assert sorted(one.confidence for one in listed) == pytest.approx(expected)
    assert len(kept) >= best >= len(PLACES)


def test_sections_are_those_from_a_stated_chance() -> None:
    """The sides of one section fade until it is doubtful."""
    base = drawn(outlines()).astype(np.float64)
    without = drawn(outlines(PLACES[:-1])).astype(np.float64)
    seen = []
    for share in (1.0, 0.3, 0.15):
        found = find_sections(np.round(without + share * (base - without)).astype(np.uint8))
        listed = [*found.sections, *found.doubtful]
        x, y, _ = PLACES[-1]
        near = [one for one in listed if np.hypot(one.center_px[0] - x, one.center_px[1] - y) < 8]
        seen += [one.confidence for one in near if one.doubt is None]
        assert all(one.confidence >= LEAST_CHANCE for one in found.sections)
    assert seen[0] == max(seen)


def test_the_fit_finds_the_chances_of_simulated_outcomes() -> None:
    rng = np.random.default_rng(8)
    evidence = rng.uniform(0, 1, (4000, len(NAMES)))
    true = -1 + 4 * evidence[:, 0]
    base, per = fitted(evidence, rng.uniform(size=4000) < 1 / (1 + np.exp(-true)))
    assert base + per @ np.full(len(NAMES), 0.5) == pytest.approx(1.0, abs=0.3)
    assert per[0] == pytest.approx(4, abs=0.6)
    assert np.abs(per[1:]).max() < 0.8


def test_every_measurement_has_a_number() -> None:
    assert tuple(PER) == NAMES


def test_a_shape_is_doubtful_where_most_outlines_are_hardly_sure_unless_a_person_gave_it() -> None:
    truth = outlines()
    picture = drawn(truth)
    usual = float(np.median([one.confidence for one in find_sections(picture).sections]))
    below, above = (
        replace(DEFAULTS, shape=replace(DEFAULTS.shape, usual_chance=usual + more)) for more in (-0.01, 0.01)
    )
    assert find_sections(picture, settings=below).shape_doubt is None
    assert find_sections(picture, settings=above).shape_doubt is ShapeDoubt.ANOTHER
    assert find_sections(picture, shape_of(truth, DEFAULTS.shape), above).shape_doubt is None
