"""Requests, replies and events of the API, and the types of their fields."""

from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints

from config.base import Frozen
from service.model.event import Event
from service.model.phases import Phase

API_VERSION = 1

MOST_ROWS = 100
"""Most rows of one reply, whatever its `limit`: other clients wait while a long page is made."""

_LARGEST = 2**53
"""Largest integer that every JSON reader keeps exact."""

RequestId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{1,64}$")]
Identifier = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f]+$")]
Limit = Annotated[
    int,
    Field(ge=1, le=1000, description="Most rows of one reply; a reply may have fewer, with more to come."),
]
Number = Annotated[int, Field(ge=0, le=_LARGEST)]
Position = Annotated[int, Field(ge=-_LARGEST, le=_LARGEST, description="Position in the queue.")]


class ErrorCode(StrEnum):
    """Reason for the refusal of a request."""

    BAD_REQUEST = "bad_request"
    UNSUPPORTED_VERSION = "unsupported_version"
    UNKNOWN_METHOD = "unknown_method"
    BAD_PARAMS = "bad_params"
    NOT_FOUND = "not_found"
    ILLEGAL_TRANSITION = "illegal_transition"
    REFUSED = "refused"
    STALE_REVISION = "stale_revision"
    OTHER_RUN = "other_run"
    ID_REUSED = "id_reused"
    STORAGE = "storage"
    INTERNAL = "internal"


class Request(Frozen):
    """One message from a client."""

    v: int
    id: RequestId
    method: Annotated[str, StringConstraints(max_length=100)]
    params: dict[str, Any] = Field(default_factory=dict)


class Error(Frozen):
    """Reason for a refusal: a code for programs, a sentence for people."""

    code: ErrorCode
    message: str


class Reply(Frozen):
    """One message to a client: `result` if `ok`, else `error`; `id` is null if the request had none."""

    v: Literal[1] = 1
    id: str | None
    ok: bool
    result: dict[str, Any] | None = None
    error: Error | None = None


class EventMessage(Frozen):
    """One message of the events socket: an event, or each second a heartbeat with the last `seq`."""

    v: Literal[1] = 1
    type: Literal["event", "heartbeat"]
    seq: Number
    time_s: float
    at: str
    kind: str = ""
    subject: str = ""
    data: dict[str, Any] = Field(default_factory=dict)

    @classmethod
    def of(cls, event: Event) -> Self:
        """Return the message of an event."""
        return cls(
            type="event",
            seq=event.seq,
            time_s=event.time_s,
            at=event.at,
            kind=event.kind,
            subject=event.subject,
            data=event.data,
        )


class NoParams(Frozen):
    """No parameters."""


class ChangeParams(Frozen):
    """A change; refused if `if_rev` or `if_run` is given and is not the current revision or run."""

    if_rev: Number | None = None
    if_run: Identifier | None = None


class SessionParams(ChangeParams):
    """A change of the session by a person; where one operates the chamber, going on confirms its pressure."""

    by: Text = "somebody"


class Changed(Frozen):
    """A change that was made, or begun; `message` says when it takes effect."""

    message: str
    phase: Phase
    rev: int
    run: str = ""
    microscope: str = ""
    """The microscope, in a few words for people."""


def refusal(request_id: str | None, code: ErrorCode, message: str) -> bytes:
    """Return the reply that refuses a request."""
    # What a client sent may hold half a character (a lone surrogate), which UTF-8 cannot encode.
    clean = message.encode("utf-8", "backslashreplace").decode("utf-8")
    error = Error(code=code, message=clean)
    return Reply(id=request_id, ok=False, error=error).model_dump_json(exclude={"result"}).encode()
