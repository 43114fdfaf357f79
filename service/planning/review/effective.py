"""A cell as it is imaged after the review: as found, under the policy in force, with the edits that stand."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from config.work import DetectionConfig
from drivers.pose import RectM
from service import wording_cells
from service.model.review import BoxPx4, EditKind, Recorded, Step, Verdict
from service.model.specimen import Cell
from service.planning.review.margins import Ground, changed, imaged_with, under_policy

_SURE = 1.0
"""Confidence in a box that a person has drawn: its margin has no extra for doubt."""


@dataclass(frozen=True)
class Policy:
    """The policy of the configuration, and the step that put another one in force.

    Attributes
    ----------
    configured : DetectionConfig
    step : Step or None
        None while that of the configuration is in force.
    """

    configured: DetectionConfig
    step: Step | None = None

    # Each cell asks for it.
    @cached_property
    def in_force(self) -> DetectionConfig:
        """The policy in force."""
        return changed(self.configured, None if self.step is None else self.step.policy)


def as_reviewed(found: Cell, edits: Sequence[Recorded], policy: Policy, ground: Callable[[], Ground]) -> Cell:
    """Return a cell as it is imaged.

    It depends on the edits that are not undone only, in their order: undoing the last of them gives exactly
    what was before.

    Parameters
    ----------
    found : Cell
        As detected under the policy of the configuration; a drawn one as it was drawn first.
    edits : sequence of Recorded
        All of this cell, in order, those that were undone included.
    policy : Policy
    ground : callable
        Returns the ground of the cell; not called where it does not matter.
    """
    live = [one for one in edits if one.step.is_live]
    if _drawn(edits) and not _drawn(live):
        by = next(one.step.undone_by or "" for one in edits if one.edit.kind is EditKind.DRAW)
        return replace(_not_imaged(found), verdict=Verdict.WITHDRAWN, reason=wording_cells.withdrawn(by))
    now = policy.in_force
    if not live:
        if policy.step is None:
            return found
        return under_policy(found, policy.configured, now, ground(), policy.step.by)
    last = live[-1]
    word = f"by {last.step.by}" + (f": {last.step.reason}" if last.step.reason else "")
    box = _last_box(live)
    cell = found if box is None else _with_box(found, *box, now, ground())
    match last.edit.kind:
        case EditKind.REJECT:
            return replace(_not_imaged(cell), verdict=Verdict.REJECTED, reason=wording_cells.rejected(word))
        case EditKind.DRAW:
            return replace(cell, verdict=Verdict.DRAWN, reason=wording_cells.drawn(word))
        case EditKind.RESIZE:
            return replace(cell, verdict=Verdict.RESIZED, reason=wording_cells.resized(word))
        case _:
            if box is None:
                cell = _accepted(found, policy.configured, now, ground())
            return replace(cell, verdict=Verdict.ACCEPTED, reason=wording_cells.accepted(word))


def _accepted(found: Cell, old: DetectionConfig, new: DetectionConfig, ground: Ground) -> Cell:
    """Return a cell that is imaged, whatever its confidence, with the margins of a policy."""
    if found.image_rect_m is None:
        return imaged_with(found, new, ground)
    whatever = new.model_copy(update={"min_confidence": 0.0})
    return under_policy(found, old, whatever, ground, "")


def _with_box(cell: Cell, box_px: BoxPx4, rect_m: RectM, policy: DetectionConfig, ground: Ground) -> Cell:
    """Return a cell with the box of a person, and the ordinary margin around it."""
    own = replace(cell, box_px=box_px, rect_m=rect_m, confidence=_SURE, reach_um=None, extra_um=0.0)
    imaged = imaged_with(own, policy, ground)
    return replace(imaged, confidence=cell.confidence, reach_um=cell.reach_um, extra_um=cell.extra_um)


def _not_imaged(cell: Cell) -> Cell:
    return replace(cell, image_box_px=None, image_rect_m=None)


def _drawn(edits: Sequence[Recorded]) -> bool:
    return any(one.edit.kind is EditKind.DRAW for one in edits)


def _last_box(edits: Sequence[Recorded]) -> tuple[BoxPx4, RectM] | None:
    for one in reversed(edits):
        if one.edit.box_px is not None and one.edit.rect_m is not None:
            return one.edit.box_px, one.edit.rect_m
    return None
