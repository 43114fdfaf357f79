"""Quality of detections over many frames: the figures of the paper, and those of boxes as imaged."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from detection.evaluation.dice import CORRECT_DICE, WHOLE_SHARE, dice_matrix
from detection.evaluation.truth import TrueCell
from detection.image.boxes import BoxPx, dice, intersection_px, union_mask
from detection.image.hits import Cell

CONTRAST_EDGES = (0.0, 0.5, 1.0, 2.0, 4.0, math.inf)
"""Edges of the groups by contrast-to-noise: factors of two; chosen by hand."""
SIZE_EDGES_UM = (0.0, 2.0, 4.0, 8.0, 12.0, math.inf)
"""Edges of the groups by size, the diameter of a disc of the same area, um; chosen by hand."""
REAL_SHARE = 0.5
"""Share of the smaller of hit and cell that both cover, for the hit to be real; chosen by hand."""


@dataclass(frozen=True, slots=True)
class JudgedFrame:
    """One frame with the cells found and the true cells.

    Attributes
    ----------
    name : str
        File and page, for people.
    shape : (int, int)
        Rows and columns.
    pixel_size_um : float
    cells : tuple of Cell
        Cells found, after the policy; those that the policy left out do not count as found.
    truth : tuple of TrueCell
    serial : bool
        True if neighbouring sections took part in the decisions.
    """

    name: str
    shape: tuple[int, int]
    pixel_size_um: float
    cells: tuple[Cell, ...]
    truth: tuple[TrueCell, ...]
    serial: bool = False

    @property
    def counted(self) -> tuple[TrueCell, ...]:
        """The true cells that must be found."""
        return tuple(cell for cell in self.truth if cell.counted)

    @property
    def kept(self) -> tuple[Cell, ...]:
        """The found cells that are judged: those imaged, except on uncounted cells alone."""
        left_out = [cell.box for cell in self.truth if not cell.counted]
        counted = [cell.box for cell in self.counted]
        return tuple(
            cell
            for cell in self.cells
            if cell.image_box_px is not None
            and not (_touches(cell.box_px, left_out) and not _touches(cell.box_px, counted))
        )

    @property
    def dice(self) -> NDArray[np.float64]:
        """Dice index of the undilated boxes of `kept` (rows) and `counted` (columns), Eq. 2."""
        return dice_matrix([cell.box_px for cell in self.kept], [cell.box for cell in self.counted])

    @property
    def imaged(self) -> NDArray[np.bool_]:
        """Pixels that the beam images, (rows, columns)."""
        return union_mask((c.image_box_px for c in self.cells if c.image_box_px is not None), self.shape)


@dataclass(frozen=True, slots=True)
class Group:
    """Recall of a group of true cells.

    Attributes
    ----------
    name : str
    cells : int
    recall : float
        Share with a found box of D > 0.5.
    contained : float
        Share with at least 99 % of their pixels imaged.
    half_inside : float
        Share with at least half of their pixels imaged.
    inside : float
        Share of their pixels that are imaged, mean over cells.
    """

    name: str
    cells: int
    recall: float
    contained: float
    half_inside: float
    inside: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Figures over all frames; NaN where undefined.

    Attributes
    ----------
    frames, empty_frames : int
    true_cells, found_cells : int
        Only those that count.
    dice_found, dice_truth : float
        D_det and D_GT, means over all found and all true cells (Eqs. 3 and 4).
    recall, precision : float
        At D > 0.5, undilated.
    contained_recall : float
        Share of cells of which at least 99 % is imaged.
    missed_cells : int
        The other cells.
    imaged_over_cells : float
        Imaged area over the area of the true boxes, in frames with cells.
    imaged_fraction : float
        Imaged area over that of the frames.
    empty_imaged_fraction : float
        The same of the frames without cells.
    groups : tuple of Group
        By contrast-to-noise, size and kind, where the truth has them.
    """

    frames: int
    empty_frames: int
    true_cells: int
    found_cells: int
    dice_found: float
    dice_truth: float
    recall: float
    precision: float
    contained_recall: float
    missed_cells: int
    imaged_over_cells: float
    imaged_fraction: float
    empty_imaged_fraction: float
    groups: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class _JudgedCell:
    cell: TrueCell
    size_um: float
    best_dice: float
    inside: float


