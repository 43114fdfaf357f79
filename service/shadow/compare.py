"""Cells that one detector has imaged and another has not: by the share of each that the other images."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import shapely
from numpy.typing import NDArray

from detection.evaluation.dice import WHOLE_SHARE
from drivers.pose import RectM
from service.model.specimen import Cell

HALF = 0.5
"""Share of a cell below which it counts as lost; `ilemtrack evaluate` counts cells imaged by half, too."""


class Fate(StrEnum):
    """Fate of a cell with the other detector."""

    KEPT = "kept"
    """At least 99 % of its box is imaged."""
    PARTLY = "partly"
    """At least half of it is."""
    MISSED = "missed"
    """Less than half of it is."""


class Why(StrEnum):
    """Reason why the other detector does not image a cell."""

    NOT_FOUND = "not_found"
    NOT_KEPT = "not_kept"
    """It is found, and the policy leaves it out, as by its confidence."""
    NOT_CHOSEN = "not_chosen"
    """It is found, and left out by the choice of cells (`targets`)."""
    SMALLER = "smaller"
    """It is found and imaged, with a much smaller box."""
    NO_DETECTION = "no_detection"
    """Detection failed in its field."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A cell that is imaged with one detector, and what the other does to it.

    Attributes
    ----------
    cell : Cell
    share : float
        Part of its box, as found, inside what the other images, 0..1.
    in_frames : float
        Part of its box inside the planned frames of the other, which show more than the cells, 0..1.
    why : Why or None
        None unless it is missed.
    """

    cell: Cell
    share: float
    in_frames: float
    why: Why | None

    @property
    def fate(self) -> Fate:
        """Fate of the cell."""
        if self.share < HALF:
            return Fate.MISSED
        return Fate.KEPT if self.share >= WHOLE_SHARE else Fate.PARTLY


@dataclass(frozen=True, slots=True)
class Side:
    """A section with one detector.

    Attributes
    ----------
    cells : sequence of Cell
        All that were found.
    frames_m : sequence of RectM
        Planned frames.
    failed : collection of str
        Fields without a detection.
    """

    cells: Sequence[Cell]
    frames_m: Sequence[RectM] = ()
    failed: Collection[str] = ()

    @property
    def imaged(self) -> tuple[Cell, ...]:
        """Cells to image."""
        return tuple(cell for cell in self.cells if is_imaged(cell))


def is_imaged(cell: Cell) -> bool:
    """Return True for a cell that policy and choice have imaged."""
    return cell.image_rect_m is not None and cell.left_out is None


def judged(one: Side, other: Side) -> tuple[Judged, ...]:
    """Judge the cells that are imaged on one side by what the other images, in their order."""
    imaged = [cell.image_rect_m for cell in other.imaged if cell.image_rect_m is not None]
    found = []
    for cell in one.imaged:
        share = share_inside(cell.rect_m, imaged)
        why = _why(cell, other) if share < HALF else None
        found.append(Judged(cell, share, share_inside(cell.rect_m, other.frames_m), why))
    return tuple(found)


def share_inside(rect_m: RectM, others_m: Sequence[RectM]) -> float:
    """Return the share of the area of a rectangle inside the union of others, 0..1."""
    if not others_m:
        return 0.0
    near = np.array(others_m)[_touching(rect_m, others_m)]
    if not len(near):
        return 0.0
    box = shapely.box(*rect_m)
    # Areas of some 1e-10 m2 are far above the rounding of the union.
    inside = shapely.intersection(shapely.union_all(shapely.box(*near.T)), box)
    return min(1.0, float(inside.area / box.area))


def _touching(rect_m: RectM, others_m: Sequence[RectM]) -> NDArray[np.bool_]:
    x0, y0, x1, y1 = np.array(others_m).T
    touching: NDArray[np.bool_] = (x0 < rect_m[2]) & (x1 > rect_m[0]) & (y0 < rect_m[3]) & (y1 > rect_m[1])
    return touching


def _why(cell: Cell, other: Side) -> Why:
    if cell.field in other.failed:
        return Why.NO_DETECTION
    near = [one for one in other.cells if _alike(cell.rect_m, one.rect_m)]
    if any(is_imaged(one) for one in near):
        return Why.SMALLER
    if any(one.left_out is not None for one in near):
        return Why.NOT_CHOSEN
    return Why.NOT_KEPT if near else Why.NOT_FOUND


def _alike(a: RectM, b: RectM) -> bool:
    """Return True if two boxes share at least half of the smaller one."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    smaller = min((r[2] - r[0]) * (r[3] - r[1]) for r in (a, b))
    return width > 0 and height > 0 and width * height >= HALF * smaller
