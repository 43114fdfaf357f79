"""Cells of a section alone and of its average with neighbours, joined."""

from collections.abc import Sequence
from dataclasses import replace

from detection.boxes import BoxPx, around, intersection_px, union_mask
from detection.cells import Cell
from detection.pooling import Layer, support

SAME_SHARE = 0.5
LEAST_SUPPORT = 2.0
"""Of the section's own light; what only its neighbours show is carried as a track or not at all."""
REASON = "kept: seen with its neighbours"


def joined(
    single: Sequence[Cell], averaged: Sequence[Cell], own: Layer, fixed: Sequence[BoxPx] = ()
) -> tuple[Cell, ...]:
    """Join what a section shows alone with what it shows averaged with its neighbours.

    Nothing that it shows alone is lost. A cell that both show is imaged where either shows it, but keeps the
    box that the section gives it, since neighbours show it larger or smaller. A cell of the
    average alone is taken if the section itself has some light there.

    Parameters
    ----------
    single, averaged : sequence of Cell
    own : Layer
        The section.
    fixed : sequence of BoxPx
        What is fixed in the camera.

    Returns
    -------
    tuple of Cell
        Ids are those of `single`; cells of the average have none.
    """
    result = list(single)
    taken = union_mask([cell.box_px for cell in (*single, *averaged)], own.frame.shape)
    for cell in averaged:
        box = cell.box_px
        if any(_same(box, other) for other in fixed):
            continue
        partners = [n for n, other in enumerate(single) if _same(box, other.box_px)]
        if not partners:
            if support(own, box, taken) >= LEAST_SUPPORT:
                result.append(replace(cell, id="", reason=REASON))
        elif len(partners) == 1 and cell.image_box_px is not None:
            result[partners[0]] = _united(result[partners[0]], cell)
    return tuple(result)


def _same(a: BoxPx, b: BoxPx) -> bool:
    return intersection_px(a, b) >= SAME_SHARE * min(a.area_px, b.area_px)


def _united(one: Cell, other: Cell) -> Cell:
    image_box = other.image_box_px if one.image_box_px is None else one.image_box_px
    if one.image_box_px is not None and other.image_box_px is not None:
        image_box = around(one.image_box_px, other.image_box_px)
    confidence = max(one.confidence, other.confidence)
    reason = one.reason if one.image_box_px is not None else REASON
    unsure_um = max(one.unsure_um, other.unsure_um)
    return Cell(one.id, one.box_px, image_box, confidence, reason, unsure_um)
