"""One request in, one reply out, as bytes: all of the API but its sockets."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, NoReturn, Protocol

from pydantic import ValidationError

from config.base import Frozen
from service.api import models as wire
from service.api.estimate_models import EstimateResult
from service.api.models import METHODS, ErrorCode
from service.errors import (
    IllegalTransitionError,
    RequestReusedError,
    StaleRevisionError,
    StoreError,
    UnknownIdError,
)
from service.estimate import SessionEstimate
from service.logs import get_logger
from service.records import Event, Job, JobState
from service.store.database import utc_now
from service.store.rows import to_json
from service.store.store import Store
from service.version import program_version

log = get_logger(__name__)

_NEXT_JOBS = 10


class Control(Protocol):
    """What the API may ask of a running session.

    The five changes are called inside the transaction that keeps their reply. They return at once, with a
    sentence that says where the change will land. They must not wait for a lock that another thread holds
    while it writes to the store. What must happen only once the change is on the disk (waking the runner)
    goes through `Store.after_commit`. Each raises `IllegalTransitionError` where the phase does not allow it.
    """

    def pause(self) -> str:
        """Pause after the step that runs."""
        ...

    def resume(self) -> str:
        """Go on after a pause."""
        ...

    def abort(self) -> str:
        """End the session at once, for good."""
        ...

    def acknowledge(self) -> str:
        """Leave a fault."""
        ...

    def confirm_review(self) -> str:
        """End the review between fluorescence and the beam."""
        ...

    def devices(self) -> Mapping[str, Any]:
        """Return what was read from the devices last; never waits for hardware."""
        ...

    def time_s(self) -> float:
        """Time on the microscope's clock, s."""
        ...

    def estimate(self) -> SessionEstimate:
        """What is left of the session."""
        ...


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
            "queue.list": self._queue,
            "queue.get": self._job,
        }
        self._changes: Mapping[str, Callable[[], str]] = {
            "run.pause": control.pause,
            "run.resume": control.resume,
            "run.abort": control.abort,
            "fault.ack": control.acknowledge,
            "review.confirm": control.confirm_review,
        }

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
        except StaleRevisionError as error:
            return refusal(request_id, ErrorCode.STALE_REVISION, str(error))
        except RequestReusedError as error:
            return refusal(request_id, ErrorCode.ID_REUSED, str(error))
        except RecursionError:
            return refusal(request_id, ErrorCode.BAD_REQUEST, "the request is nested too deeply")
        except StoreError as error:
            log.exception("the store failed a request")
            return refusal(request_id, ErrorCode.STORAGE, str(error))
        except Exception:
            log.exception("a request failed")
            return refusal(request_id, ErrorCode.INTERNAL, "an error in the daemon; its log has the details")

    def _result(self, request: wire.Request) -> str:
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
        if isinstance(params, wire.ChangeParams):
            make = self._changes[request.method]
            return to_json(
                self._store.change_by_request(
                    request.id,
                    request.method,
                    params.model_dump(mode="json"),
                    params.if_rev,
                    lambda: self._changed(make).model_dump(mode="json"),
                )
            )
        with self._store.snapshot():
            return self._reads[request.method](params).model_dump_json()

    def _changed(self, make: Callable[[], str]) -> wire.Changed:
        message = make()
        return wire.Changed.of(message, self._store.status(), self._store.rev())

    def _hello(self, _: wire.NoParams) -> wire.Hello:
        return self._hello_result

    def _status(self, _: wire.NoParams) -> wire.StatusResult:
        store = self._store
        status, job, left = store.status(), store.current_job(), self._control.estimate()
        return wire.StatusResult(
            phase=status.phase,
            resume_to=status.resume_to,
            reason=status.reason,
            rev=store.rev(),
            last_seq=store.last_seq(),
            time_s=self._control.time_s(),
            at=utc_now().isoformat(timespec="milliseconds"),
            left_s=left.left_s,
            finish_at=left.finish_at,
            fields=store.field_counts(),
            jobs=store.counts(),
            current_job=None if job is None else self._rows([job])[0],
            # Through JSON: what a gauge does not know is null, whatever the driver calls it.
            devices=json.loads(to_json(dict(self._control.devices()))),
        )

    def _estimate(self, _: wire.NoParams) -> EstimateResult:
        return EstimateResult.model_validate(asdict(self._control.estimate()))

    def _snapshot(self, none: wire.NoParams) -> wire.Snapshot:
        queued = self._store.jobs(JobState.QUEUED, limit=_NEXT_JOBS)
        return wire.Snapshot(
            hello=self._hello_result, status=self._status(none), next_jobs=tuple(self._rows(queued))
        )

    def _events(self, params: wire.EventsParams) -> wire.EventPage:
        found = self._store.events_since(params.seq, params.limit)
        return wire.EventPage(events=tuple(map(event_message, found)), last_seq=self._store.last_seq())

    def _sections(self, params: wire.SectionsParams) -> wire.SectionPage:
        found = self._store.sections(params.limit, params.after)
        return wire.SectionPage(
            sections=tuple(wire.SectionRow(section=s.id, index=s.index, center_m=s.center_m) for s in found),
            after=found[-1].id if len(found) == params.limit else None,
        )

    def _fields(self, params: wire.FieldsParams) -> wire.FieldPage:
        found = self._store.fields(params.section, params.state, params.limit, params.after)
        return wire.FieldPage(
            fields=tuple(map(wire.FieldRow.of, found)),
            after=found[-1].id if len(found) == params.limit else None,
        )

    def _queue(self, params: wire.QueueParams) -> wire.JobPage:
        found = self._store.jobs(params.state, params.section, params.limit, params.after)
        return wire.JobPage(
            jobs=tuple(self._rows(found)), after=found[-1].position if len(found) == params.limit else None
        )

    def _job(self, params: wire.JobParams) -> wire.JobDetail:
        job = self._store.job(params.job)
        return wire.JobDetail(
            row=self._rows([job])[0],
            rect_m=job.rect_m,
            image=job.image,
            sha256=job.sha256,
            exposures=tuple(map(wire.ExposureRow.of, self._store.exposures(job=job.id))),
        )

    def _rows(self, jobs: list[Job]) -> list[wire.JobRow]:
        kept = self._store.kept_because(jobs)
        return [wire.JobRow.of(job, kept) for job in jobs]


