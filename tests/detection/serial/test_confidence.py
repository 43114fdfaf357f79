import math
from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from detection.image.boxes import BoxPx
from detection.image.hits import Cell, CellSource, Decision
from detection.registration.section_frame import SectionFrame
from detection.serial.confidence import (
    NearbySection,
    NeighbourSupport,
    assign_confidences,
    confidence_of_averaged,
    confidence_of_carried,
)
from detection.serial.pooling import split_background

SEEN = Cell("", BoxPx(20, 20, 40, 40), BoxPx(18, 18, 42, 42), 0.8, "kept: confident")
AVERAGED = Cell("", BoxPx(20, 20, 40, 40), BoxPx(18, 18, 42, 42), 0.8, "", source=CellSource.AVERAGED)
supports = st.builds(
    NeighbourSupport,
    st.floats(-50, 1e6) | st.just(math.inf),
    st.integers(0, 3),
    st.integers(0, 3),
    st.floats(0, 1),
)


@given(supports, st.floats(0, 1), st.floats(0, 100), st.integers(0, 2), st.floats(0, 1))
def test_more_evidence_never_makes_a_hit_less_likely(
    less: NeighbourSupport, confidence: float, light_sd: float, sightings: int, covered: float
) -> None:
    more = NeighbourSupport(
        less.support_sd + light_sd,
        less.before + sightings,
        less.after + sightings,
        max(less.covered, covered),
    )
    assert 0 < confidence_of_carried(less) <= confidence_of_carried(more) < 1
    assert 0 < confidence_of_averaged(less, confidence) <= confidence_of_averaged(more, confidence) < 1


def judged(hit: tuple[Cell, tuple[str, ...], bool], level: float, *near: NearbySection) -> float:
    values = np.random.default_rng(0).normal(500, 10, (200, 200))
    values[20:40, 20:40] += level
    frame = SectionFrame("S0001", np.rint(values).astype(np.uint16), 0.36, 400.0)
    (cell,) = assign_confidences([hit], split_background(frame), [], near)
    return cell.confidence


def test_what_a_section_shows_by_itself_keeps_its_confidence() -> None:
    assert judged((SEEN, ("T0001",), True), 0) == SEEN.confidence


def test_a_hit_of_averages_below_the_floor_keeps_what_put_it_there() -> None:
    below = replace(AVERAGED, image_box_px=None, confidence=0.001, decision=Decision.BELOW_FLOOR)
    near = [NearbySection(away, [SEEN], [("T0001",)]) for away in (-1, 1)]
    assert judged((below, ("T0001",), True), 100, *near) == 0.001


def test_light_and_neighbours_that_show_the_track_by_themselves_make_it_likely() -> None:
    near = [NearbySection(away, [SEEN], [("T0001",)]) for away in (-2, -1, 1, 2)]
    other = [NearbySection(one.away, one.cells, [("T0002",)]) for one in near]
    only_averages = [NearbySection(one.away, [AVERAGED], one.tracks) for one in near]
    for hit in ((SEEN, ("T0001",), False), (AVERAGED, ("T0001",), True)):
        dark, bright = judged(hit, 0, *near), judged(hit, 100, *near)
        assert dark < bright
        assert judged(hit, 100, *other) == judged(hit, 100, *only_averages) == judged(hit, 100) < bright
        assert judged(hit, 0) < 0.15
