"""What every message of the API is made of: requests, replies, events, and the types of their fields."""

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from config.base import Frozen
from service.model.phases import Phase

API_VERSION = 1

_LARGEST = 2**53
"""Largest integer that every JSON reader keeps exact."""

RequestId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{1,64}$")]
Identifier = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Limit = Annotated[
    int, Field(ge=1, le=1000, description="Most rows of one reply; there may be fewer, with more behind.")
]
Number = Annotated[int, Field(ge=0, le=_LARGEST)]
Position = Annotated[int, Field(ge=-_LARGEST, le=_LARGEST, description="Place in the queue.")]


class ErrorCode(StrEnum):
    """Why a request was refused."""

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


class NoParams(Frozen):
    """No parameters."""


class ChangeParams(Frozen):
    """A change; refused if the revision is not `if_rev` or the run not `if_run`, where these are given."""

    if_rev: Number | None = None
    if_run: Identifier | None = None


class Changed(Frozen):
    """A change was made, or its beginning; `message` says where it will land."""

    message: str
    phase: Phase
    rev: int
