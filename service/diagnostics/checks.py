"""One point that was looked at, and how it stands."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How a point stands."""

    OK = "ok"
    WARN = "warn"
    RED = "red"
    """No session can run."""


@dataclass(frozen=True, slots=True)
class Check:
    """One point."""

    name: str
    level: Level
    says: str
