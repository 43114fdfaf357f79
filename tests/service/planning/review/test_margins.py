"""Boxes to image under other margins or another threshold."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.work import DetectionConfig
from detection.image.boxes import BoxPx
from detection.image.hits import Decision, Hit
from detection.policy import apply_policy
from drivers.pose import Pose, box_to_rect, grown_rect
from planner.geometry.rects import holds
from service.model.review import FoundCells
from service.model.specimen import Cell
from service.planning.review.many_cells import ManyCells
from service.planning.review.margins import sides_px, under_policy
from service.planning.review.revised import revised
from tests.service.planning.review.review_store import PIXEL_M, SIZE_PX, found_cell, ground

BASE = DetectionConfig()
PIXEL_UM = PIXEL_M * 1e6
GROUND = ground("S0001")
POLICIES = st.builds(
    lambda dilate, quantile, least: BASE.model_copy(
        update={"dilate_um": dilate, "side_quantile": quantile, "min_confidence": least}
    ),
    st.floats(0, 5),
    st.floats(0.5, 0.999),
    st.sampled_from([0.0, 0.03, 0.3, 0.95]),
)
CELLS = st.builds(
    lambda x, y, confidence, reach: found_cell(
        "S0001",
        1,
        (x, y, x + 30, y + 20),
        confidence,
        reach,
        Decision.KEPT if confidence >= BASE.doubtful_below else Decision.DOUBTFUL,
    ),
    st.integers(0, 270),
    st.integers(0, 180),
    st.sampled_from([0.1, 0.4, 0.9]),
    st.none() | st.tuples(*[st.integers(0, 20).map(lambda px: px * PIXEL_UM)] * 4),
)


@given(CELLS, POLICIES)
def test_a_cell_under_another_policy_is_imaged_as_if_it_had_been_found_under_it(
    cell: Cell, policy: DetectionConfig
) -> None:
    now = under_policy(cell, BASE, policy, GROUND, "kim")
    box, outer = BoxPx(*cell.box_px), None
    if cell.reach_um is not None:
        left, top, right, bottom = (round(side / PIXEL_UM) for side in cell.reach_um)
        outer = BoxPx(box.x0 - left, box.y0 - top, box.x1 + right, box.y1 + bottom)
    (wanted,) = apply_policy(
        [Hit(box, cell.confidence, outer=outer)], (SIZE_PX[1], SIZE_PX[0]), PIXEL_UM, policy
    )
    expected = None if wanted.image_box_px is None else wanted.image_box_px.as_tuple()
    assert now.image_box_px == expected
    assert now.decision is wanted.decision
    if expected is not None:
        rect = box_to_rect(GROUND.frame.pose, GROUND.frame.shape, expected)
        assert now.image_rect_m == pytest.approx(rect, abs=1e-12)


@given(CELLS, POLICIES, POLICIES)
def test_larger_margins_never_image_less(cell: Cell, one: DetectionConfig, other: DetectionConfig) -> None:
    small = one.model_copy(
        update={
            "dilate_um": min(one.dilate_um, other.dilate_um),
            "side_quantile": min(one.side_quantile, other.side_quantile),
            "min_confidence": 0.0,
        }
    )
    large = small.model_copy(
        update={
            "dilate_um": max(one.dilate_um, other.dilate_um),
            "side_quantile": max(one.side_quantile, other.side_quantile),
        }
    )
    less = under_policy(cell, BASE, small, GROUND, "").image_rect_m
    more = under_policy(cell, BASE, large, GROUND, "").image_rect_m
    assert less is not None
    assert more is not None
    assert holds(more, less)
    assert holds(less, cell.rect_m)


def in_columns(cells: list[Cell]) -> FoundCells:
    return FoundCells(
        ids=[cell.id for cell in cells],
        fields=[cell.field for cell in cells],
        sections=[cell.section for cell in cells],
        boxes_px=[cell.box_px for cell in cells],
        images_px=[cell.image_box_px or cell.box_px for cell in cells],
        rects_m=[cell.rect_m for cell in cells],
        images_m=[cell.image_rect_m or cell.rect_m for cell in cells],
        reach_um=[cell.reach_um or (0.0, 0.0, 0.0, 0.0) for cell in cells],
        confidence=[cell.confidence for cell in cells],
        extra_um=[cell.extra_um for cell in cells],
        imaged=[cell.image_rect_m is not None for cell in cells],
        below_floor=[cell.decision is Decision.BELOW_FLOOR for cell in cells],
        fixed=[False] * len(cells),
        chosen=[True] * len(cells),
        reasons=[cell.reason for cell in cells],
        decisions=[cell.decision.value for cell in cells],
    )


@given(st.lists(CELLS, min_size=1, max_size=5), POLICIES)
def test_many_cells_are_imaged_as_each_of_them(cells: list[Cell], policy: DetectionConfig) -> None:
    below = found_cell("S0001", 9, (40, 40, 60, 60), 0.01, (1.0, 0.2, 0.4, 0.0), Decision.BELOW_FLOOR)
    cells = [*cells, below]
    imaged = ManyCells.of(in_columns(cells), lambda *_: GROUND).under(BASE, policy)
    for cell, is_imaged, sides in zip(cells, imaged.mask.tolist(), imaged.sides_px.tolist(), strict=True):
        now = under_policy(cell, BASE, policy, GROUND, "kim")
        assert is_imaged == (now.image_box_px is not None)
        if now.image_box_px is not None:
            (x0, y0, x1, y1), image = cell.box_px, now.image_box_px
            assert sides == [x0 - image[0], y0 - image[1], image[2] - x1, image[3] - y1]


@given(st.lists(CELLS, min_size=1, max_size=5), POLICIES)
def test_many_cells_are_stored_as_each_of_them_would_be(cells: list[Cell], policy: DetectionConfig) -> None:
    below = found_cell("S0001", 9, (40, 40, 60, 60), 0.01, (1.0, 0.2, 0.4, 0.0), Decision.BELOW_FLOOR)
    cells = [replace(cell, id=f"c{n}") for n, cell in enumerate([*cells, below])]
    changed = revised(in_columns(cells), lambda *_: GROUND, BASE, policy, "kim")
    expected = {cell.id: under_policy(cell, BASE, policy, GROUND, "kim") for cell in cells}
    assert {one.cell for one in changed} == {cell.id for cell in cells if expected[cell.id] is not cell}
    for one in changed:
        now = expected[one.cell]
        assert (one.reason, one.decision) == (now.reason, now.decision)
        if now.image_box_px is None or now.image_rect_m is None:
            assert one.image_box_px is one.image_rect_m is None
        else:
            assert one.image_box_px == list(now.image_box_px)
            assert one.image_rect_m == list(now.image_rect_m)


def test_the_policy_in_force_changes_nothing() -> None:
    cell = found_cell("S0001", 1, (30, 30, 60, 60))
    assert under_policy(cell, BASE, BASE, GROUND, "kim") is cell


def test_a_side_that_others_have_shown_further_out_never_moves_inwards() -> None:
    cell = found_cell("S0001", 1, (100, 100, 120, 120))
    assert cell.image_box_px == (97, 97, 123, 123)
    # Neighbouring sections show more of it to the right.
    wide = (97, 97, 140, 123)
    shown = replace(
        cell, image_box_px=wide, image_rect_m=box_to_rect(GROUND.frame.pose, GROUND.frame.shape, wide)
    )
    less = under_policy(shown, BASE, BASE.model_copy(update={"dilate_um": 0.0}), GROUND, "kim")
    assert less.image_box_px == (100, 100, 140, 120)
    more = under_policy(shown, BASE, BASE.model_copy(update={"dilate_um": 1.0}), GROUND, "kim")
    assert more.image_box_px == (95, 95, 142, 125)
    assert more.reason == "as found; margins as set by kim"


def test_hits_that_are_no_cells_stay_none_whatever_the_threshold() -> None:
    noise = found_cell("S0001", 1, (30, 30, 60, 60), 0.3, decision=Decision.NOISE)
    below = found_cell("S0001", 2, (30, 30, 60, 60), 0.01, decision=Decision.BELOW_FLOOR)
    lower = BASE.model_copy(update={"min_confidence": 0.0})
    assert under_policy(noise, BASE, lower, GROUND, "kim") is noise
    revived = under_policy(below, BASE, lower, GROUND, "kim")
    assert revived.decision is Decision.DOUBTFUL
    assert revived.reason == "kept: confidence 0.01 reaches 0, as set by kim"
    margin = math.ceil((BASE.dilate_um + BASE.doubtful_extra_um) / 0.2)
    assert revived.image_box_px == (30 - margin, 30 - margin, 60 + margin, 60 + margin)
    assert sides_px(revived, lower, 0.2) == (margin,) * 4


@given(
    st.floats(-3.2, 3.2),
    st.booleans(),
    st.booleans(),
    st.tuples(*[st.integers(-5, 30)] * 4),
)
def test_a_rectangle_grows_as_its_box_of_pixels_does(
    rotation_rad: float, flip_x: bool, flip_y: bool, by: tuple[int, int, int, int]
) -> None:
    pose = Pose((1e-3, -2e-3), (1.8e-7, 2.1e-7), rotation_rad, flip_x, flip_y)
    box, shape = (40, 50, 80, 70), (200, 300)
    grown = (box[0] - by[0], box[1] - by[1], box[2] + by[2], box[3] + by[3])
    rect = grown_rect(pose, box_to_rect(pose, shape, box), by)
    assert np.allclose(rect, box_to_rect(pose, shape, grown), rtol=0, atol=1e-15)
