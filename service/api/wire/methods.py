"""Methods of the API: their parameters, results and descriptions."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from config.base import Frozen
from service.api.wire import fields, focus, maps, overviews, queue, review, targets
from service.api.wire.estimate import EstimateResult
from service.api.wire.messages import (
    Changed,
    ChangeParams,
    EventMessage,
    Limit,
    NoParams,
    Number,
    SessionParams,
)
from service.model.images.trends import Quantity
from service.model.jobs import JobState
from service.model.overviews import OverviewState
from service.model.phases import PauseCause, Phase
from service.model.specimen import FieldState


class EventsParams(Frozen):
    """Selection of events: those after `seq`."""

    seq: Number
    limit: Limit = 100


class Hello(Frozen):
    """Identity of the daemon and its run."""

    api: Literal[1] = 1
    program: str
    run: str
    kind: str
    events_endpoint: str
    pid: int
    microscope: str = ""
    """The microscope, in a few words for people."""


class EventPage(Frozen):
    """Some events, without gaps; `last_seq` is that of the newest event."""

    events: tuple[EventMessage, ...]
    last_seq: int


class TrendNow(Frozen):
    """Change of a quantity: its value in the latest sections over that in the first."""

    quantity: Quantity
    ratio: float
    first: str
    """First section of those compared with."""
    latest: str
    since: str
    """First of the sections that show it."""


class StatusResult(Frozen):
    """State of the session.

    `devices` holds the last readings, null for an unknown value. `health` holds the current step, the time it
    has run and the time it may take (`step`, `running_s`, `allowed_s`, `stalled`), the point at which a pause
    takes effect (`landing`), the reason that nothing can be recorded (`blocked`), and the state of the
    notifications (`channels`, `notified`, `not_notified`, `last_not_notified`).
    """

    phase: Phase
    resume_to: Phase | None
    reason: str | None
    cause: PauseCause | None
    """Cause of a pause; null in other phases."""
    rev: int
    last_seq: int
    time_s: float
    """Time on the microscope's clock."""
    at: str
    """Wall clock, ISO 8601, UTC."""
    left_s: float
    """Time left of the session, as in `estimate`."""
    finish_at: str
    """Wall clock, ISO 8601, UTC."""
    fields: dict[FieldState, int]
    jobs: dict[JobState, int]
    current_job: queue.JobRow | None
    focus: tuple[focus.FocusSums, ...]
    """Sums of each beam that was focused."""
    overviews: dict[OverviewState, int]
    """Number of overviews in each state that occurs; `overviews.list` has them."""
    images: queue.ImageSums
    """Checks of the electron images, counted."""
    trends: tuple[TrendNow, ...] = ()
    """Last change of each quantity that should be the same in all sections."""
    devices: dict[str, Any]
    health: dict[str, Any]


class Snapshot(Frozen):
    """Everything that a client needs to begin; events after `status.last_seq` continue from here."""

    hello: Hello
    status: StatusResult
    next_jobs: tuple[queue.JobRow, ...]


class Schema(Frozen):
    """JSON Schema of all messages, and of the parameters and result of each method."""

    request: dict[str, Any]
    reply: dict[str, Any]
    event: dict[str, Any]
    methods: dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Method:
    """Method of the API."""

    params: type[Frozen]
    result: type[Frozen]
    doc: str

    @property
    def changes(self) -> bool:
        """True if the method makes a change, so that its reply is kept for a retry."""
        return issubclass(self.params, ChangeParams)


