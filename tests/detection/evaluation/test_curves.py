"""Missed cells against hours of beam, and confidences against what is real."""

from dataclasses import replace

import numpy as np
import pytest

from config.work import DetectionConfig
from detection.evaluation.curves import (
    dropped_by_floor,
    operating_point,
    operating_points,
    raster_h,
    reliability,
)
from detection.evaluation.scores import JudgedFrame
from detection.evaluation.truth import TrueCell
from detection.image.boxes import BoxPx
from detection.image.hits import Cell, CellSource, Decision

SHAPE = (200, 200)
UM = 0.5
S_PER_UM2 = 0.2204
POLICY = DetectionConfig(dilate_um=1.0, doubtful_below=0.0, min_confidence=0.0)
TRUE = BoxPx(20, 20, 40, 40)
SMALLER = BoxPx(22, 22, 38, 38)


def judged(*hits: tuple[BoxPx, float], truth: tuple[BoxPx, ...] = (TRUE,)) -> JudgedFrame:
    cells = tuple(Cell(f"c{n}", box, box, confidence, "") for n, (box, confidence) in enumerate(hits))
    return JudgedFrame("f", SHAPE, UM, cells, tuple(TrueCell("t", box) for box in truth))


def test_a_margin_buys_whole_cells_with_hours() -> None:
    points = operating_points([judged((SMALLER, 0.9))], POLICY, S_PER_UM2, (0.0, 1.0, 2.0), (0.0,))
    assert [point.missed_cells for point in points] == [1, 0, 0]
    areas_um2 = np.array([16, 20, 24]) ** 2 * UM**2
    assert [point.beam_h for point in points] == pytest.approx(areas_um2 * S_PER_UM2 / 3600)
    assert [point.missed_share for point in points] == [1, 0, 0]


def test_the_quantile_of_the_sides_buys_them_where_hits_have_an_outer_box() -> None:
    cell = Cell("c1", SMALLER, SMALLER, 0.9, "", outer_px=BoxPx(15, 15, 45, 45))
    frame = replace(judged(), cells=(cell,))
    policy = POLICY.model_copy(update={"dilate_um": 0.0})
    quantiles = (0.5, 0.9, 0.98)
    points = operating_points([frame], policy, S_PER_UM2, (0.0, 9.0), (0.0,), quantiles)
    assert [point.side_quantile for point in points] == list(quantiles)
    assert {point.margin_um for point in points} == {0.0}
    assert [point.missed_cells for point in points] == [1, 0, 0]
    assert points[0].beam_h < points[1].beam_h < points[2].beam_h
    assert points[0].beam_h * 3600 == pytest.approx(SMALLER.area_px * UM**2 * S_PER_UM2)


def test_a_floor_gives_up_what_is_below_it() -> None:
    frame = judged((TRUE, 0.9), (BoxPx(100, 100, 120, 120), 0.3))
    low, high = operating_points([frame], POLICY, S_PER_UM2, (0.0,), (0.0, 0.5))
    assert low.dropped_cells == 0
    assert high.dropped_cells == pytest.approx(0.3)
    assert high.beam_h == pytest.approx(low.beam_h / 2)
    assert low.missed_cells == high.missed_cells == 0


def test_doubtful_hits_keep_their_growth() -> None:
    doubtful = POLICY.model_copy(update={"doubtful_below": 0.5, "doubtful_extra_um": 1.0, "dilate_um": 0.0})
    assert operating_point([judged((SMALLER, 0.4))], doubtful, S_PER_UM2).missed_cells == 0
    assert operating_point([judged((SMALLER, 0.6))], doubtful, S_PER_UM2).missed_cells == 1


def test_outer_boxes_count_at_every_margin() -> None:
    cell = Cell("c0", SMALLER, TRUE, 0.9, "", outer_px=TRUE)
    frame = JudgedFrame("f", SHAPE, UM, (cell,), (TrueCell("t", TRUE),))
    for point in operating_points([frame], POLICY, S_PER_UM2, (0.0, 0.2), (0.0,)):
        assert point.missed_cells == 0


