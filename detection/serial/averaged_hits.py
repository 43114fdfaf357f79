"""Hits of a section by itself and of its average with neighbours, joined."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from detection.image.boxes import BoxPx, union_mask
from detection.image.hits import Cell, CellSource
from detection.serial.hits_of_one_cell import united
from detection.serial.pooling import Layer, support
from detection.serial.settings import SETTINGS

REASON = "kept: seen with its neighbours"
_SETTINGS = SETTINGS.averaged_hits


def join_hits(
    single: Sequence[Cell],
    averaged: Sequence[Cell],
    own: Layer,
    average: Layer,
    fixed: Sequence[BoxPx] = (),
) -> tuple[Cell, ...]:
    """Join the hits of a section with those of its average with neighbours.

    No hit of the section itself is lost. A cell of both is imaged where either shows it, but keeps the box of
    the section itself, since neighbours show it larger or smaller. A cell of the average alone is accepted if
    it stands out there, whatever a detector sees in noise, and the section itself has some intensity as well;
    one below the floor of the policy stays below it.

    Parameters
    ----------
    single, averaged : sequence of Cell
    own, average : Layer
        The section, and its average with neighbours.
    fixed : sequence of BoxPx
        Fixed pattern of the camera.

    Returns
    -------
    tuple of Cell
        Ids are those of `single`; cells of the average have none.
    """
    result = list(single)
    taken = union_mask([cell.box_px for cell in (*single, *averaged)], own.frame.shape)
    of_single, of_fixed = _sides([cell.box_px for cell in single]), _sides(fixed)
    for cell in averaged:
        box = cell.box_px
        if _same(box, of_fixed):
            continue
        partners = _same(box, of_single)
        if not partners:
            if (
                support(own, box, taken) >= _SETTINGS.least_support_sd
                and support(average, box, taken) >= _SETTINGS.least_in_average_sd
            ):
                # What the policy leaves out of the average is reported with its own reason, and not as kept.
                reason = cell.reason if cell.image_box_px is None else REASON
                result.append(replace(cell, id="", reason=reason, source=CellSource.AVERAGED))
        elif len(partners) == 1 and cell.image_box_px is not None:
            result[partners[0]] = _united(result[partners[0]], cell)
    return tuple(result)


def _sides(boxes: Sequence[BoxPx]) -> NDArray[np.int64]:
    return np.array([box.as_tuple() for box in boxes], dtype=np.int64).reshape(-1, 4).T


def _same(box: BoxPx, sides: NDArray[np.int64]) -> list[int]:
    """Return the indices of boxes of which the smaller one shares half with a box."""
    x0, y0, x1, y1 = sides
    width = np.minimum(x1, box.x1) - np.maximum(x0, box.x0)
    height = np.minimum(y1, box.y1) - np.maximum(y0, box.y0)
    shared = np.maximum(width, 0) * np.maximum(height, 0)
    least = _SETTINGS.same_share * np.minimum((x1 - x0) * (y1 - y0), box.area_px)
    return np.flatnonzero(shared >= least).tolist()


def _united(one: Cell, other: Cell) -> Cell:
    both = united(one, other)
    if one.image_box_px is not None:
        return both
    return replace(both, reason=REASON, source=CellSource.AVERAGED, decision=other.decision)
