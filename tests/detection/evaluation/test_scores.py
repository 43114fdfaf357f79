"""Figures over frames, by hand."""

import math

import numpy as np
import pytest

from detection.evaluation.scores import JudgedFrame, evaluate, is_real
from detection.evaluation.truth import TrueCell
from detection.image.boxes import BoxPx
from detection.image.hits import Cell

SHAPE = (100, 100)


def cell(box: BoxPx, margin: int | None = 0, confidence: float = 0.9) -> Cell:
    return Cell("c", box, None if margin is None else box.dilated(margin, SHAPE), confidence, "")


def frame(cells: list[Cell], truth: list[TrueCell]) -> JudgedFrame:
    return JudgedFrame("f", SHAPE, 0.2, tuple(cells), tuple(truth))


A, B = BoxPx(0, 0, 10, 10), BoxPx(50, 50, 60, 70)


def test_figures_of_two_frames_by_hand() -> None:
    first = frame([cell(A), cell(BoxPx(80, 80, 90, 90))], [TrueCell("a", A), TrueCell("b", B)])
    second = frame([cell(BoxPx(0, 0, 10, 5), margin=5)], [TrueCell("a", A)])
    figures = evaluate([first, second])
    assert (figures.frames, figures.empty_frames, figures.true_cells, figures.found_cells) == (2, 0, 3, 3)
    assert figures.dice_truth == pytest.approx((1 + 0 + 2 / 3) / 3)
    assert figures.dice_found == pytest.approx((1 + 0 + 2 / 3) / 3)
    assert figures.recall == figures.precision == pytest.approx(2 / 3)
    assert figures.contained_recall == pytest.approx(2 / 3)
    assert figures.missed_cells == 1
    # 200 px of boxes in the first frame, 15 x 10 in the second; cells 300 and 100 px.
    assert figures.imaged_over_cells == pytest.approx(350 / 400)
    assert figures.imaged_fraction == pytest.approx(350 / 20_000)
    assert math.isnan(figures.empty_imaged_fraction)


def test_what_is_imaged_of_empty_frames_counts_apart() -> None:
    figures = evaluate([frame([cell(A)], []), frame([cell(B)], [TrueCell("b", B)]), frame([], [])])
    assert figures.empty_frames == 2
    assert figures.empty_imaged_fraction == pytest.approx(100 / 20_000)
    assert figures.imaged_over_cells == 1
    assert figures.precision == 0.5


def test_what_the_policy_leaves_out_is_not_found() -> None:
    figures = evaluate([frame([cell(A, margin=None)], [TrueCell("a", A)])])
    assert figures.found_cells == 0
    assert figures.recall == figures.contained_recall == 0
    assert math.isnan(figures.precision)


def test_an_uncounted_cell_is_neither_missed_nor_wrong() -> None:
    graze = TrueCell("g", BoxPx(30, 30, 33, 33), counted=False)
    nothing = evaluate([frame([cell(A)], [TrueCell("a", A), graze])])
    found = evaluate([frame([cell(A), cell(graze.box)], [TrueCell("a", A), graze])])
    for figures in (nothing, found):
        assert (figures.true_cells, figures.found_cells) == (1, 1)
        assert figures.recall == figures.precision == 1


def test_a_found_box_over_a_counted_and_an_uncounted_cell_is_judged() -> None:
    graze = TrueCell("g", BoxPx(10, 0, 12, 10), counted=False)
    figures = evaluate([frame([cell(BoxPx(0, 0, 40, 40))], [TrueCell("a", A), graze])])
    assert figures.found_cells == 1
    assert figures.precision == 0


def test_groups_by_contrast_size_and_kind() -> None:
    mask = np.ones((10, 10), dtype=np.bool_)
    truth = [
        TrueCell("a", A, mask, contrast_to_noise=0.7, kind="dim"),
        TrueCell("b", B, np.ones((20, 10), dtype=np.bool_), contrast_to_noise=3.0, kind="clear"),
    ]
    groups = {group.name: group for group in evaluate([frame([cell(B)], truth)]).groups}
    # 100 and 200 pixels of 0.2 um: discs of 2.26 and 3.19 um.
    assert list(groups) == [
        "contrast-to-noise 0.5 to 1",
        "contrast-to-noise 2 to 4",
        "2 to 4 um across",
        "clear",
        "dim",
    ]
    assert groups["2 to 4 um across"].cells == 2
    assert groups["clear"].contained == groups["contrast-to-noise 2 to 4"].contained == 1
    assert groups["dim"].contained == groups["dim"].inside == 0


def test_a_cell_with_a_mask_needs_only_its_pixels() -> None:
    mask = np.zeros((10, 10), dtype=np.bool_)
    mask[:, 2:8] = True
    mask[4, :] = True
    ring = TrueCell("a", A, mask)
    inside = frame([cell(BoxPx(2, 0, 8, 10))], [ring])
    assert ring.share_inside(inside.imaged) == pytest.approx(60 / 64)
    assert evaluate([inside]).contained_recall == 0
    assert evaluate([inside]).groups[0].half_inside == 1


def test_no_frames_give_no_figures() -> None:
    figures = evaluate([])
    assert figures.true_cells == 0
    assert math.isnan(figures.recall)
    assert math.isnan(figures.imaged_fraction)


@pytest.mark.parametrize(
    ("found", "real"),
    [
        (A, True),
        (BoxPx(0, 0, 4, 4), True),
        (BoxPx(0, 0, 100, 100), True),
        (BoxPx(8, 0, 18, 10), False),
        (BoxPx(30, 30, 40, 40), False),
    ],
)
def test_a_hit_is_real_where_half_of_the_smaller_lies_in_the_other(found: BoxPx, real: bool) -> None:
    assert is_real(found, [TrueCell("a", A)]) is real
