"""Result of a check."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """Outcome of a check."""

    OK = "ok"
    WARN = "warn"
    RED = "red"
    """A session cannot run."""


@dataclass(frozen=True, slots=True)
class Check:
    """A check, with its outcome in one sentence."""

    name: str
    level: Level
    says: str
