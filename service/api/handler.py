"""Handler of requests: one request in, one reply out, as bytes."""

import json
import os
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NoReturn

from pydantic import ValidationError

from config.base import Frozen
from config.documents.plain import plain
from service.api import field_reads, map_reads, queue_reads, review_reads, session_reads, target_reads
from service.api.cell_reads import CellCounter
from service.api.changes import Changes
from service.api.control import Control
from service.api.wire.messages import API_VERSION, ChangeParams, ErrorCode, Request, refusal
from service.api.wire.methods import METHODS, Hello
from service.errors import (
    IllegalTransitionError,
    ImageError,
    RefusedChoiceError,
    RefusedFrameError,
    RequestReusedError,
    StaleRevisionError,
    StoreError,
    UnknownIdError,
)
from service.logs import get_logger
from service.model.phases import NotNowError
from service.store.rows import to_json
from service.store.store import Store
from service.version import program_version
from service.words.states import not_now

log = get_logger(__name__)


class RefusedError(Exception):
    """Raised when a request is answered with an error."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code


class Handler:
    """Handler of the requests for one session.

    Parameters
    ----------
    store : Store
    control : Control
    events_endpoint : str
        Endpoint of the events socket, as `hello` names it.
    microscope : str
        The microscope, in a few words for people.
    """

    def __init__(self, store: Store, control: Control, events_endpoint: str, microscope: str = "") -> None:
        self._store = store
        self._hello = Hello(
            program=program_version(),
            run=store.run_id(),
            kind=store.kind(),
            events_endpoint=events_endpoint,
            pid=os.getpid(),
            microscope=microscope,
        )
        self._run = self._hello.run
        cells = CellCounter(store)
        self._reads: Mapping[str, Callable[[Any], Frozen]] = {
            "hello": lambda _: self._hello,
            "status": lambda _: session_reads.status(store, control),
            "snapshot": lambda _: session_reads.snapshot(store, control, self._hello),
            "schema": lambda _: session_reads.schema(),
            "estimate": lambda _: session_reads.estimate(control),
            "events.since": partial(session_reads.events, store),
            "sections.list": partial(map_reads.sections, store),
            "fields.list": partial(field_reads.page, store),
            "fields.get": partial(field_reads.detail, store),
            "fields.boxes": partial(field_reads.boxes, store),
            "cells.count": lambda _: cells.now(),
            "fields.image": partial(map_reads.field_image, store),
            "fields.frames": partial(map_reads.frames, store),
            "queue.list": partial(queue_reads.page, store),
            "queue.get": lambda params: queue_reads.detail(
                store, params, control.devices(), control.retakes()
            ),
            "queue.image": partial(map_reads.job_image, store),
            "targets.get": lambda _: target_reads.now(store, control.targets()),
            "targets.list": lambda params: target_reads.page(control.targets(), params),
            "targets.cells": partial(field_reads.of_target, store),
            "targets.preview": lambda params: target_reads.preview(control.preview(params.rule)),
            "review.get": lambda _: review_reads.now(store, control.policy()),
            "review.list": partial(review_reads.page, store),
            "review.preview": lambda params: review_reads.preview(
                control.preview_policy(params.policy.change(), params.field)
            ),
            "exposures.list": partial(queue_reads.exposures, store),
            "overviews.list": partial(queue_reads.overviews, store),
            "focus.list": partial(queue_reads.focuses, store),
        }
        self._changes = Changes(store, control, microscope)

    def is_read(self, payload: bytes) -> bool:
        """Return True if a request changes nothing, also one that cannot be understood."""
        try:
            method = METHODS.get(str(_parse(payload).get("method")))
        except (RefusedError, RecursionError):
            return True
        return method is None or not method.changes

    def moved(self, events_endpoint: str) -> None:
        """Name another endpoint of the events socket in `hello` from now on."""
        self._hello = self._hello.model_copy(update={"events_endpoint": events_endpoint})

    def answer(self, payload: bytes) -> bytes:
        """Return the reply to a request; an error is a reply too, never an exception."""
        request_id: str | None = None
        try:
            document = _parse(payload)
            request_id = _request_id(document)
            return _ok(request_id, self._result(_request(document)))
        except RefusedError as error:
            return refusal(request_id, error.code, str(error))
        except UnknownIdError as error:
            return refusal(request_id, ErrorCode.NOT_FOUND, str(error))
        except NotNowError as error:
            return refusal(request_id, ErrorCode.ILLEGAL_TRANSITION, not_now(error))
        except IllegalTransitionError as error:
            return refusal(request_id, ErrorCode.ILLEGAL_TRANSITION, str(error))
        except (RefusedFrameError, RefusedChoiceError) as error:
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
        """Return the result of a request as JSON text."""
        method = METHODS.get(request.method)
        if method is None:
            raise RefusedError(
                ErrorCode.UNKNOWN_METHOD, f"there is no method '{request.method}'; see 'schema'"
            )
        try:
            # Strict validation of JSON text takes a list for a tuple, and only a number for a number.
            params = method.params.model_validate_json(json.dumps(request.params), strict=True)
        except ValidationError as error:
            raise RefusedError(ErrorCode.BAD_PARAMS, _one_sentence(error)) from None
        if isinstance(params, ChangeParams):
            if params.if_run not in (None, self._run):
                message = f"this daemon has run {self._run}, not {params.if_run}"
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
        if request.method == "schema":
            return session_reads.schema_json()
        with self._store.snapshot():
            return self._reads[request.method](params).model_dump_json()


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
    """Return the identifier of a request, None if it has no usable one."""
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
    """Return the first error with its place."""
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(map(str, first["loc"])) or "request"
    return f"{where[:100]}: {plain(first)}"