METHODS: Mapping[str, Method] = MappingProxyType(
    {
        "hello": Method(NoParams, Hello, "Versions, run, and the endpoint of the events."),
        "status": Method(NoParams, StatusResult, "State of the session."),
        "snapshot": Method(NoParams, Snapshot, "Result of `hello` and `status`, and the next ten jobs."),
        "schema": Method(NoParams, Schema, "JSON Schema of all messages."),
        "estimate": Method(
            NoParams,
            EstimateResult,
            "Time, data and dose left, the time of the end, and other ways to image.",
        ),
        "events.since": Method(EventsParams, EventPage, "Events after a sequence number."),
        "sections.list": Method(maps.SectionsParams, maps.SectionPage, "Sections in the order of cutting."),
        "fields.list": Method(fields.FieldsParams, fields.FieldPage, "FM positions."),
        "fields.get": Method(
            fields.FieldParams, fields.FieldDetail, "One FM position, and the number of its cells."
        ),
        "fields.boxes": Method(fields.BoxesParams, fields.BoxPage, "Cells of a field, and their jobs."),
        "cells.count": Method(NoParams, fields.CellCounts, "Cells of the session: found, imaged, in review."),
        "fields.image": Method(
            fields.ImageParams,
            fields.ImageResult,
            "Fluorescence frame of a field: a small PNG, or a part of the file.",
        ),
        "fields.frames": Method(
            maps.FramesParams, maps.FramePage, "Electron frames that touch a field, planned and done."
        ),
        "queue.list": Method(queue.QueueParams, queue.JobPage, "Jobs in the order of the queue."),
        "queue.get": Method(queue.JobParams, queue.JobDetail, "Everything that is known about one job."),
        "queue.image": Method(
            maps.JobImageParams, fields.ImageResult, "Electron image of a job: a small PNG."
        ),
        "queue.hold": Method(queue.JobsParams, Changed, "Hold queued jobs until they are released."),
        "queue.release": Method(queue.JobsParams, Changed, "Return held jobs to the queue."),
        "queue.approve": Method(queue.DecidedParams, Changed, "Expose jobs again that need review."),
        "queue.skip": Method(queue.DecidedParams, Changed, "Skip jobs permanently."),
        "queue.move": Method(queue.MoveParams, Changed, "Move a job to another place in the queue."),
        "queue.add": Method(queue.AddParams, queue.Added, "Queue frames that a person asks for."),
        "targets.get": Method(NoParams, targets.Targets, "The choice of the cells to image, and its hours."),
        "targets.list": Method(
            targets.TargetsParams, targets.TargetPage, "Cells that can be chosen, through all their sections."
        ),
        "targets.cells": Method(
            fields.TargetCellsParams, fields.BoxPage, "A cell in each of the sections that show it."
        ),
        "targets.preview": Method(
            targets.PreviewParams,
            targets.TargetsPreview,
            "Effect of another choice, without a change.",
        ),
        "targets.set": Method(
            targets.SetTargetsParams, Changed, "Choose the cells to image; in the review only."
        ),
        "review.get": Method(NoParams, review.Review, "State of the review, and the margins in force."),
        "review.list": Method(review.ReviewParams, review.EditPage, "Edits of people, undone ones included."),
        "review.preview": Method(
            review.ReviewPreviewParams,
            review.ReviewPreview,
            "Effect of other margins or another threshold, without a change.",
        ),
        "review.edit": Method(
            review.ReviewEditParams, Changed, "Reject, accept, draw and resize cells; in the review only."
        ),
        "review.policy": Method(
            review.ReviewPolicyParams, Changed, "Set margins and threshold; in the review only."
        ),
        "review.undo": Method(review.ReviewUndoParams, Changed, "Undo the last edits; in the review only."),
        "exposures.list": Method(queue.ExposuresParams, queue.ExposurePage, "The ledger of exposures."),
        "focus.list": Method(focus.FocusesParams, focus.FocusPage, "Focus on each section: found and used."),
        "overviews.list": Method(
            overviews.OverviewsParams,
            overviews.OverviewPage,
            "Overviews of stage positions: where each field lies, or why that is not proven.",
        ),
        "run.pause": Method(SessionParams, Changed, "Pause after the current step."),
        "run.resume": Method(SessionParams, Changed, "Continue after a pause."),
        "run.abort": Method(SessionParams, Changed, "End the session at once; it cannot be resumed."),
        "fault.ack": Method(SessionParams, Changed, "Acknowledge a fault; the session is then paused."),
        "review.confirm": Method(SessionParams, Changed, "End the review; the beam may begin."),
    }
)
"""Methods by name."""
