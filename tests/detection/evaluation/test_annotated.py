import numpy as np
import pytest

from detection.evaluation.annotated import AnnotatedFrame, halves, in_parts, pixels_of
from detection.evaluation.truth import TrueCell
from detection.image.boxes import BoxPx
from detection.image.frames import check_frame


def annotated(*cells: TrueCell, shape: tuple[int, int] = (60, 40)) -> AnnotatedFrame:
    pixels = np.random.default_rng(1).integers(0, 999, shape).astype(np.uint16)
    inside = np.zeros(shape, np.bool_)
    for cell in cells:
        inside[cell.box.slices] |= pixels_of(cell)
    return AnnotatedFrame(check_frame(pixels, 0.2), inside, np.zeros(shape, np.bool_), cells)


def test_a_frame_is_halved_across_its_longer_side() -> None:
    assert [half.cell.shape for half in halves(annotated())] == [(30, 40)] * 2
    assert [half.cell.shape for half in halves(annotated(shape=(40, 61)))] == [(40, 30), (40, 31)]


def test_a_cell_that_is_cut_is_in_both_halves() -> None:
    box = TrueCell("a", BoxPx(10, 20, 30, 40))
    corner = np.zeros((20, 20), np.bool_)
    corner[:4, :6] = True
    outlined = TrueCell("b", BoxPx(0, 20, 20, 40), mask=corner, kind="dim")
    first, second = halves(annotated(box, outlined))
    assert [cell.box for cell in first.truth] == [BoxPx(10, 20, 30, 30), BoxPx(0, 20, 6, 24)]
    assert [cell.box for cell in second.truth] == [BoxPx(10, 0, 30, 10)]
    assert first.truth[1].kind == "dim"
    assert first.truth[1].area_px == 24


def test_parts_hold_all_pixels_once() -> None:
    item = annotated(TrueCell("a", BoxPx(5, 5, 35, 55), mask=np.ones((50, 30), np.bool_)))
    parts = in_parts(item, 3, 2)
    assert sum(part.cell.size for part in parts) == item.cell.size
    assert sum(int(part.cell.sum()) for part in parts) == int(item.cell.sum())
    assert sum(cell.area_px for part in parts for cell in part.truth) == 1500
    assert sum(part.frame.values.sum() for part in parts) == pytest.approx(item.frame.values.sum())


def test_a_half_without_contrast_is_constant() -> None:
    pixels = np.full((64, 32), 7, np.uint16)
    pixels[:32] = np.random.default_rng(1).integers(0, 999, (32, 32))
    blank = np.zeros((64, 32), np.bool_)
    item = AnnotatedFrame(check_frame(pixels, 0.2), blank, blank, ())
    assert [half.frame.constant for half in halves(item)] == [False, True]
