"""Hits of one cell, joined: a detector may give several boxes for a cell, but a track has one sighting."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from detection.image.boxes import BoxPx, around, intersection_px, pairwise_areas, union_mask
from detection.image.hits import NO_CELL, Cell, CellSource
from detection.serial.settings import SETTINGS

_SETTINGS = SETTINGS.hits_of_one_cell


def gives_one_box_a_cell(cells: Sequence[Cell]) -> bool:
    """Return True if most hits come from a detector that boxes cells one by one, not what is connected."""
    return sum(cell.outer_px is not None for cell in cells) > len(cells) / 2


def join_alike(cells: Sequence[Cell]) -> tuple[Cell, ...]:
    """Join the hits of a section whose boxes are so much alike that they are of one cell.

    The most confident one of each cell stays. All that is imaged of the others is imaged with it.
    """
    if len(cells) < 2:
        return tuple(cells)
    order = _by_trust(cells)
    alike = _alike([cells[n].box_px for n in order])
    left = np.ones(len(order), np.bool_)
    joined: dict[int, Cell] = {}
    for best, others in enumerate(alike):
        if left[best]:
            group = np.flatnonzero(others & left).tolist()
            left[[best, *group]] = False
            one = cells[order[best]]
            for other in group:
                if other != best:
                    one = united(one, cells[order[other]])
            joined[order[best]] = one
    return tuple(joined[n] for n in sorted(joined))


def are_covered(cells: Sequence[Cell], shape: tuple[int, int]) -> list[bool]:
    """Return True for each hit that may be of the same cells as those that cover it.

    Most of its box lies in boxes of more confident hits of the section.

    Parameters
    ----------
    cells : sequence of Cell
    shape : (int, int)
        Rows and columns of the frame.
    """
    taken = np.zeros(shape, np.bool_)
    covered = [False] * len(cells)
    for n in _by_trust(cells):
        if cells[n].decision not in NO_CELL:
            place = taken[cells[n].box_px.slices]
            covered[n] = bool(place.mean() >= _SETTINGS.least_covered)
            if not covered[n]:
                place[:] = True
    return covered


def absorbed(cells: Sequence[Cell], keep: Sequence[bool], shape: tuple[int, int]) -> list[Cell]:
    """Leave out hits that are of the same cells as others, without losing anything that is imaged.

    Parameters
    ----------
    cells : sequence of Cell
    keep : sequence of bool
        False for hits to leave out.
    shape : (int, int)
        Rows and columns of the frame.

    Returns
    -------
    list of Cell
        The others, each imaged as before or more.
    """
    result = [cell for cell, stays in zip(cells, keep, strict=True) if stays]
    imaged = union_mask([cell.image_box_px for cell in result if cell.image_box_px is not None], shape)
    for cell, stays in zip(cells, keep, strict=True):
        if stays or cell.image_box_px is None:
            continue
        missing = _box_of_missing(imaged, cell.image_box_px)
        if missing is None:
            continue
        shared = [
            -1 if one.decision in NO_CELL else intersection_px(one.box_px, cell.box_px) for one in result
        ]
        nearest = int(np.argmax(shared))
        result[nearest] = united(result[nearest], replace(cell, image_box_px=missing, outer_px=None))
        grown = result[nearest].image_box_px
        assert grown is not None
        imaged[grown.slices] = True
    return result


def united(one: Cell, other: Cell) -> Cell:
    """Return a cell that is imaged with all that is imaged of another hit of it."""
    imaged = _around(one.image_box_px, other.image_box_px)
    both = replace(
        one,
        image_box_px=imaged,
        outer_px=_around(one.outer_px, other.outer_px),
        confidence=max(one.confidence, other.confidence),
        extent_uncertainty_um=max(one.extent_uncertainty_um, other.extent_uncertainty_um),
    )
    if one.image_box_px is None and imaged is not None:
        return replace(both, reason=other.reason, decision=other.decision)
    return both


def _around(one: BoxPx | None, other: BoxPx | None) -> BoxPx | None:
    if one is None or other is None:
        return other if one is None else one
    return around(one, other)


def _by_trust(cells: Sequence[Cell]) -> list[int]:
    """Return the order of trust: what the section shows itself first, then by confidence and size."""
    return sorted(
        range(len(cells)),
        key=lambda n: (
            cells[n].source is CellSource.AVERAGED,
            -cells[n].confidence,
            -cells[n].box_px.area_px,
            n,
        ),
    )


def _alike(boxes: Sequence[BoxPx]) -> NDArray[np.bool_]:
    """Return True for pairs of boxes, (N, N), of one cell; boxes come in order of trust."""
    sides = np.array([box.as_tuple() for box in boxes], dtype=np.int64)
    shared, area, other = pairwise_areas(sides, sides)
    return np.asarray(shared >= _SETTINGS.least_iou * (area + other - shared))


def _box_of_missing(imaged: NDArray[np.bool_], box: BoxPx) -> BoxPx | None:
    """Return the box around the pixels of a box that a mask lacks; None if it has them all."""
    missing = ~imaged[box.slices]
    if not missing.any():
        return None
    rows, columns = np.flatnonzero(missing.any(axis=1)), np.flatnonzero(missing.any(axis=0))
    return BoxPx(
        box.x0 + int(columns[0]),
        box.y0 + int(rows[0]),
        box.x0 + int(columns[-1]) + 1,
        box.y0 + int(rows[-1]) + 1,
    )
