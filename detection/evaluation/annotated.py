"""Frames with the annotations of a person, from which detectors learn."""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from detection.evaluation.truth import TrueCell
from detection.image.boxes import BoxPx
from detection.image.frames import Frame


@dataclass(frozen=True, slots=True)
class AnnotatedFrame:
    """Frame with the annotations of a person.

    Attributes
    ----------
    frame : Frame
    cell : (rows, columns) array of bool
        Pixels that lie in cells.
    unknown : (rows, columns) array of bool
        Pixels of which nothing is known, as the corners of a box around a cell; they are not learnt from.
    truth : tuple of TrueCell
        The marks themselves.
    """

    frame: Frame
    cell: NDArray[np.bool_]
    unknown: NDArray[np.bool_]
    truth: tuple[TrueCell, ...]

    @property
    def cells(self) -> int:
        """Number of marked cells that a detector should find."""
        return sum(cell.counted for cell in self.truth)


def pixels_of(cell: TrueCell) -> NDArray[np.bool_]:
    """Return the pixels of a cell in its box; the inscribed ellipse if only the box is known."""
    return _ellipse(cell.box.height_px, cell.box.width_px) if cell.mask is None else cell.mask


def _ellipse(rows: int, columns: int) -> NDArray[np.bool_]:
    """Return the pixels whose centres lie in the ellipse that touches the sides of a box."""
    y = (2 * np.arange(rows)[:, None] + 1) / rows - 1
    x = (2 * np.arange(columns) + 1) / columns - 1
    return np.asarray(x**2 + y**2 <= 1)


def in_parts(item: AnnotatedFrame, down: int, across: int) -> list[AnnotatedFrame]:
    """Cut a frame into equal parts without overlap, with the cells that this cuts."""
    rows, columns = item.cell.shape
    ys = [rows * n // down for n in range(down + 1)]
    xs = [columns * n // across for n in range(across + 1)]
    return [_part(item, BoxPx(x0, y0, x1, y1)) for y0, y1 in pairwise(ys) for x0, x1 in pairwise(xs)]


def halves(item: AnnotatedFrame) -> list[AnnotatedFrame]:
    """Cut a frame across its longer side."""
    rows, columns = item.cell.shape
    return in_parts(item, 2, 1) if rows >= columns else in_parts(item, 1, 2)


def _part(item: AnnotatedFrame, box: BoxPx) -> AnnotatedFrame:
    """Cut a box out of an annotated frame."""
    truth = [part for cell in item.truth if (part := _cut(cell, box)) is not None]
    values = np.ascontiguousarray(item.frame.values[box.slices])
    constant = bool(values.min() == values.max())
    border = None if item.frame.border is None else item.frame.border[box.slices]
    frame = replace(item.frame, values=values, border=border, constant=constant)
    return AnnotatedFrame(frame, item.cell[box.slices], item.unknown[box.slices], tuple(truth))


def _cut(cell: TrueCell, box: BoxPx) -> TrueCell | None:
    """Return what a box holds of a cell, by the corner of the box; None for nothing."""
    x0, y0 = max(cell.box.x0, box.x0), max(cell.box.y0, box.y0)
    x1, y1 = min(cell.box.x1, box.x1), min(cell.box.y1, box.y1)
    if x0 >= x1 or y0 >= y1:
        return None
    if cell.mask is None:
        return replace(cell, box=BoxPx(x0 - box.x0, y0 - box.y0, x1 - box.x0, y1 - box.y0))
    mask = cell.mask[y0 - cell.box.y0 : y1 - cell.box.y0, x0 - cell.box.x0 : x1 - cell.box.x0]
    if not mask.any():
        return None
    part = TrueCell.of_mask(cell.id, mask, (x0 - box.x0, y0 - box.y0))
    return replace(cell, box=part.box, mask=part.mask)
