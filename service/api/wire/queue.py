"""Parameters and results of the methods for the queue and the ledger."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from config.base import Frozen
from drivers.pose import RectM
from service.api.wire.focus import FocusRow
from service.api.wire.messages import (
    Changed,
    ChangeParams,
    EventMessage,
    Identifier,
    Limit,
    Number,
    Position,
    Text,
)
from service.api.wire.overviews import OverviewRow
from service.model import jobs
from service.model.images.checks import CheckedImage, CheckKind, ImageCounts
from service.model.jobs import ExposureState, HoldCause, JobKind, JobOrigin, JobState

StageM = Annotated[float, Field(ge=-1.0, le=1.0, description="Stage position, m.")]
Pixels = Annotated[int, Field(ge=1, le=65536)]


class QueueParams(Frozen):
    """Selection of jobs; `after` is the last position of the page before."""

    limit: Limit = 100
    after: Position | None = None
    section: Identifier | None = None
    state: JobState | None = None


class JobParams(Frozen):
    """One job."""

    job: Identifier


class ExposuresParams(Frozen):
    """Selection of rows of the ledger; `after` is the last exposure of the page before."""

    limit: Limit = 100
    after: Number | None = None
    job: Identifier | None = None


class SteerParams(ChangeParams):
    """A change of the queue by a person; `by` and `reason` are recorded."""

    by: Text = "somebody"
    reason: Text | Literal[""] = ""


class JobsParams(SteerParams):
    """Some jobs: all are changed, or none."""

    jobs: Annotated[tuple[Identifier, ...], Field(min_length=1, max_length=1000)]


class DecidedParams(JobsParams):
    """A decision that is final, or exposes again; `by` and `reason` are required."""

    by: Text
    reason: Text


class MoveParams(SteerParams):
    """New place of a job: `before` another, or the front if `to_front`, else the end of the queue."""

    job: Identifier
    before: Identifier | None = None
    to_front: bool = False

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if self.to_front and self.before is not None:
            raise ValueError("before and to_front exclude each other")
        return self


class NewFrame(Frozen):
    """A requested frame; pixel size and dwell time default to those of the configuration."""

    section: Identifier
    center_m: tuple[StageM, StageM]
    size_px: tuple[Pixels, Pixels]
    pixel_size_m: Annotated[float, Field(ge=0.5e-9, le=1e-6)] | None = None
    dwell_s: Annotated[float, Field(ge=0.025e-6, le=0.01)] | None = None


class AddParams(SteerParams):
    """Frames to queue: all, or none.

    They follow the other jobs of their section. `expose_again` allows an area that is exposed already, or
    that another job will expose.
    """

    by: Text
    reason: Text
    jobs: Annotated[tuple[NewFrame, ...], Field(min_length=1, max_length=1000)]
    expose_again: bool = False


@dataclass(frozen=True, slots=True)
class Covered:
    """A cell that a job images."""

    cell: str
    kept: str
    """Reason to image it."""
    tracks: tuple[str, ...]
    """Its tracks through the sections."""


@dataclass(frozen=True, slots=True)
class JobRow:
    """One SEM frame of the queue; a plain dataclass, since a page has many, all from the store."""

    job: str
    section: str
    position: int
    kind: JobKind
    center_m: tuple[float, float]
    size_px: tuple[int, int]
    pixel_size_m: float
    dwell_s: float
    beam_s: float
    state: JobState
    reason: str | None
    hold_cause: HoldCause | None
    """Cause of a hold, which decides who or what releases the job; null unless it is held."""
    origin: JobOrigin
    covers: tuple[Covered, ...]
    bad: tuple[CheckKind, ...]
    """Checks that found its last image bad; `queue.get` has the numbers."""
    retake_of: int | None
    """Exposure whose image was bad, while the frame waits to be taken again for it."""

    @classmethod
    def of(
        cls,
        job: jobs.Job,
        kept: Mapping[str, str],
        tracks: Mapping[str, tuple[str, ...]],
        images: Sequence[CheckedImage],
    ) -> Self:
        """Return the row of a job, with the reason to keep and the tracks of each cell, and its images."""
        return cls(
            job=job.id,
            section=job.section,
            position=job.position,
            kind=job.kind,
            center_m=job.center_m,
            size_px=job.size_px,
            pixel_size_m=job.pixel_size_m,
            dwell_s=job.dwell_s,
            beam_s=job.beam_s,
            state=job.state,
            reason=job.reason,
            hold_cause=job.hold_cause,
            origin=job.origin,
            covers=tuple(Covered(cell=cell, kept=kept[cell], tracks=tracks[cell]) for cell in job.covers),
            bad=tuple(check.kind for check in images[-1].bad) if images else (),
            retake_of=job.retake_of,
        )


class ExposureRow(Frozen):
    """One row of the ledger."""

    exposure: int
    job: str
    rect_m: RectM
    halo_m: float
    state: ExposureState
    opened_s: float
    closed_s: float | None
    note: str | None
    beam_s: float | None
    """Beam time, focusing included; null if the exposure may have been cut short."""
    kind: JobKind
    """Ground of an `overview` is exposed, but not imaged."""
    dwell_s_per_um2: float | None
    """Dwell time per area; times the beam current, this is the dose of the scan."""
    retake_of: int | None
    """Exposure that the program repeated by this one, as its image was bad."""

    @classmethod
    def of(cls, row: jobs.Exposure) -> Self:
        """Return the row of an exposure."""
        return cls(
            exposure=row.id,
            job=row.job,
            rect_m=row.rect_m,
            halo_m=row.halo_m,
            state=row.state,
            opened_s=row.opened_s,
            closed_s=row.closed_s,
            note=row.note,
            beam_s=row.beam_s,
            kind=row.kind,
            dwell_s_per_um2=None if row.s_per_m2 is None else row.s_per_m2 * 1e-12,
            retake_of=row.retake_of,
        )


class CheckRow(Frozen):
    """Check of an image: `bad` if `value` is on the wrong side of `limit`; the unit is that of the kind."""

    kind: CheckKind
    value: float
    limit: float
    bad: bool


class ImageRow(Frozen):
    """Electron image of one exposure, with its checks; all images of a job are kept."""

    exposure: int
    file: str
    sha256: str
    checks: tuple[CheckRow, ...]
    retake_of: int | None

    @classmethod
    def of(cls, image: CheckedImage) -> Self:
        """Return the row of an image."""
        return cls(
            exposure=image.exposure,
            file=image.file,
            sha256=image.sha256,
            checks=tuple(
                CheckRow(kind=one.kind, value=one.value, limit=one.limit, bad=one.bad) for one in image.checks
            ),
            retake_of=image.retake_of,
        )


class ImageSums(Frozen):
    """Electron images of the session by their checks."""

    bad: dict[CheckKind, int]
    """Number of images by what they were found bad by; only kinds that occur."""
    taken_again: int
    """Frames that the program exposed again, as their image was bad."""
    waiting: int
    """Frames that wait for that."""
    retakes: int
    """Most times for each frame (`session.retakes`)."""

    @classmethod
    def of(cls, counts: ImageCounts, retakes: int) -> Self:
        """Return the sums of a session."""
        return cls(bad=counts.bad, taken_again=counts.taken_again, waiting=counts.waiting, retakes=retakes)


class JobDetail(Frozen):
    """Everything that is known about one job, for a decision. Images are relative to the run folder."""

    row: JobRow
    rect_m: RectM
    image: str | None
    """Recorded image."""
    image_found: str | None
    """Image file found on disk, recorded or not; after a crash it may be incomplete."""
    sha256: str | None
    images: tuple[ImageRow, ...]
    """Its images with their checks, in the order in which they were taken; `image` is the last."""
    retakes: int
    """Most times that the program may expose it again by itself."""
    exposures: tuple[ExposureRow, ...]
    """Its rows of the ledger; `unknown` means that the area may have been exposed, in part or completely."""
    history: tuple[EventMessage, ...]
    """Its events: every change of state with time, person and reason."""
    focus: FocusRow | None
    """Result of a job that focuses."""
    overview: OverviewRow | None
    """Result of an overview."""
    beam_blanked: bool | None
    """Last reading of the blanker, for any job; null if not known."""
    fields: tuple[str, ...]
    """Fields of its section that it touches, the one with most of its ground first."""


class JobPage(Frozen):
    """Some jobs; `after` asks for the next ones, null at the end."""

    jobs: tuple[JobRow, ...]
    after: int | None


class ExposurePage(Frozen):
    """Some rows of the ledger; `after` asks for the next ones, null at the end."""

    exposures: tuple[ExposureRow, ...]
    after: int | None


class Added(Changed):
    """Queued frames: the identifiers of their jobs, in the order of the request."""

    jobs: tuple[str, ...]
