"""Agreement of readers."""

import math

import numpy as np
import pytest

from detection.evaluation.experts import agreement, dice_table, groups, mean_between
from detection.image.boxes import BoxPx

PAPER_TABLE_1 = np.array(
    [
        [100, 45, 74, 55, 80],
        [83, 100, 71, 70, 85],
        [83, 45, 100, 54, 70],
        [85, 56, 71, 100, 86],
        [79, 44, 63, 55, 100],
    ],
    dtype=float,
)
A, B, C = BoxPx(0, 0, 10, 10), BoxPx(50, 50, 60, 70), BoxPx(80, 80, 90, 90)


def test_who_marks_more_is_met_less() -> None:
    table = dice_table([{0: [A]}, {0: [A, B]}])
    assert table.tolist() == [[1, 1], [0.5, 1]]
    assert mean_between(table) == 0.75


def test_the_mean_of_the_papers_table_is_that_of_the_paper() -> None:
    assert mean_between(PAPER_TABLE_1) == pytest.approx(67.7)


def test_agreement_over_images_together() -> None:
    truth = {0: [A, B], 1: [C]}
    found = {0: [BoxPx(0, 0, 10, 5)], 2: [C]}
    against = agreement(truth, found)
    assert against.dice == pytest.approx((2 / 3 + 0 + 0) / 3)
    assert against.recall == pytest.approx(1 / 3)
    assert against.precision == pytest.approx(1 / 2)


def test_a_box_of_another_image_does_not_count() -> None:
    assert agreement({0: [A]}, {1: [A]}).recall == 0


def test_without_boxes_there_is_no_figure() -> None:
    assert math.isnan(agreement({}, {0: [A]}).dice)
    assert math.isnan(agreement({0: [A]}, {}).precision)
    assert math.isnan(mean_between(dice_table([{0: [A]}])))


def test_two_schools_are_told_apart() -> None:
    shifted = BoxPx(1, 0, 11, 10)
    generous = [{0: [A, B, C]}, {0: [shifted, B, C]}]
    strict = [{0: [A]}, {0: [shifted]}, {0: [A]}]
    assert groups(dice_table([*generous, *strict])) == [1, 1, 2, 2, 2]
    assert groups(dice_table([strict[0], generous[0], strict[1], generous[1], strict[2]])) == [1, 2, 1, 2, 1]


def test_two_readers_are_one_group() -> None:
    assert groups(dice_table([{0: [A]}, {0: [B]}])) == [1, 1]


def test_of_the_papers_readers_the_second_stands_apart() -> None:
    assert groups(PAPER_TABLE_1 / 100) == [1, 2, 1, 1, 1]