def event_message(event: Event) -> wire.EventMessage:
    """Event as it goes over the wire."""
    return wire.EventMessage(
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
    error = wire.Error(code=code, message=clean)
    return wire.Reply(id=request_id, ok=False, error=error).model_dump_json(exclude={"result"}).encode()


def _ok(request_id: str | None, result: str) -> bytes:
    return f'{{"v":{wire.API_VERSION},"id":{json.dumps(request_id)},"ok":true,"result":{result}}}'.encode()


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


def _request(document: dict[str, Any]) -> wire.Request:
    stated = document.get("v")
    if isinstance(stated, int) and not isinstance(stated, bool) and stated != wire.API_VERSION:
        raise RefusedError(
            ErrorCode.UNSUPPORTED_VERSION, f"this daemon speaks version {wire.API_VERSION}, not {stated}"
        )
    try:
        return wire.Request.model_validate(document, strict=True)
    except ValidationError as error:
        raise RefusedError(ErrorCode.BAD_REQUEST, _one_sentence(error)) from None


def _one_sentence(error: ValidationError) -> str:
    """First of the errors: where and what."""
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(map(str, first["loc"])) or "request"
    return f"{where[:100]}: {first['msg']}"


def _schema(_: wire.NoParams) -> wire.Schema:
    return wire.Schema(
        request=wire.Request.model_json_schema(),
        reply=wire.Reply.model_json_schema(),
        event=wire.EventMessage.model_json_schema(),
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
