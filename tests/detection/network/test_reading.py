import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from detection.network.graph import FINER, OUTPUTS, SIDES
from detection.network.reading import Reading, read_hits, scores_of
from detection.network.settings import PLACE_PX, QUANTILES, READING, SIDE_UNIT_PX
from tests.examples import examples

Floats = NDArray[np.float32]
Box = tuple[float, float, float, float]
SPREAD_PX = 3.0
"""From the most likely to the outer side, in what `output` makes."""


def output(boxes: list[Box], shape: tuple[int, int] = (64, 64), inside: float = 4.0) -> Floats:
    """Return what a network that knows these boxes would say: log-odds of 4 inside, -6 outside."""
    down, across = shape[0] // PLACE_PX, shape[1] // PLACE_PX
    logits = np.full((down, across), -6.0)
    steps = np.full((SIDES, len(QUANTILES), down, across), 1.0)
    y, x = ((np.mgrid[:down, :across] + 0.5) * PLACE_PX).astype(float)
    for x0, y0, x1, y1 in boxes:
        own = (x > x0) & (x < x1) & (y > y0) & (y < y1)
        logits[own] = inside
        for side, distance in enumerate((x - x0, y - y0, x1 - x, y1 - y)):
            steps[side, 0][own] = distance[own] / SIDE_UNIT_PX
            steps[side, 1][own] = steps[side, 2][own] = SPREAD_PX / 2 / SIDE_UNIT_PX
    raw = np.concatenate([logits[None], np.log(np.expm1(steps)).reshape(-1, down, across)])
    assert len(raw) == OUTPUTS
    parts = raw.reshape(OUTPUTS, down // FINER, FINER, across // FINER, FINER)
    return parts.transpose(0, 2, 4, 1, 3).reshape(OUTPUTS * FINER**2, down // FINER, -1).astype(np.float32)


def read(found: Floats, shape: tuple[int, int] = (64, 64), stretch: float = 1.0) -> Reading:
    return read_hits(found, scores_of(found), shape, stretch)


def in_order(boxes: Floats) -> Floats:
    return boxes[np.lexsort((boxes[:, 0], boxes[:, 1]))]


def test_two_cells_give_their_two_boxes() -> None:
    cells: list[Box] = [(6, 8, 26, 30), (34, 9, 58, 41)]
    reading = read(output(cells))
    np.testing.assert_allclose(in_order(reading.boxes), cells, atol=0.1)
    np.testing.assert_allclose(reading.score, 1 / (1 + np.exp(-4)), atol=1e-5)
    for box, outer in zip(reading.boxes, reading.outer, strict=True):
        np.testing.assert_allclose(np.abs(outer - box), SPREAD_PX, atol=0.1)


def test_what_a_box_leaves_of_its_cell_makes_the_outer_box_larger_and_no_second_hit() -> None:
    # Places beside the box of a cell whose own boxes are nearly the same.
    found = output([(10, 10, 40, 40)])
    beside = output([(10, 10, 46, 40)])
    down, across = slice(10 // 4, 40 // 4), slice(40 // 4, 46 // 4 + 1)
    found[:, down, across] = beside[:, down, across]
    reading = read(found)
    assert len(reading.boxes) == 1
    assert reading.outer[0, 2] >= 46


def test_touching_cells_stay_two() -> None:
    reading = read(output([(8, 8, 28, 40), (28, 8, 48, 40)]))
    assert len(reading.boxes) == 2


def test_the_smallest_cell_is_one_place() -> None:
    reading = read(output([(20, 22, 22, 24)]))
    np.testing.assert_allclose(reading.boxes, [(20, 22, 22, 24)], atol=0.1)


def test_the_stretch_widens_the_outer_box_alone() -> None:
    found = output([(20, 20, 40, 40)])
    plain, wide = read(found), read(found, stretch=1.5)
    np.testing.assert_array_equal(plain.boxes, wide.boxes)
    np.testing.assert_allclose(wide.outer - wide.boxes, 1.5 * (plain.outer - plain.boxes), atol=1e-3)


def test_scores_below_the_least_give_nothing() -> None:
    below = float(np.log(READING.least_score / (1 - READING.least_score))) - 0.01
    assert not len(read(output([(10, 10, 40, 40)], inside=below)).boxes)
    assert not len(read(output([])).boxes)


def test_the_padding_gives_no_hits_and_boxes_end_with_the_frame() -> None:
    found = output([(30, 30, 60, 60), (44, 4, 60, 20)])
    reading = read(found, (48, 40))
    # The second lies in the padding.
    assert len(reading.boxes) == 1
    np.testing.assert_allclose(reading.boxes[0], (30, 30, 40, 48), atol=0.1)
    assert (reading.outer <= [40, 48, 40, 48]).all()
    assert (reading.outer >= 0).all()


@pytest.mark.parametrize("first", [24, 50, 52])
def test_a_cell_cut_by_the_end_of_an_odd_frame_is_one_hit(first: int) -> None:
    reading = read(output([(first, first, 64, 64)]), (55, 53))
    np.testing.assert_allclose(reading.boxes, [(first, first, 53, 55)], atol=0.1)


@examples(20)
@given(seed=st.integers(0, 10_000))
def test_no_place_above_the_least_score_is_left_uncovered(seed: int) -> None:
    rng = np.random.default_rng(seed)
    found = rng.normal(0, 2, (OUTPUTS * FINER**2, 6, 5)).astype(np.float32)
    shape = (6 * FINER * PLACE_PX - int(rng.integers(0, 5)), 5 * FINER * PLACE_PX - int(rng.integers(0, 5)))
    reading, score = read(found, shape), scores_of(found)
    rows, columns = (-(-side // PLACE_PX) for side in shape)
    covered = np.zeros(score.shape, np.bool_)
    for x0, y0, x1, y1 in np.concatenate([reading.boxes, reading.outer]).tolist():
        left, top = int(x0 / PLACE_PX), int(y0 / PLACE_PX)
        covered[top : int(np.ceil(y1 / PLACE_PX)), left : int(np.ceil(x1 / PLACE_PX))] = True
    bright = score[:rows, :columns] >= READING.least_score
    assert covered[:rows, :columns][bright].all()
    assert (reading.boxes[:, 2:] >= reading.boxes[:, :2]).all()
    assert (reading.outer[:, :2] <= reading.boxes[:, :2] + 1e-3).all()
    assert (reading.outer[:, 2:] >= reading.boxes[:, 2:] - 1e-3).all()


def test_scores_stand_where_their_places_are() -> None:
    found = output([(20, 10, 22, 12)])
    score = scores_of(found)
    assert score.shape == (32, 32)
    assert np.argwhere(score > 0.5).tolist() == [[5, 10]]
    assert score[0, 0] == pytest.approx(1 / (1 + np.exp(6)), rel=1e-4)


def test_extreme_scores_do_not_overflow() -> None:
    found = np.full((OUTPUTS * FINER**2, 2, 2), -500, np.float32)
    found[: FINER**2, 0] = 500
    score = scores_of(found)
    assert (score[:2] == 1).all()
    assert (score[2:] < 1e-30).all()
