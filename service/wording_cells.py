"""Sentences about the cells that people choose and edit; see `service.wording`."""

from collections.abc import Sequence

from service.wording import some

_LEFT_OUT = {
    "too_dim": "dimmer than asked for",
    "too_bright": "brighter than asked for",
    "too_small": "smaller than asked for",
    "too_large": "larger than asked for",
    "too_short": "in fewer sections than asked for",
    "too_long": "in more sections than asked for",
    "not_among_brightest": "not among the brightest",
    "not_in_sample": "not in the random sample",
    "not_named": "not named",
    "skipped_by_hand": "all its frames were skipped by hand",
}
_BESIDE = {
    "imaged": "; imaged beside others",
    "touched": "; partly under the beam beside others",
    "clear": "",
}


def left_out(reason: str, beside: str = "clear") -> str:
    """Return the reason of a cell left out by choice, and the effect of the frames of other cells."""
    return f"left out by choice: {_LEFT_OUT[reason]}{_BESIDE[beside]}"


def chosen_anew(by: str) -> str:
    """Return the reason of jobs whose section is planned again for another choice of cells."""
    return f"the section is planned again, as {by} has chosen other cells"


def rejected(by: str) -> str:
    """Return the reason of a cell that a person rejected; `by` with the reason given."""
    return f"not imaged: rejected {by}"


def accepted(by: str) -> str:
    """Return the reason of a cell that a person accepted."""
    return f"kept: accepted {by}"


def drawn(by: str) -> str:
    """Return the reason of a cell that a person drew."""
    return f"kept: drawn {by}"


def resized(by: str) -> str:
    """Return the reason of a cell whose box a person changed."""
    return f"kept: box changed {by}"


def withdrawn(by: str) -> str:
    """Return the reason of a drawn cell that was taken back."""
    return f"drawn by hand, and taken back by {by}"


def above_floor_of(confidence: float, floor: float, by: str) -> str:
    """Return the reason of a cell that the threshold of a person lets pass."""
    return f"kept: confidence {confidence:.3g} reaches {floor:g}, as set by {by}"


def below_floor_of(confidence: float, floor: float, by: str) -> str:
    """Return the reason of a cell below the threshold of a person."""
    return f"not imaged: confidence {confidence:.3g} below {floor:g}, as set by {by}"


def margins_of(reason: str, by: str) -> str:
    """Return the reason of a cell that is imaged with the margins of a person."""
    return f"{reason}; margins as set by {by}"


def held_by_hand(jobs: Sequence[str]) -> str:
    """Return why a section cannot be planned again."""
    return (
        f"{len(jobs)} frames are held by hand ({some(jobs)}) and would be planned anew: release or skip them"
        " first (`ilemtrack queue`)"
    )


def cells(number: int) -> str:
    """Return 'cell' or 'cells'."""
    return "cell" if number == 1 else "cells"


def below_floor(number: int) -> str:
    """Return how many of the cells just counted are reported only; empty for none."""
    return f", {number} of them below the floor and not imaged" if number else ""


def reviewed(by: str) -> str:
    """Return the reason of jobs whose section is planned again after an edit."""
    return f"the section is planned again, as {by} has edited its cells"
