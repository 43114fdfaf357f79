"""Parameters and results of the methods for fields, the FM positions."""

from typing import Annotated, Literal, Self

from pydantic import Field

from config.base import Frozen
from detection.image.hits import CellSource, Decision
from drivers.pose import RectM
from service.api.wire.messages import Identifier, Limit, Number
from service.model import specimen
from service.model.review import Verdict
from service.model.specimen import FieldState
from service.model.targets import Beside, LeftOut

LONGEST_CHUNK = 500_000
"""Most bytes of a file in one reply; in base64 a third more."""


PartPx = Annotated[tuple[int, int, int, int], Field(description="x0, y0, x1, y1; px, half-open.")]


class FieldsParams(Frozen):
    """Selection of fields; `after` is the last identifier of the page before."""

    limit: Limit = 100
    after: Identifier | None = None
    section: Identifier | None = None
    state: FieldState | None = None


class FieldParams(Frozen):
    """One field."""

    field: Identifier


class BoxesParams(FieldParams):
    """Selection of cells of a field; `after` is the last cell of the page before."""

    limit: Limit = 100
    after: Identifier | None = None


class TargetCellsParams(Frozen):
    """Selection of cells of a target, a track or a cell; `after` is the last cell of the page before."""

    target: Identifier
    limit: Limit = 100
    after: Identifier | None = None


class ImageParams(FieldParams):
    """Form of the frame.

    `form` "png": 8 bit, at most `max_side_px` on its longer side, for display; `box_px` is the part to show,
    in pixels of the frame, all of it by default. "file": up to `length` bytes
    of the OME-TIFF file from `offset`; repeat with `offset` = `after` until `after` is null.
    """

    form: Literal["png", "file"] = "png"
    max_side_px: Annotated[int, Field(ge=16, le=768)] = 512
    box_px: PartPx | None = None
    offset: Number = 0
    length: Annotated[int, Field(ge=1, le=LONGEST_CHUNK)] = LONGEST_CHUNK


class FieldRow(Frozen):
    """One FM position. `image` is relative to the run folder."""

    field: str
    section: str
    index: int
    center_m: tuple[float, float]
    rect_m: RectM
    state: FieldState
    reason: str | None
    image: str | None
    sha256: str | None
    elapsed_ms: float | None
    warnings: tuple[str, ...]

    @classmethod
    def of(cls, field: specimen.Field) -> Self:
        """Return the row of a field."""
        return cls(
            field=field.id,
            section=field.section,
            index=field.index,
            center_m=field.center_m,
            rect_m=field.rect_m,
            state=field.state,
            reason=field.reason,
            image=field.image,
            sha256=field.sha256,
            elapsed_ms=field.elapsed_ms,
            warnings=field.warnings,
        )


class FieldPage(Frozen):
    """Some fields; `after` asks for the next ones, null at the end."""

    fields: tuple[FieldRow, ...]
    after: str | None


class CellCounts(Frozen):
    """Cells of the whole session."""

    found: int
    """Rejected ones included."""
    imaged: int
    """Cells with frames that are all done."""
    in_review: int
    """Cells of which a frame needs review."""


class FrameFacts(Frozen):
    """Size and pose of a saved frame, whose centre is that of its field."""

    size_px: tuple[int, int]
    pixel_size_m: tuple[float, float]
    rotation_rad: float
    """Of the frame on the stage, counter-clockwise."""
    flip_x: bool
    flip_y: bool
    """True if the camera shows the specimen mirrored along this axis."""


class FieldDetail(Frozen):
    """A field and the number of its cells: found, to be imaged, and imaged."""

    row: FieldRow
    cells: int
    planned: int
    done: int
    frame: FrameFacts | None = None
    """Null until it is saved, or if its file cannot be read."""


class BoxRow(Frozen):
    """A cell of a field. `image_box_px` is the box to image by the policy, null for a rejected cell."""

    cell: str
    box_px: tuple[int, int, int, int]
    image_box_px: tuple[int, int, int, int] | None
    rect_m: RectM
    image_rect_m: RectM | None
    confidence: float
    reason: str
    tracks: tuple[str, ...]
    seen: bool
    """False if only neighbouring sections show the cell."""
    source: CellSource
    decision: Decision
    jobs: tuple[str, ...]
    skipped: str | None
    """Reason that no job images the cell."""
    brightness_adu: float | None
    """Mean grey level above the background; null if not measured."""
    left_out: LeftOut | None
    """Reason why it is left out by choice; null if it is not."""
    beside: Beside | None
    """Effect of the frames of other cells on a cell that is left out."""
    verdict: Verdict | None
    """Decision of a person in the review; `reason` says whose."""

    @classmethod
    def of(cls, cell: specimen.Cell) -> Self:
        """Return the row of a cell."""
        return cls(
            cell=cell.id,
            box_px=cell.box_px,
            image_box_px=cell.image_box_px,
            rect_m=cell.rect_m,
            image_rect_m=cell.image_rect_m,
            confidence=cell.confidence,
            reason=cell.reason,
            tracks=cell.tracks,
            seen=cell.seen,
            source=cell.source,
            decision=cell.decision,
            jobs=cell.jobs,
            skipped=cell.skipped,
            brightness_adu=cell.brightness_adu,
            left_out=cell.left_out,
            beside=cell.beside,
            verdict=cell.verdict,
        )


class BoxPage(Frozen):
    """Some cells; `after` asks for the next ones, null at the end."""

    boxes: tuple[BoxRow, ...]
    after: str | None


class ImageResult(Frozen):
    """A frame, in base64.

    For a PNG, `size_px` is its width and height, and its grey levels run from black at `low_adu` to white at
    `high_adu`. For a part of the file, `after` is the next offset, null at the end.
    """

    image: str
    sha256: str
    size_bytes: int
    base64: str
    size_px: tuple[int, int] | None = None
    low_adu: float | None = None
    high_adu: float | None = None
    after: int | None = None
