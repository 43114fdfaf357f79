"""What goes over the wire: requests, replies and events as models, and the table of methods."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints

from config.base import Frozen
from drivers.pose import RectM
from service import records
from service.api.estimate_models import EstimateResult
from service.records import ExposureState, FieldState, JobState
from service.session import Phase, Status

API_VERSION = 1

_LARGEST = 2**53
"""Largest integer that every JSON reader keeps exact."""

RequestId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{1,64}$")]
Identifier = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Limit = Annotated[int, Field(ge=1, le=1000, description="Most rows of one reply.")]
Number = Annotated[int, Field(ge=0, le=_LARGEST)]


class ErrorCode(StrEnum):
    """Why a request was refused."""

    BAD_REQUEST = "bad_request"
    UNSUPPORTED_VERSION = "unsupported_version"
    UNKNOWN_METHOD = "unknown_method"
    BAD_PARAMS = "bad_params"
    NOT_FOUND = "not_found"
    ILLEGAL_TRANSITION = "illegal_transition"
    STALE_REVISION = "stale_revision"
    ID_REUSED = "id_reused"
    STORAGE = "storage"
    INTERNAL = "internal"


class Request(Frozen):
    """One frame from a client."""

    v: int
    id: RequestId
    method: Annotated[str, StringConstraints(max_length=100)]
    params: dict[str, Any] = Field(default_factory=dict)


class Error(Frozen):
    """Why a request was refused, for programs and for people."""

    code: ErrorCode
    message: str


class Reply(Frozen):
    """One frame to a client: `result` if `ok`, else `error`. `id` is null where the request had none."""

    v: Literal[1] = 1
    id: str | None
    ok: bool
    result: dict[str, Any] | None = None
    error: Error | None = None


class EventMessage(Frozen):
    """One frame of the events socket: something happened, or, each second, the last `seq` as a heartbeat."""

    v: Literal[1] = 1
    type: Literal["event", "heartbeat"]
    seq: Number
    time_s: float
    at: str
    kind: str = ""
    subject: str = ""
    data: dict[str, Any] = Field(default_factory=dict)


# Parameters


class NoParams(Frozen):
    """No parameters."""


class SectionsParams(Frozen):
    """Which sections; `after` is an identifier."""

    limit: Limit = 100
    after: Identifier | None = None


class FieldsParams(Frozen):
    """Which fields; `after` is an identifier."""

    limit: Limit = 100
    after: Identifier | None = None
    section: Identifier | None = None
    state: FieldState | None = None


class QueueParams(Frozen):
    """Which jobs; `after` is a position."""

    limit: Limit = 100
    after: Number | None = None
    section: Identifier | None = None
    state: JobState | None = None


class JobParams(Frozen):
    """One job."""

    job: Identifier


class EventsParams(Frozen):
    """Events behind `seq`."""

    seq: Number
    limit: Limit = 100


class ChangeParams(Frozen):
    """A change; refused if the revision is not `if_rev`, where that is given."""

    if_rev: Number | None = None


# Results


class Hello(Frozen):
    """Who answers."""

    api: Literal[1] = 1
    program: str
    run: str
    kind: str
    events_endpoint: str
    pid: int


class Covered(Frozen):
    """A cell that a job images."""

    cell: str
    kept: str
    """Why it is imaged."""


class JobRow(Frozen):
    """One SEM frame of the queue."""

    job: str
    section: str
    position: int
    center_m: tuple[float, float]
    size_px: tuple[int, int]
    pixel_size_m: float
    dwell_s: float
    beam_s: float
    state: JobState
    reason: str | None
    covers: tuple[Covered, ...]

    @classmethod
    def of(cls, job: records.Job, kept: Mapping[str, str]) -> Self:
        """Row of a job; `kept` says why each of its cells was."""
        return cls(
            job=job.id,
            section=job.section,
            position=job.position,
            center_m=job.center_m,
            size_px=job.size_px,
            pixel_size_m=job.pixel_size_m,
            dwell_s=job.dwell_s,
            beam_s=job.beam_s,
            state=job.state,
            reason=job.reason,
            covers=tuple(Covered(cell=cell, kept=kept[cell]) for cell in job.covers),
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

    @classmethod
    def of(cls, row: records.Exposure) -> Self:
        """Row of the ledger as it goes over the wire."""
        return cls(
            exposure=row.id,
            job=row.job,
            rect_m=row.rect_m,
            halo_m=row.halo_m,
            state=row.state,
            opened_s=row.opened_s,
            closed_s=row.closed_s,
            note=row.note,
        )


class JobDetail(Frozen):
    """Everything about one job. `image` is relative to the run folder."""

    row: JobRow
    rect_m: RectM
    image: str | None
    sha256: str | None
    exposures: tuple[ExposureRow, ...]


class JobPage(Frozen):
    """Some jobs; `after` gets the next ones, null at the end."""

    jobs: tuple[JobRow, ...]
    after: int | None


class SectionRow(Frozen):
    """One section."""

    section: str
    index: int
    center_m: tuple[float, float]


class SectionPage(Frozen):
    """Some sections; `after` gets the next ones, null at the end."""

    sections: tuple[SectionRow, ...]
    after: str | None


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
    def of(cls, field: records.Field) -> Self:
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


class EventPage(Frozen):
    """Some events, without gaps; `last_seq` is that of the newest there is."""

    events: tuple[EventMessage, ...]
    last_seq: int


class StatusResult(Frozen):
    """Where the session stands. `devices` is what the runner saw last, with null for what is not known."""

    phase: Phase
    resume_to: Phase | None
    reason: str | None
    rev: int
    last_seq: int
    time_s: float
    """On the microscope's clock."""
    at: str
    """Wall clock, ISO 8601, UTC."""
    left_s: float
    """Of the session, as `estimate` tells it."""
    finish_at: str
    """Wall clock, ISO 8601, UTC."""
    fields: dict[FieldState, int]
    jobs: dict[JobState, int]
    current_job: JobRow | None
    devices: dict[str, Any]


