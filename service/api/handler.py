"""One request in, one reply out, as bytes: all of the API but its sockets."""

import json
import os
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NoReturn

from pydantic import ValidationError

from config.base import Frozen
from service.api import field_reads
from service.api.changes import Changes, Control
from service.api.wire import fields, focus
from service.api.wire import methods as wire
from service.api.wire import queue as jobs
from service.api.wire.estimate import EstimateResult
from service.api.wire.messages import (
    API_VERSION,
    ChangeParams,
    Error,
    ErrorCode,
    EventMessage,
    NoParams,
    Reply,
    Request,
)
from service.api.wire.methods import METHODS
from service.errors import (
    IllegalTransitionError,
    ImageError,
    RefusedFrameError,
    RequestReusedError,
    StaleRevisionError,
    StoreError,
    UnknownIdError,
)
from service.logs import get_logger
from service.model.event import Event
from service.model.focus import FocusBeam, FocusState
from service.model.jobs import Job, JobState
from service.session.run_folder import RunFolder
from service.store.database import utc_now
from service.store.rows import to_json
from service.store.store import Store
from service.version import program_version

log = get_logger(__name__)

_NEXT_JOBS = 10

_MOST_ROWS = 100
"""Rows of one reply, whatever its `limit`: a long page would make every other client wait for it."""


