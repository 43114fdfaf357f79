"""Parameters and results of the methods with which a person edits the cells in the review."""

from typing import Annotated, Literal, Self

from pydantic import Field

from config.base import Frozen
from service.api.wire.messages import Identifier, Limit, Number
from service.api.wire.queue import SteerParams
from service.model.review import BoxPx4, EditKind, PolicyChange, Recorded

MOST_EDITS = 200
"""Most edits of one request."""
MOST_BOXES = 1000
"""Most boxes of one preview: a field with more cells is shown in part."""

Side = Annotated[int, Field(ge=0, le=65536)]
BoxPx = Annotated[
    tuple[Side, Side, Side, Side], Field(description="x0, y0, x1, y1; px of the frame, half-open.")
]
WholeTrack = Annotated[bool, Field(description="True for all cells of its tracks, in all sections.")]
DilateUm = Annotated[float, Field(ge=0, le=20, description="Margin around every cell, um.")]
SideQuantile = Annotated[
    float,
    Field(ge=0.5, le=0.9999, description="Chance for each side of a cell to lie inside what is imaged."),
]
MinConfidence = Annotated[float, Field(ge=0, le=1, description="Confidence below which a hit is not imaged.")]


class RejectEdit(Frozen):
    """A cell that is not to be imaged."""

    kind: Literal["reject"]
    cell: Identifier
    whole_track: WholeTrack = False


class AcceptEdit(Frozen):
    """A cell that is to be imaged, whatever policy and choice of cells say; also after it was rejected."""

    kind: Literal["accept"]
    cell: Identifier
    whole_track: WholeTrack = False


class DrawEdit(Frozen):
    """A new cell."""

    kind: Literal["draw"]
    field: Identifier
    box_px: BoxPx


class ResizeEdit(Frozen):
    """Another box of a cell, which is imaged then."""

    kind: Literal["resize"]
    cell: Identifier
    box_px: BoxPx


AnyEdit = Annotated[RejectEdit | AcceptEdit | DrawEdit | ResizeEdit, Field(discriminator="kind")]


class ReviewEditParams(SteerParams):
    """Some edits: all are made, or none; they are one step, and undone together."""

    edits: Annotated[tuple[AnyEdit, ...], Field(min_length=1, max_length=MOST_EDITS)]


class ReviewUndoParams(SteerParams):
    """Undo of the last step; of that of `by` if `mine`."""

    mine: bool = False


class ReviewPolicy(Frozen):
    """Margins and threshold in place of those of the configuration; null keeps that of the configuration."""

    dilate_um: DilateUm | None = None
    side_quantile: SideQuantile | None = None
    min_confidence: MinConfidence | None = None

    @classmethod
    def of(cls, change: PolicyChange) -> Self:
        """Return the message of a value."""
        return cls(
            dilate_um=change.dilate_um,
            side_quantile=change.side_quantile,
            min_confidence=change.min_confidence,
        )

    def change(self) -> PolicyChange:
        """Return the value."""
        return PolicyChange(self.dilate_um, self.side_quantile, self.min_confidence)


class ReviewPolicyParams(SteerParams):
    """Other margins, or another threshold, in place of those in force."""

    policy: ReviewPolicy


class ReviewPreviewParams(Frozen):
    """A policy to try; with `field`, also what it images of each cell of this field."""

    policy: ReviewPolicy
    field: Identifier | None = None


class ReviewParams(Frozen):
    """Selection of edits; `after` is the last number of the page before."""

    limit: Limit = 100
    after: Number = 0


class EditRow(Frozen):
    """One edit. Those of the same `step` were made at once, and are undone at once."""

    edit: int
    step: int
    kind: EditKind
    cell: str | None
    """Null for the policy."""
    box_px: BoxPx4 | None
    """Of a cell that was drawn or resized."""
    policy: ReviewPolicy | None
    by: str
    reason: str
    at: str
    """Wall clock, ISO 8601, UTC."""
    undone_by: str | None
    undone_at: str | None

    @classmethod
    def of(cls, one: Recorded) -> Self:
        """Return the row of an edit."""
        policy = one.step.policy
        return cls(
            edit=one.number,
            step=one.step.number,
            kind=one.edit.kind,
            cell=one.edit.cell,
            box_px=one.edit.box_px,
            policy=None if policy is None else ReviewPolicy.of(policy),
            by=one.step.by,
            reason=one.step.reason,
            at=one.step.at,
            undone_by=one.step.undone_by,
            undone_at=one.step.undone_at,
        )


class EditPage(Frozen):
    """Some edits in their order; `after` asks for the next ones, null at the end."""

    edits: tuple[EditRow, ...]
    after: int | None


class Review(Frozen):
    """State of the review. Margins and threshold are those in force, whoever set them."""

    open: bool
    """True while cells can be edited."""
    dilate_um: float
    side_quantile: float
    min_confidence: float
    policy_by: str | None
    """Person who set them; null for those of the configuration."""
    next_undo: EditRow | None
    """First edit of the step that `review.undo` would undo; null if there is none."""
    cells: int
    imaged: int
    """Cells to image, as far as they are chosen."""
    rejected: int
    accepted: int
    drawn: int
    resized: int


class ReviewPreview(Frozen):
    """Effect of a policy, without a change; names are the first hundred."""

    cells: int
    """Cells that would be imaged, as far as they are chosen."""
    before: int
    """The same under the policy in force."""
    added: int
    added_names: tuple[str, ...]
    dropped: int
    dropped_names: tuple[str, ...]
    resized: int
    """Cells of which more or less would be imaged."""
    electron_s: float | None
    """Time of the electron images, by the plans in force; null while sections are planned."""
    estimate_s: float
    """The same under this policy, estimated."""
    boxes_px: dict[str, BoxPx4 | None]
    """Boxes to image of the cells of the field, at most a thousand; null for nothing."""
