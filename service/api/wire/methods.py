"""What the methods of the API take and give, and the table of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from config.base import Frozen
from service.api.wire import fields, focus, queue
from service.api.wire.estimate import EstimateResult
from service.api.wire.messages import Changed, ChangeParams, EventMessage, Identifier, Limit, NoParams, Number
from service.model.jobs import JobState
from service.model.phases import PauseCause, Phase
from service.model.specimen import FieldState


class SectionsParams(Frozen):
    """Which sections; `after` is an identifier."""

    limit: Limit = 100
    after: Identifier | None = None


class EventsParams(Frozen):
    """Events behind `seq`."""

    seq: Number
    limit: Limit = 100


class Hello(Frozen):
    """Who answers."""

    api: Literal[1] = 1
    program: str
    run: str
    kind: str
    events_endpoint: str
    pid: int


class SectionRow(Frozen):
    """One section."""

    section: str
    index: int
    center_m: tuple[float, float]


class SectionPage(Frozen):
    """Some sections; `after` gets the next ones, null at the end."""

    sections: tuple[SectionRow, ...]
    after: str | None


class EventPage(Frozen):
    """Some events, without gaps; `last_seq` is that of the newest there is."""

    events: tuple[EventMessage, ...]
    last_seq: int


class StatusResult(Frozen):
    """Where the session stands.

    `devices` is what the runner saw last, with null for what is not known; `health` says what it is doing,
    since when and how long that may take (`step`, `running_s`, `allowed_s`, `stalled`), where a pause will
    land (`landing`), why nothing can be recorded (`blocked`), and whether people can be told (`channels`,
    `notified`, `not_notified`, `last_not_notified`).
    """

    phase: Phase
    resume_to: Phase | None
    reason: str | None
    cause: PauseCause | None
    """Of a pause; null in other phases."""
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
    current_job: queue.JobRow | None
    focus: tuple[focus.FocusSums, ...]
    """Of the beams that were focused."""
    devices: dict[str, Any]
    health: dict[str, Any]


class Snapshot(Frozen):
    """All that a client needs to begin with; events behind `status.last_seq` go on from it."""

    hello: Hello
    status: StatusResult
    next_jobs: tuple[queue.JobRow, ...]


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
        return issubclass(self.params, ChangeParams)


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
        "fields.list": Method(fields.FieldsParams, fields.FieldPage, "FM positions."),
        "fields.get": Method(fields.FieldParams, fields.FieldDetail, "One FM position, and what came of it."),
        "fields.boxes": Method(fields.BoxesParams, fields.BoxPage, "The cells of a field, and their jobs."),
        "fields.image": Method(
            fields.ImageParams, fields.ImageResult, "Its fluorescence: a small PNG, or a piece of the file."
        ),
        "queue.list": Method(queue.QueueParams, queue.JobPage, "Jobs in the order of the queue."),
        "queue.get": Method(queue.JobParams, queue.JobDetail, "All that is known of one job."),
        "queue.hold": Method(queue.JobsParams, Changed, "Keep queued jobs from the beam."),
        "queue.release": Method(queue.JobsParams, Changed, "Queue held jobs again."),
        "queue.approve": Method(queue.DecidedParams, Changed, "Expose jobs that need review again."),
        "queue.skip": Method(queue.DecidedParams, Changed, "Give jobs up, for good."),
        "queue.move": Method(queue.MoveParams, Changed, "Give a job another place in the queue."),
        "queue.add": Method(queue.AddParams, queue.Added, "Queue frames that a person asks for."),
        "exposures.list": Method(queue.ExposuresParams, queue.ExposurePage, "The ledger of exposures."),
        "focus.list": Method(
            focus.FocusesParams, focus.FocusPage, "What focusing found on each section, and what was used."
        ),
        "run.pause": Method(ChangeParams, Changed, "Pause after the step that runs."),
        "run.resume": Method(ChangeParams, Changed, "Go on after a pause."),
        "run.abort": Method(ChangeParams, Changed, "End the session at once, for good."),
        "fault.ack": Method(ChangeParams, Changed, "Leave a fault; the session is then paused."),
        "review.confirm": Method(ChangeParams, Changed, "End the review; the beam may begin."),
    }
)
"""Every method by name."""
