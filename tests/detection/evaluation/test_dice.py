import math

import numpy as np
import pytest

from detection.evaluation.dice import dice_matrix
from detection.image.boxes import BoxPx
from tests.detection.scores import contained_recall, precision, recall

SHAPE = (100, 100)
TRUTH = [BoxPx(0, 0, 10, 10), BoxPx(50, 50, 60, 70)]
FOUND = [BoxPx(0, 0, 10, 5), BoxPx(80, 80, 90, 90), BoxPx(51, 50, 61, 70), BoxPx(50, 50, 60, 60)]


def test_dice_recall_and_precision_by_hand() -> None:
    matrix = dice_matrix(FOUND, TRUTH)
    assert matrix.shape == (4, 2)
    assert matrix[:, 0] == pytest.approx([2 / 3, 0, 0, 0])
    assert matrix[:, 1] == pytest.approx([0, 0, 0.9, 2 / 3])
    assert recall(matrix) == 1
    assert precision(matrix) == 0.75


def test_a_dice_of_one_half_is_not_yet_correct() -> None:
    matrix = dice_matrix([BoxPx(0, 0, 10, 10)], [BoxPx(5, 0, 15, 10)])
    assert matrix[0, 0] == 0.5
    assert recall(matrix) == precision(matrix) == 0


def test_nothing_found_and_nothing_to_find() -> None:
    nothing_found = dice_matrix([], TRUTH)
    assert recall(nothing_found) == 0
    assert math.isnan(precision(nothing_found))
    assert math.isnan(recall(dice_matrix(FOUND, [])))
    assert math.isnan(contained_recall([], FOUND, SHAPE))
    assert contained_recall(TRUTH, [], SHAPE) == 0


def test_a_cell_counts_as_contained_in_the_union_from_99_percent() -> None:
    cell = BoxPx(0, 0, 100, 1)
    halves = [BoxPx(0, 0, 50, 1), BoxPx(50, 0, 99, 1)]
    assert contained_recall([cell], halves, SHAPE) == 1
    assert contained_recall([cell], [halves[0], BoxPx(50, 0, 98, 1)], SHAPE) == 0


def test_masks_count_only_their_own_pixels() -> None:
    mask = np.zeros(SHAPE, dtype=np.bool_)
    mask[5:10, 5:10] = True
    mask[0, 0] = True
    assert contained_recall([mask], [BoxPx(5, 5, 10, 10)], SHAPE) == 0
    assert contained_recall([mask], [BoxPx(0, 0, 10, 10)], SHAPE) == 1
