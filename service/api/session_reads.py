"""Replies about the session as a whole: status, estimate, events and the schema of the API."""

import json
from dataclasses import asdict
from functools import cache

from service.api import queue_reads
from service.api.control import Control
from service.api.wire import methods as wire
from service.api.wire.estimate import EstimateResult
from service.api.wire.messages import MOST_ROWS, EventMessage, Reply, Request
from service.api.wire.queue import ImageSums
from service.model.jobs import JobState
from service.store.database import utc_now
from service.store.rows import to_json
from service.store.store import Store
from service.trends.noting import trends_of

_NEXT_JOBS = 10


def status(store: Store, control: Control) -> wire.StatusResult:
    """Return the state of the session."""
    now, job, left = store.status(), store.queue.current_job(), control.estimate()
    return wire.StatusResult(
        phase=now.phase,
        resume_to=now.resume_to,
        reason=now.reason,
        cause=now.cause,
        rev=store.requests.rev(),
        last_seq=store.events.last_seq(),
        time_s=control.time_s(),
        at=utc_now().isoformat(timespec="milliseconds"),
        left_s=left.left_s,
        finish_at=left.finish_at,
        fields=store.specimen.field_counts(),
        jobs=store.queue.counts(),
        current_job=None if job is None else queue_reads.rows(store, [job])[0],
        focus=queue_reads.focus_sums(store),
        overviews=store.overviews.counts(),
        images=ImageSums.of(store.images.counts(), control.retakes()),
        trends=tuple(wire.TrendNow(**asdict(one)) for one in trends_of(store)),
        # By way of JSON, so that a NaN of a driver becomes null.
        devices=json.loads(to_json(dict(control.devices()))),
        health=json.loads(to_json(dict(control.health()))),
    )


def snapshot(store: Store, control: Control, hello: wire.Hello) -> wire.Snapshot:
    """Return the state of the session and the next jobs."""
    queued = store.queue.jobs(JobState.QUEUED, limit=_NEXT_JOBS)
    return wire.Snapshot(
        hello=hello, status=status(store, control), next_jobs=queue_reads.rows(store, queued)
    )


def estimate(control: Control) -> EstimateResult:
    """Return an estimate of the rest of the session."""
    return EstimateResult.model_validate(control.estimate().model_dump())


def events(store: Store, params: wire.EventsParams) -> wire.EventPage:
    """Return some events after a sequence number."""
    found = store.events.since(params.seq, min(params.limit, MOST_ROWS))
    return wire.EventPage(events=tuple(map(EventMessage.of, found)), last_seq=store.events.last_seq())


@cache
def schema_json() -> str:
    """Return `schema` as JSON text; it takes long to make and never changes."""
    return schema().model_dump_json()


def schema() -> wire.Schema:
    """Return the JSON Schema of all messages."""
    return wire.Schema(
        request=Request.model_json_schema(),
        reply=Reply.model_json_schema(),
        event=EventMessage.model_json_schema(),
        methods={
            name: {
                "doc": method.doc,
                "changes": method.changes,
                "params": method.params.model_json_schema(),
                "result": method.result.model_json_schema(),
            }
            for name, method in wire.METHODS.items()
        },
    )