def evaluate(frames: Sequence[JudgedFrame]) -> Evaluation:
    """Evaluate detections over all frames together; every cell counts the same."""
    judged: list[_JudgedCell] = []
    best_of_found: list[float] = []
    imaged_px, cell_px, frame_px, empty_imaged_px, empty_px, imaged_with_cells_px = 0, 0, 0, 0, 0, 0
    empty = 0
    for frame in frames:
        truth, imaged, matrix = frame.counted, frame.imaged, frame.dice
        best_of_found += matrix.max(axis=1, initial=0.0).tolist()
        best = matrix.max(axis=0, initial=0.0)
        judged += [
            _JudgedCell(cell, _size_um(cell, frame.pixel_size_um), float(top), cell.share_inside(imaged))
            for cell, top in zip(truth, best, strict=True)
        ]
        here = int(imaged.sum())
        imaged_px, frame_px = imaged_px + here, frame_px + imaged.size
        if truth:
            cell_px += int(union_mask((cell.box for cell in truth), frame.shape).sum())
            imaged_with_cells_px += here
        elif not frame.truth:
            empty, empty_px, empty_imaged_px = empty + 1, empty_px + imaged.size, empty_imaged_px + here
    contained = [cell.inside >= WHOLE_SHARE for cell in judged]
    return Evaluation(
        frames=len(frames),
        empty_frames=empty,
        true_cells=len(judged),
        found_cells=len(best_of_found),
        dice_found=_mean(best_of_found),
        dice_truth=_mean([cell.best_dice for cell in judged]),
        recall=_mean([cell.best_dice > CORRECT_DICE for cell in judged]),
        precision=_mean([top > CORRECT_DICE for top in best_of_found]),
        contained_recall=_mean(contained),
        missed_cells=len(judged) - sum(contained),
        imaged_over_cells=_ratio(imaged_with_cells_px, cell_px),
        imaged_fraction=_ratio(imaged_px, frame_px),
        empty_imaged_fraction=_ratio(empty_imaged_px, empty_px),
        groups=tuple(_groups(judged)),
    )


def is_real(found: BoxPx, truth: Iterable[TrueCell]) -> bool:
    """Return True if there is a cell at a hit, well outlined or not.

    There is one if half of the smaller of the two boxes lies in the other, or if D > 0.5. Cells that do not
    count make a hit real, too.
    """
    return any(
        intersection_px(found, cell.box) >= REAL_SHARE * min(found.area_px, cell.box.area_px)
        or dice(found, cell.box) > CORRECT_DICE
        for cell in truth
    )


def _groups(judged: list[_JudgedCell]) -> Iterable[Group]:
    """Group cells by contrast-to-noise, size and kind, without empty groups."""
    known = [cell for cell in judged if cell.cell.contrast_to_noise is not None]
    yield from _between(
        known, "contrast-to-noise {}", CONTRAST_EDGES, lambda c: c.cell.contrast_to_noise or 0.0
    )
    sized = [cell for cell in judged if cell.cell.mask is not None]
    yield from _between(sized, "{} um across", SIZE_EDGES_UM, lambda c: c.size_um)
    for kind in sorted({cell.cell.kind for cell in judged} - {""}):
        yield _group(kind, [cell for cell in judged if cell.cell.kind == kind])


def _between(
    judged: list[_JudgedCell], what: str, edges: Sequence[float], value: Callable[[_JudgedCell], float]
) -> Iterable[Group]:
    for low, high in pairwise(edges):
        cells = [cell for cell in judged if low <= value(cell) < high]
        if cells:
            span = f"{low:g} and more" if math.isinf(high) else f"{low:g} to {high:g}"
            yield _group(what.format(span), cells)


def _group(name: str, cells: list[_JudgedCell]) -> Group:
    return Group(
        name=name,
        cells=len(cells),
        recall=_mean([cell.best_dice > CORRECT_DICE for cell in cells]),
        contained=_mean([cell.inside >= WHOLE_SHARE for cell in cells]),
        half_inside=_mean([cell.inside >= 0.5 for cell in cells]),
        inside=_mean([cell.inside for cell in cells]),
    )


def _size_um(cell: TrueCell, pixel_size_um: float) -> float:
    return 2 * math.sqrt(cell.area_px / math.pi) * pixel_size_um


def _touches(box: BoxPx, others: Iterable[BoxPx]) -> bool:
    return any(intersection_px(box, other) for other in others)


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else math.nan


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else math.nan
