"""The choice of what to image: cells through all their sections, chosen or left out, frozen values."""

from dataclasses import dataclass
from enum import StrEnum


class LeftOut(StrEnum):
    """Reason why a cell is left out by choice."""

    TOO_DIM = "too_dim"
    TOO_BRIGHT = "too_bright"
    TOO_SMALL = "too_small"
    TOO_LARGE = "too_large"
    TOO_SHORT = "too_short"
    """Shown by fewer sections than asked for."""
    TOO_LONG = "too_long"
    NOT_AMONG_BRIGHTEST = "not_among_brightest"
    NOT_IN_SAMPLE = "not_in_sample"
    NOT_NAMED = "not_named"
    SKIPPED_BY_HAND = "skipped_by_hand"
    """A person has skipped all frames of it, in this section."""


class Beside(StrEnum):
    """Effect of the planned frames of other cells on a cell that is left out."""

    IMAGED = "imaged"
    """They show all of it."""
    TOUCHED = "touched"
    """They may expose a part of it."""
    CLEAR = "clear"
    """The beam does not reach it: its fluorescence stays."""


@dataclass(frozen=True, slots=True)
class Target:
    """One cell through all sections that show it: what is chosen or left out as a whole.

    Attributes
    ----------
    id : str
        Its track; for a cell without a track, the cell itself.
    brightness_adu : float or None
        Median over the sections that show it, grey levels above the background; None if not measured.
    size_um : float
        Root of width times height where it is largest.
    sections : int
        Number of sections that show it.
    """

    id: str
    brightness_adu: float | None
    size_um: float
    sections: int


@dataclass(frozen=True, slots=True)
class Choice:
    """A rule that is in force, and who made it.

    Attributes
    ----------
    number : int
        Grows with each choice; 0 for the rule of the configuration.
    rule : str
        JSON of `config.work.TargetsConfig`.
    by, reason : str
    at : str
        Wall clock, ISO 8601, UTC; empty for the rule of the configuration.
    """

    number: int
    rule: str
    by: str = ""
    reason: str = ""
    at: str = ""
