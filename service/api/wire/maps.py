"""Parameters and results of the methods for maps: sections on the stage, and frames over fluorescence."""

from typing import Annotated

from pydantic import Field

from config.base import Frozen
from drivers.pose import RectM
from service.api.wire.fields import PartPx
from service.api.wire.messages import Identifier, Limit, Position
from service.model.jobs import JobKind, JobState
from service.model.section_states import SectionState
from service.model.specimen import FieldState

BoxPx = tuple[float, float, float, float]
"""(x0, y0, x1, y1) in pixels of a fluorescence frame; may reach beyond it."""


class SectionsParams(Frozen):
    """Selection of sections; `after` is the last identifier of the page before."""

    limit: Limit = 100
    after: Identifier | None = None


class SectionRow(Frozen):
    """One section."""

    section: str
    index: int
    center_m: tuple[float, float]
    state: SectionState
    rect_m: RectM | None
    """Ground of all its fields; null if it has none."""
    outline_m: tuple[tuple[float, float], ...] | None
    """Its corners, where they are known."""
    fields: dict[FieldState, int]
    jobs: dict[JobState, int]


class SectionPage(Frozen):
    """Some sections; `after` asks for the next ones, null at the end."""

    sections: tuple[SectionRow, ...]
    after: str | None


class FramesParams(Frozen):
    """Selection of the electron frames that touch a field; `after` is the last position before."""

    field: Identifier
    limit: Limit = 100
    after: Position | None = None


class FrameRow(Frozen):
    """One electron frame over a field, and the ground that the beam has touched for it."""

    job: str
    position: int
    kind: JobKind
    state: JobState
    rect_m: RectM
    box_px: BoxPx
    """The frame in pixels of the fluorescence."""
    sha256: str | None
    """Of its image; null while there is none."""
    exposed_m: tuple[RectM, ...]
    """Ground of its exposures, halo included."""
    exposed_px: tuple[BoxPx, ...]
    """The same in pixels of the fluorescence."""


class FramePage(Frozen):
    """Some frames; `after` asks for the next ones, null at the end."""

    frames: tuple[FrameRow, ...]
    after: int | None


class JobImageParams(Frozen):
    """The electron image of a job, as a PNG of 8 bit with at most `max_side_px` on its longer side.

    `box_px` is the part to show, in pixels of the image. Where the frame was taken again, it is the last
    image, or that of an `exposure`.
    """

    job: Identifier
    exposure: int | None = None
    max_side_px: Annotated[int, Field(ge=16, le=768)] = 512
    box_px: PartPx | None = None