@pytest.mark.parametrize("decision", [Decision.FIXED_PATTERN, Decision.NOISE])
def test_what_serial_sections_show_to_be_no_cell_is_never_imaged(decision: Decision) -> None:
    frame = JudgedFrame("f", SHAPE, UM, (Cell("c0", TRUE, None, 0.95, "", decision=decision),), ())
    assert operating_point([frame], POLICY, S_PER_UM2).beam_h == 0
    assert reliability([frame]) == []
    assert dropped_by_floor([frame], [1.0]) == ([0], [0])


def test_what_neighbours_show_is_imaged_at_every_floor() -> None:
    cell = Cell("c0", TRUE, None, 0.0, "", source=CellSource.CARRIED)
    frame = JudgedFrame("f", SHAPE, UM, (cell,), (TrueCell("t", TRUE),))
    for point in operating_points([frame], POLICY, S_PER_UM2, (0.0,), (0.0, 0.5, 0.8)):
        assert point.missed_cells == 0
        assert point.beam_h > 0


def test_what_neighbours_add_to_a_box_is_added_at_every_margin() -> None:
    larger = BoxPx(10, 18, 40, 42)  # Ten pixels further to the left than a margin of two gives, and no more.
    cell = Cell("c0", BoxPx(22, 20, 38, 40), larger, 0.9, "kept: confident")
    frame = JudgedFrame("f", SHAPE, UM, (cell,), (TrueCell("t", TRUE),), serial=True)
    none, present, more = operating_points([frame], POLICY, S_PER_UM2, (0.0, 1.0, 2.0), (0.0,))
    hours = UM**2 * S_PER_UM2 / 3600
    assert present.beam_h == pytest.approx(larger.area_px * hours)
    assert none.beam_h == pytest.approx((38 - 12) * 20 * hours)
    assert more.beam_h == pytest.approx((42 - 8) * 28 * hours)
    assert operating_point([replace(frame, serial=False)], POLICY, S_PER_UM2).beam_h < present.beam_h


def test_the_area_counts_once_where_boxes_overlap() -> None:
    once = operating_point([judged((TRUE, 0.9))], POLICY, S_PER_UM2)
    twice = operating_point([judged((TRUE, 0.9), (TRUE, 0.8))], POLICY, S_PER_UM2)
    assert once.beam_h == twice.beam_h


def test_everything_takes_the_whole_area() -> None:
    assert raster_h([judged(), judged()], S_PER_UM2) == pytest.approx(2 * 100**2 * S_PER_UM2 / 3600)


def test_reliability_of_hits_of_a_known_share() -> None:
    wrong = BoxPx(150, 150, 160, 160)
    frames = [judged((TRUE if n < 7 else wrong, 0.65)) for n in range(10)] + [judged((TRUE, 1.0))]
    middle, top = reliability(frames)
    assert (middle.low, middle.high, middle.hits) == (0.6, 0.7, 10)
    assert middle.mean_confidence == pytest.approx(0.65)
    assert middle.real_share == pytest.approx(0.7)
    # Wilson, 7 of 10.
    assert (middle.real_low, middle.real_high) == pytest.approx((0.397, 0.892), abs=2e-3)
    assert (top.low, top.high, top.hits, top.real_share) == (0.95, 1.0, 1, 1.0)


def test_nothing_found_has_no_reliability() -> None:
    assert reliability([judged()]) == []


def test_what_a_floor_gives_up_expected_and_real() -> None:
    frame = judged((TRUE, 0.2), (BoxPx(150, 150, 160, 160), 0.1))
    expected, real = dropped_by_floor([frame], (0.0, 0.15, 1.0))
    assert expected == pytest.approx([0, 0.1, 0.3])
    assert real == [0, 0, 1]
