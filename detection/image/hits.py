"""Hits of a detector, and cells after the recall-first policy."""

from dataclasses import dataclass, field
from enum import StrEnum

from detection.image.boxes import BoxPx
from detection.votes import Votes

OUTER_QUANTILE = 0.98
"""Chance that a cell does not reach beyond one side of `Hit.outer`."""


class SeenBy(StrEnum):
    """Detectors that see a cell, where two looked."""

    BOTH = "both"
    NETWORK = "network"
    RECALL_FIRST = "recall_first"
    """Only recall-first, and the network does not rule it out."""
    UNDECIDED = "undecided"
    """Only recall-first. The network would rule it out, but is not trusted in this frame."""


@dataclass(frozen=True, slots=True)
class Hit:
    """Possible cell found by a detector, before any policy.

    Attributes
    ----------
    box : BoxPx
        As found, without a margin.
    confidence : float
        0..1; the chance that it is a cell, as far as its detector is calibrated.
    extent_uncertainty_um : float
        Distance that the cell may extend beyond the box, 0 or more: the policy adds it to the margin.
    outer : BoxPx or None
        Box whose sides the cell exceeds with a chance of .02 each (`OUTER_QUANTILE`), around `box`; None for
        a detector that does not know.
    seen_by : SeenBy or None
        None if only one detector looked.
    """

    box: BoxPx
    confidence: float
    extent_uncertainty_um: float = 0.0
    outer: BoxPx | None = None
    seen_by: SeenBy | None = None


class CellSource(StrEnum):
    """Images that show a cell."""

    FRAME = "frame"
    """Its own frame."""
    AVERAGED = "averaged"
    """Only the average of its frame with those of neighbouring sections."""
    CARRIED = "carried"
    """Frames of neighbouring sections: its own shows nothing, or only a hit below the floor."""


class Decision(StrEnum):
    """Decision of the recall-first policy, or of serial sections, on one cell."""

    KEPT = "kept"
    DOUBTFUL = "doubtful"
    """Kept, with a larger margin, as its confidence is low."""
    BELOW_FLOOR = "below_floor"
    """Not imaged: its confidence is below the floor of the configuration, or that of a person."""
    FIXED_PATTERN = "fixed_pattern"
    """Not imaged: fixed in the camera, the same in all sections."""
    NOISE = "noise"
    """Not imaged: little more than noise, and the neighbouring sections show nothing there."""


NO_CELL = frozenset({Decision.FIXED_PATTERN, Decision.NOISE})
"""Decisions on hits that serial sections have shown to be no cells."""


@dataclass(frozen=True, slots=True)
class Cell:
    """Cell of a frame.

    Attributes
    ----------
    id : str
        ``c0001``, ... in reading order.
    box_px : BoxPx
        As found, without a margin.
    image_box_px : BoxPx or None
        Area that the electron beam must image; None if it must not, by `decision`.
    confidence : float
        0..1.
    reason : str
        The decision in words, for people only: nothing is decided by it.
    extent_uncertainty_um : float
        That of its hit, so that another policy can be tried on it.
    source : CellSource
    decision : Decision
    outer_px : BoxPx or None
        `Hit.outer`, likewise.
    seen_by : SeenBy or None
        None if only one detector looked.
    """

    id: str
    box_px: BoxPx
    image_box_px: BoxPx | None
    confidence: float
    reason: str
    extent_uncertainty_um: float = 0.0
    source: CellSource = CellSource.FRAME
    decision: Decision = Decision.KEPT
    outer_px: BoxPx | None = None
    seen_by: SeenBy | None = None


@dataclass(frozen=True, slots=True)
class Overlooked:
    """Bound on what may have been overlooked in a frame without cells.

    Attributes
    ----------
    diameter_um : float
        Diameter of a disc, evenly bright.
    contrast_adu : float
        Grey levels above its surroundings at which 95 % of such discs are found; 0 or more.
    contrast_sd : float
        The same over the standard deviation of the noise of a pixel.
    """

    diameter_um: float
    contrast_adu: float
    contrast_sd: float


@dataclass(frozen=True, slots=True)
class Detection:
    """Cells of one frame.

    Attributes
    ----------
    cells : tuple of Cell
        In reading order: by the top of the box, then by its left side.
    imaged_fraction : float
        Share of the frame inside any `image_box_px`, 0..1.
    warnings : tuple of str
        One sentence each, for a person.
    elapsed_ms : float
        Time that detection took, ms.
    overlooked : Overlooked or None
        For a frame without cells, if it is known.
    votes : Votes or None
        From a detector that gives a box at every place, where they were asked for.
    """

    cells: tuple[Cell, ...]
    imaged_fraction: float
    warnings: tuple[str, ...]
    elapsed_ms: float
    overlooked: Overlooked | None = None
    votes: Votes | None = field(default=None, compare=False, repr=False)
