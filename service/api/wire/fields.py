"""What the methods of the fields, the FM positions, take and give."""

from typing import Annotated, Literal, Self

from pydantic import Field

from config.base import Frozen
from detection.image.hits import CellSource, Decision
from drivers.pose import RectM
from service.api.wire.messages import Identifier, Limit, Number
from service.model import specimen
from service.model.specimen import FieldState

LONGEST_CHUNK = 500_000
"""Bytes of a file in one reply; a third more as text."""


class FieldsParams(Frozen):
    """Which fields; `after` is an identifier."""

    limit: Limit = 100
    after: Identifier | None = None
    section: Identifier | None = None
    state: FieldState | None = None


class FieldParams(Frozen):
    """One field."""

    field: Identifier


class BoxesParams(FieldParams):
    """Which cells of a field; `after` is a cell."""

    limit: Limit = 100
    after: Identifier | None = None


class ImageParams(FieldParams):
    """How to get the frame.

    `form` "png": 8 bit, at most `max_side_px` on its longer side, for people. "file": up to `length` bytes of
    the OME-TIFF file from `offset`, to be asked for until `after` is null.
    """

    form: Literal["png", "file"] = "png"
    max_side_px: Annotated[int, Field(ge=16, le=768)] = 512
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
        """Row of a field as it goes over the wire."""
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
    """Some fields; `after` gets the next ones, null at the end."""

    fields: tuple[FieldRow, ...]
    after: str | None


class FieldDetail(Frozen):
    """A field and the number of its cells: found, to be imaged, and imaged."""

    row: FieldRow
    cells: int
    planned: int
    done: int


class BoxRow(Frozen):
    """A cell of a field. `image_box_px` is what the policy wants imaged, null where it does not."""

    cell: str
    box_px: tuple[int, int, int, int]
    image_box_px: tuple[int, int, int, int] | None
    rect_m: RectM
    image_rect_m: RectM | None
    confidence: float
    reason: str
    tracks: tuple[str, ...]
    seen: bool
    """False where only neighbouring sections show it."""
    source: CellSource
    decision: Decision
    jobs: tuple[str, ...]
    skipped: str | None
    """Why no job images it."""

    @classmethod
    def of(cls, cell: specimen.Cell) -> Self:
        """Row of a cell as it goes over the wire."""
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
        )


class BoxPage(Frozen):
    """Some cells; `after` gets the next ones, null at the end."""

    boxes: tuple[BoxRow, ...]
    after: str | None


class ImageResult(Frozen):
    """A frame, in base64.

    For a PNG, `size_px` is its width and height, and its grey levels go from black at `low_adu` to white at
    `high_adu`; for a piece of the file, `after` is the next offset, null at the end.
    """

    image: str
    sha256: str
    size_bytes: int
    base64: str
    size_px: tuple[int, int] | None = None
    low_adu: float | None = None
    high_adu: float | None = None
    after: int | None = None