class Snapshot(Frozen):
    """All that a client needs to begin with; events behind `status.last_seq` go on from it."""

    hello: Hello
    status: StatusResult
    next_jobs: tuple[JobRow, ...]


class Changed(Frozen):
    """A change was made, or its beginning; `message` says where it will land."""

    message: str
    phase: Phase
    rev: int

    @classmethod
    def of(cls, message: str, status: Status, rev: int) -> Self:
        """Answer to a change."""
        return cls(message=message, phase=status.phase, rev=rev)


class Schema(Frozen):
    """JSON Schema of everything on the wire; of each method its parameters and its result."""

    request: dict[str, Any]
    reply: dict[str, Any]
    event: dict[str, Any]
    methods: dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Method:
    """One method of the API."""

    params: type[Frozen]
    result: type[Frozen]
    doc: str

    @property
    def changes(self) -> bool:
        """Whether it changes anything, so that its reply is kept for a retry."""
        return self.params is ChangeParams


METHODS: Mapping[str, Method] = MappingProxyType(
    {
        "hello": Method(NoParams, Hello, "Versions, run, and the endpoint of the events."),
        "status": Method(NoParams, StatusResult, "Where the session stands."),
        "snapshot": Method(NoParams, Snapshot, "Who answers, where it stands, and the next ten jobs."),
        "schema": Method(NoParams, Schema, "JSON Schema of all messages."),
        "estimate": Method(
            NoParams,
            EstimateResult,
            "Time, data and dose that are left, the finish, and other ways to image it.",
        ),
        "events.since": Method(EventsParams, EventPage, "Events behind a sequence number."),
        "sections.list": Method(SectionsParams, SectionPage, "Sections in the order of cutting."),
        "fields.list": Method(FieldsParams, FieldPage, "FM positions."),
        "queue.list": Method(QueueParams, JobPage, "Jobs in the order of the queue."),
        "queue.get": Method(JobParams, JobDetail, "One job, with its exposures."),
        "run.pause": Method(ChangeParams, Changed, "Pause after the step that runs."),
        "run.resume": Method(ChangeParams, Changed, "Go on after a pause."),
        "run.abort": Method(ChangeParams, Changed, "End the session at once, for good."),
        "fault.ack": Method(ChangeParams, Changed, "Leave a fault; the session is then paused."),
        "review.confirm": Method(ChangeParams, Changed, "End the review; the beam may begin."),
    }
)
"""Every method by name."""
