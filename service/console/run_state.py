"""Knowledge of the console about a run: the connection to it, and its last status."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Link(StrEnum):
    """State of the connection."""

    CONNECTING = "connecting"
    UP = "up"
    LOST = "lost"
    """The daemon does not answer any more; the last status is kept."""
    NONE = "none"
    """There was no daemon to reach yet."""
    FAILED = "failed"
    """An error that nobody expected: the log has it, and the run is tried again."""


@dataclass(frozen=True, slots=True)
class State:
    """Known state of the run.

    Attributes
    ----------
    link : Link
    problem : str
        Why there is no connection, in one sentence; empty if there is one.
    hello, status : dict or None
        Results of the methods of these names.
    live : bool
        False if no daemon drives the run, and its folder is read: nothing can be changed.
    was_live : bool
        True if a daemon drove it when this console began to show it, or later.
    """

    link: Link = Link.CONNECTING
    problem: str = ""
    hello: dict[str, Any] | None = None
    status: dict[str, Any] | None = None
    live: bool = True
    was_live: bool = False