class RefusedError(Exception):
    """Raised when a request gets an error for a reply."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code


class Handler:
    """Answers requests for one session.

    Parameters
    ----------
    store : Store
    control : Control
    events_endpoint : str
        Where the events of the session are served.
    """

    def __init__(self, store: Store, control: Control, events_endpoint: str) -> None:
        self._store = store
        self._control = control
        self._hello_result = wire.Hello(
            program=program_version(),
            run=store.run_id(),
            kind=store.kind(),
            events_endpoint=events_endpoint,
            pid=os.getpid(),
        )
        self._reads: Mapping[str, Callable[[Any], Frozen]] = {
            "hello": self._hello,
            "status": self._status,
            "snapshot": self._snapshot,
            "schema": _schema,
            "estimate": self._estimate,
            "events.since": self._events,
            "sections.list": self._sections,
            "fields.list": self._fields,
            "fields.get": partial(field_reads.detail, store),
            "fields.boxes": partial(field_reads.boxes, store, most=_MOST_ROWS),
            "fields.image": partial(field_reads.image, store),
            "queue.list": self._queue,
            "queue.get": self._job,
            "exposures.list": self._exposures,
            "focus.list": self._focuses,
        }
        self._changes = Changes(store, control)

    def answer(self, payload: bytes) -> bytes:
        """Answer one request; whatever it is, the answer is a reply and never an exception."""
        request_id: str | None = None
        try:
            document = _parse(payload)
            request_id = _request_id(document)
            return _ok(request_id, self._result(_request(document)))
        except RefusedError as error:
            return refusal(request_id, error.code, str(error))
        except UnknownIdError as error:
            return refusal(request_id, ErrorCode.NOT_FOUND, str(error))
        except IllegalTransitionError as error:
            return refusal(request_id, ErrorCode.ILLEGAL_TRANSITION, str(error))
        except RefusedFrameError as error:
            return refusal(request_id, ErrorCode.REFUSED, str(error))
        except StaleRevisionError as error:
            return refusal(request_id, ErrorCode.STALE_REVISION, str(error))
        except RequestReusedError as error:
            return refusal(request_id, ErrorCode.ID_REUSED, str(error))
        except RecursionError:
            return refusal(request_id, ErrorCode.BAD_REQUEST, "the request is nested too deeply")
        except ImageError as error:
            return refusal(request_id, ErrorCode.STORAGE, str(error))
        except StoreError as error:
            log.exception("the store failed a request")
            return refusal(request_id, ErrorCode.STORAGE, str(error))
        except Exception:
            log.exception("a request failed")
            return refusal(request_id, ErrorCode.INTERNAL, "an error in the daemon; its log has the details")

    def _result(self, request: Request) -> str:
        """Result of a request as JSON text."""
        method = METHODS.get(request.method)
        if method is None:
            raise RefusedError(
                ErrorCode.UNKNOWN_METHOD, f"there is no method '{request.method}'; see 'schema'"
            )
        try:
            # From JSON text, so that strict means: a number is a number, a list may be a tuple.
            params = method.params.model_validate_json(json.dumps(request.params), strict=True)
        except ValidationError as error:
            raise RefusedError(ErrorCode.BAD_PARAMS, _one_sentence(error)) from None
        if isinstance(params, ChangeParams):
            if params.if_run not in (None, self._hello_result.run):
                message = f"this daemon has run {self._hello_result.run}, not {params.if_run}"
                raise RefusedError(ErrorCode.OTHER_RUN, message)
            return to_json(
                self._store.requests.change_once(
                    request.id,
                    request.method,
                    params.model_dump(mode="json"),
                    params.if_rev,
                    lambda: self._changes.make(request.method, params).model_dump(mode="json"),
                )
            )
        with self._store.snapshot():
            return self._reads[request.method](params).model_dump_json()

    def _hello(self, _: NoParams) -> wire.Hello:
        return self._hello_result

    def _status(self, _: NoParams) -> wire.StatusResult:
        store = self._store
        status, job, left = store.status(), store.queue.current_job(), self._control.estimate()
        return wire.StatusResult(
            phase=status.phase,
            resume_to=status.resume_to,
            reason=status.reason,
            cause=status.cause,
            rev=store.requests.rev(),
            last_seq=store.events.last_seq(),
            time_s=self._control.time_s(),
            at=utc_now().isoformat(timespec="milliseconds"),
            left_s=left.left_s,
            finish_at=left.finish_at,
            fields=store.specimen.field_counts(),
            jobs=store.queue.counts(),
            current_job=None if job is None else self._rows([job])[0],
            focus=self._focus_sums(),
            # Through JSON: what a gauge does not know is null, whatever the driver calls it.
            devices=json.loads(to_json(dict(self._control.devices()))),
            health=json.loads(to_json(dict(self._control.health()))),
        )

    def _focus_sums(self) -> tuple[focus.FocusSums, ...]:
        sums = []
        for beam in FocusBeam:
            counts = self._store.focus.counts(beam)
            exposures, exposed_s = self._store.focus.cost(beam)
            if counts:
                sums.append(
                    focus.FocusSums(
                        beam=beam,
                        used=counts.get(FocusState.USED, 0),
                        outliers=counts.get(FocusState.OUTLIER, 0),
                        not_found=counts.get(FocusState.NOT_FOUND, 0),
                        exposures=exposures,
                        exposed_s=exposed_s,
                    )
                )
        return tuple(sums)

    def _estimate(self, _: NoParams) -> EstimateResult:
        return EstimateResult.model_validate(self._control.estimate().model_dump())

    def _snapshot(self, none: NoParams) -> wire.Snapshot:
        queued = self._store.queue.jobs(JobState.QUEUED, limit=_NEXT_JOBS)
        return wire.Snapshot(
            hello=self._hello_result, status=self._status(none), next_jobs=tuple(self._rows(queued))
        )

    def _events(self, params: wire.EventsParams) -> wire.EventPage:
        found = self._store.events.since(params.seq, min(params.limit, _MOST_ROWS))
        return wire.EventPage(events=tuple(map(event_message, found)), last_seq=self._store.events.last_seq())

    def _sections(self, params: wire.SectionsParams) -> wire.SectionPage:
        limit = min(params.limit, _MOST_ROWS)
        found = self._store.specimen.sections(limit, params.after)
        return wire.SectionPage(
            sections=tuple(wire.SectionRow(section=s.id, index=s.index, center_m=s.center_m) for s in found),
            after=found[-1].id if len(found) == limit else None,
        )

    def _fields(self, params: fields.FieldsParams) -> fields.FieldPage:
        limit = min(params.limit, _MOST_ROWS)
        found = self._store.specimen.fields(params.section, params.state, limit, params.after)
        return fields.FieldPage(
            fields=tuple(map(fields.FieldRow.of, found)),
            after=found[-1].id if len(found) == limit else None,
        )

    def _queue(self, params: jobs.QueueParams) -> jobs.JobPage:
        limit = min(params.limit, _MOST_ROWS)
        found = self._store.queue.jobs(params.state, params.section, limit, params.after)
        return jobs.JobPage(
            jobs=tuple(self._rows(found)), after=found[-1].position if len(found) == limit else None
        )

    def _job(self, params: jobs.JobParams) -> jobs.JobDetail:
        job = self._store.queue.job(params.job)
        folder = RunFolder(self._store.folder)
        image = folder.em_image(job.section, job.id).relative_to(folder.path)
        found = self._store.focus.of_job(job.id)
        blanked = self._control.devices().get("beam_blanked")
        return jobs.JobDetail(
            row=self._rows([job])[0],
            rect_m=job.rect_m,
            image=job.image,
            sha256=job.sha256,
            image_found=image.as_posix() if (self._store.folder / image).is_file() else None,
            exposures=tuple(map(jobs.ExposureRow.of, self._store.ledger.exposures(job=job.id))),
            history=tuple(map(event_message, self._store.queue.history(job.id))),
            focus=None if found is None else focus.FocusRow.of(found),
            beam_blanked=blanked if isinstance(blanked, bool) else None,
        )

    def _exposures(self, params: jobs.ExposuresParams) -> jobs.ExposurePage:
        limit = min(params.limit, _MOST_ROWS)
        found = self._store.ledger.exposures(limit, params.after, params.job)
        return jobs.ExposurePage(
            exposures=tuple(map(jobs.ExposureRow.of, found)),
            after=found[-1].id if len(found) == limit else None,
        )

    def _focuses(self, params: focus.FocusesParams) -> focus.FocusPage:
        limit = min(params.limit, _MOST_ROWS)
        found = self._store.focus.all(params.beam, limit, params.after)
        return focus.FocusPage(
            focuses=tuple(map(focus.FocusRow.of, found)),
            after=found[-1].id if len(found) == limit else None,
        )

    def _rows(self, found: list[Job]) -> list[jobs.JobRow]:
        kept, tracks = self._store.queue.kept_because(found), self._store.tracks.of_cells(found)
        return [jobs.JobRow.of(job, kept, tracks) for job in found]


def event_message(event: Event) -> EventMessage:
    """Event as it goes over the wire."""
    return EventMessage(
        type="event",
        seq=event.seq,
        time_s=event.time_s,
        at=event.at,
        kind=event.kind,
        subject=event.subject,
        data=event.data,
    )


def refusal(request_id: str | None, code: ErrorCode, message: str) -> bytes:
    """Reply that refuses a request."""
    # What a client sent may hold half a character (a lone surrogate), which has no UTF-8.
    clean = message.encode("utf-8", "backslashreplace").decode("utf-8")
    error = Error(code=code, message=clean)
    return Reply(id=request_id, ok=False, error=error).model_dump_json(exclude={"result"}).encode()


def _ok(request_id: str | None, result: str) -> bytes:
    return f'{{"v":{API_VERSION},"id":{json.dumps(request_id)},"ok":true,"result":{result}}}'.encode()


def _parse(payload: bytes) -> dict[str, Any]:
    try:
        document = json.loads(payload.decode("utf-8"), parse_constant=_no_constant)
    except ValueError as error:
        raise RefusedError(ErrorCode.BAD_REQUEST, f"a request is JSON in UTF-8: {error}") from None
    if not isinstance(document, dict):
        raise RefusedError(ErrorCode.BAD_REQUEST, "a request is a JSON object")
    return document


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _request_id(document: dict[str, Any]) -> str | None:
    """Identifier to answer with, where there is a usable one: even a refused request is told which it was."""
    found = document.get("id")
    return found if isinstance(found, str) and len(found) <= 64 and found.isascii() else None


def _request(document: dict[str, Any]) -> Request:
    stated = document.get("v")
    if isinstance(stated, int) and not isinstance(stated, bool) and stated != API_VERSION:
        raise RefusedError(
            ErrorCode.UNSUPPORTED_VERSION, f"this daemon speaks version {API_VERSION}, not {stated}"
        )
    try:
        return Request.model_validate(document, strict=True)
    except ValidationError as error:
        raise RefusedError(ErrorCode.BAD_REQUEST, _one_sentence(error)) from None


def _one_sentence(error: ValidationError) -> str:
    """First of the errors: where and what."""
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(map(str, first["loc"])) or "request"
    return f"{where[:100]}: {first['msg']}"


def _schema(_: NoParams) -> wire.Schema:
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
            for name, method in METHODS.items()
        },
    )
