from dataclasses import replace

import numpy as np
import pytest

from detection.evaluation.annotated import AnnotatedFrame
from detection.evaluation.truth import TrueCell
from detection.image.boxes import BoxPx
from detection.image.frames import check_frame
from detection.image.working_grid import WorkingGrid, on_working_grid
from detection.network.graph import FINER, WIDTHS
from detection.network.inputs import WORKING_PIXEL_UM
from detection.network.settings import PLACE_PX, SIDE_UNIT_PX
from detection.tuning.places import Places, places_of
from detection.tuning.settings import TUNING
from tests.detection.network.networks import random_network

SHAPE = (120, 200)
CELLS = (
    TrueCell("a", BoxPx(20, 8, 60, 40)),
    TrueCell("b", BoxPx(100, 60, 104, 62)),
    TrueCell("c", BoxPx(150, 90, 190, 118), mask=np.ones((28, 40), np.bool_)),
    TrueCell("d", BoxPx(10, 80, 40, 110), counted=False),
)


def marked(cells: tuple[TrueCell, ...] = CELLS) -> tuple[AnnotatedFrame, WorkingGrid]:
    pixels = np.random.default_rng(5).normal(500, 20, SHAPE).astype(np.uint16)
    frame = check_frame(pixels, 0.178)
    unknown = np.zeros(SHAPE, np.bool_)
    for cell in cells:
        if cell.mask is None:
            unknown[cell.box.slices] = True
    item = AnnotatedFrame(frame, np.zeros(SHAPE, np.bool_), unknown, cells)
    return item, on_working_grid(frame, WORKING_PIXEL_UM)


def all_places(turns: int = 1, cells: tuple[TrueCell, ...] = CELLS) -> list[Places]:
    item, grid = marked(cells)
    return list(places_of(item, grid, random_network(), turns, TUNING))


def boxes_of(places: Places, columns: int) -> set[tuple[float, ...]]:
    """Return the boxes, px of the working grid, that the sides of the places of cells stand for."""
    pixel, place = np.nonzero(places.cell)
    x = (pixel % columns * FINER + place % FINER + 0.5) * PLACE_PX
    y = (pixel // columns * FINER + place // FINER + 0.5) * PLACE_PX
    left, top, right, bottom = (places.sides[pixel, side, place] * SIDE_UNIT_PX for side in range(4))
    found = np.stack([x - left, y - top, x + right, y + bottom], axis=1)
    return {tuple(row) for row in found.round(2).tolist()}


def test_every_place_of_a_cell_points_at_the_sides_of_its_box() -> None:
    (places,) = all_places()
    # 200 pixels of .178 um are 100 of the working grid, padded to 128, in 32 columns.
    assert places.features.shape == (16 * 32, WIDTHS[0])
    assert boxes_of(places, 32) == {(10, 4, 30, 20), (50, 30, 52, 31), (75, 45, 95, 59)}


def test_the_smallest_cell_has_a_place() -> None:
    (places,) = all_places(cells=(CELLS[1],))
    assert places.cell.sum() == 1


def test_uncounted_cells_corners_and_padding_are_unknown() -> None:
    (places,) = all_places()
    weight = places.weight.reshape(16, 32, FINER, FINER).transpose(0, 2, 1, 3).reshape(32, 64)
    cell = places.cell.reshape(16, 32, FINER, FINER).transpose(0, 2, 1, 3).reshape(32, 64)
    assert (weight[:, 50:] == 0).all()
    assert (weight[30:] == 0).all()
    assert (weight[20:27, 3:9] == 0).all()
    assert not cell[20:27, 3:9].any()
    # The corner of a box, and its middle.
    assert weight[2, 5] == 0
    assert cell[6, 10]
    assert weight[15, 5] == 1


def test_a_small_cell_weighs_more_in_each_place() -> None:
    (places,) = all_places()
    weights = places.weight[places.cell]
    # The inscribed ellipse of `a` has fewer places than `c`, 70.
    assert weights.min() == pytest.approx(TUNING.cell_weight / 70)
    assert weights.max() == TUNING.weight_limits[1]


def test_turns_turn_features_and_sides_together() -> None:
    turns = all_places(8)
    assert len(turns) == 8
    expected = {
        0: (10, 4, 30, 20),
        1: (70, 4, 90, 20),
        2: (10, 40, 30, 56),
        3: (70, 40, 90, 56),
        4: (4, 10, 20, 30),
        5: (4, 70, 20, 90),
        6: (40, 10, 56, 30),
        7: (40, 70, 56, 90),
    }
    for turn, box in expected.items():
        assert box in boxes_of(turns[turn], 16 if turn & 4 else 32)
        assert turns[turn].cell.sum() == pytest.approx(turns[0].cell.sum(), rel=0.1)
    assert not np.array_equal(turns[0].features, turns[1].features)


def test_a_frame_without_cells_is_all_ground() -> None:
    item, grid = marked(())
    (places,) = places_of(replace(item, truth=()), grid, random_network(), 1, TUNING)
    assert not places.cell.any()
    assert places.weight.sum() == 50 * 30
