"""Edits of the cells by a person in the review: frozen values, SI units unless the name says otherwise."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from drivers.pose import RectM

BoxPx4 = tuple[int, int, int, int]
"""(x0, y0, x1, y1) in pixels of a frame, half-open."""


class Verdict(StrEnum):
    """Decision of a person on a cell."""

    ACCEPTED = "accepted"
    """Imaged, whatever policy and choice of cells say."""
    REJECTED = "rejected"
    """Not imaged."""
    DRAWN = "drawn"
    """Drawn by hand; imaged as an accepted one."""
    RESIZED = "resized"
    """Imaged as an accepted one, with another box."""
    WITHDRAWN = "withdrawn"
    """Drawn by hand, and taken back: no cell any more."""


WANTED = frozenset({Verdict.ACCEPTED, Verdict.DRAWN, Verdict.RESIZED})
"""Verdicts with which a cell is imaged, whatever policy and choice of cells say."""


class EditKind(StrEnum):
    """Kind of an edit."""

    REJECT = "reject"
    ACCEPT = "accept"
    DRAW = "draw"
    RESIZE = "resize"
    POLICY = "policy"
    """Other margins or another threshold, for all cells."""


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """Margins and threshold in place of those of the configuration; None keeps that of the configuration.

    Attributes
    ----------
    dilate_um, side_quantile, min_confidence : float or None
        As in `config.work.DetectionConfig`.
    """

    dilate_um: float | None = None
    side_quantile: float | None = None
    min_confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Edit:
    """One edit of a step; of a cell, or of the policy.

    Attributes
    ----------
    kind : EditKind
    cell : str or None
        None for the policy.
    box_px : tuple or None
        Box in pixels of the frame of its field, for a cell that is drawn or resized.
    rect_m : RectM or None
        The same on the stage.
    """

    kind: EditKind
    cell: str | None = None
    box_px: BoxPx4 | None = None
    rect_m: RectM | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """Edits made at once, and undone at once.

    Attributes
    ----------
    number : int
        Grows with each step.
    by, reason : str
    at : str
        Wall clock, ISO 8601, UTC.
    policy : PolicyChange or None
        Policy from this step on; None if it edits cells.
    undone_by, undone_at : str or None
        None unless it was undone.
    """

    number: int
    by: str
    reason: str
    at: str
    policy: PolicyChange | None = None
    undone_by: str | None = None
    undone_at: str | None = None

    @property
    def is_live(self) -> bool:
        """True unless it was undone."""
        return self.undone_at is None


@dataclass(frozen=True, slots=True)
class Recorded:
    """An edit with its step; `number` grows with each edit."""

    number: int
    edit: Edit
    step: Step


@dataclass(frozen=True, slots=True)
class FoundCells:
    """Columns of many cells that a policy depends on: as detected or, if fixed, as they are now.

    Attributes
    ----------
    ids, fields, sections : sequence of str
    boxes_px, images_px : sequence of four int
        The box, and what is imaged; the box where nothing is.
    rects_m, images_m : sequence of four float
        The same on the stage.
    reach_um : sequence of four float
        0 where it is not known.
    confidence, extra_um : sequence of float
    imaged, below_floor : sequence of bool or 0 and 1
        Some of it is imaged; it is left out for its confidence.
    fixed : sequence of bool or 0 and 1
        No policy changes it: a person has edited it, or the beam has been on its section.
    chosen : sequence of bool or 0 and 1
        It is not left out by choice.
    reasons, decisions : sequence of str
    """

    ids: Sequence[str]
    fields: Sequence[str]
    sections: Sequence[str]
    boxes_px: Sequence[Sequence[int]]
    images_px: Sequence[Sequence[int]]
    rects_m: Sequence[Sequence[float]]
    images_m: Sequence[Sequence[float]]
    reach_um: Sequence[Sequence[float]]
    confidence: Sequence[float]
    extra_um: Sequence[float]
    imaged: Sequence[bool]
    below_floor: Sequence[bool]
    fixed: Sequence[bool]
    chosen: Sequence[bool]
    reasons: Sequence[str]
    decisions: Sequence[str]


@dataclass(frozen=True, slots=True)
class Revised:
    """A cell that another policy changes, as it is imaged then.

    Attributes
    ----------
    image_box_px, image_rect_m : sequence of number, or None
        None where nothing is.
    reason, decision : str
    """

    cell: str
    image_box_px: Sequence[int] | None
    image_rect_m: Sequence[float] | None
    reason: str
    decision: str
