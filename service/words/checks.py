"""Checks of electron images in words. They are displayed and stored beside the values, and decide nothing."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from service.model.images.checks import Check, CheckKind, ImageCounts

NAMES: Mapping[CheckKind, str] = {
    CheckKind.WIDTH: "of wrong width",
    CheckKind.HEIGHT: "of wrong height",
    CheckKind.DEPTH: "of wrong pixels",
    CheckKind.PIXEL_SIZE: "of wrong pixel size",
    CheckKind.PLACE: "of another place",
    CheckKind.DARK: "dark",
    CheckKind.SATURATED: "saturated",
    CheckKind.TRUNCATED: "cut off",
    CheckKind.REPEATED: "like the one before",
    CheckKind.BLANK: "blank",
    CheckKind.CLIPPED: "partly saturated",
    CheckKind.CHARGING: "charging",
    CheckKind.JUMP: "jumped",
    CheckKind.FOCUS: "out of focus",
    CheckKind.DRIFT: "drifted",
}
"""A bad image in one or two words."""

_BAD: Mapping[CheckKind, Callable[[float, float], str]] = {
    CheckKind.WIDTH: lambda value, limit: f"the SEM gave an image {value:.0f} pixels wide, not {limit:.0f}",
    CheckKind.HEIGHT: lambda value, limit: f"the SEM gave an image of {value:.0f} rows, not {limit:.0f}",
    CheckKind.DEPTH: lambda *_: "the SEM gave no rows and columns of whole grey levels of 8 or 16 bits",
    CheckKind.PIXEL_SIZE: lambda value, limit: (
        f"the SEM gave a pixel size of {value * 1e9:g} nm, not {limit * 1e9:g} nm"
    ),
    CheckKind.PLACE: lambda value, _: (
        "the SEM does not say where it scanned"
        if value < 0
        else f"the SEM scanned {value * 1e6:.1f} um from the requested place"
    ),
    CheckKind.DARK: lambda value, _: (
        f"its image is dark: {value:.1%} of its pixels have the same grey level, or nearly"
    ),
    CheckKind.SATURATED: lambda value, _: (
        f"its image is saturated: {value:.1%} of the pixels are at the largest grey level"
    ),
    CheckKind.TRUNCATED: lambda value, _: (
        f"its last {value:.0f} rows show nothing: the beam was blanked or lost in mid-scan"
    ),
    CheckKind.REPEATED: lambda value, _: f"{value:.0f} of its rows are those of the image before",
    CheckKind.BLANK: lambda value, _: (
        f"its image is blank: it has {value:.0%} of the noise that other images have with the beam on"
    ),
    CheckKind.CLIPPED: lambda value, _: f"{value:.0%} of its pixels are at one end of the grey levels",
    CheckKind.CHARGING: lambda value, _: (
        f"its grey steps by {value:.0%} of its range between two rows, as where the specimen charges"
    ),
    CheckKind.JUMP: lambda value, _: (
        f"{value:.0f} of its rows show ground that rows above show: the specimen jumped in mid-scan"
    ),
    CheckKind.FOCUS: lambda value, _: (
        f"out of focus: it has {value:.0%} of the sharpness of other images of its section"
    ),
    CheckKind.DRIFT: lambda value, _: (
        f"it or the image beside it drifted: the ground that both show is shifted by up to {value:.1f} pixels"
    ),
}


def check_says(check: Check) -> str:
    """Return what a check found bad, with its number."""
    return _BAD[check.kind](check.value, check.limit)


def checks_of(rows: Iterable[Mapping[str, Any]]) -> tuple[Check, ...]:
    """Return the checks in a reply of the API."""
    return tuple(Check(CheckKind(row["kind"]), row["value"], row["limit"], row["bad"]) for row in rows)


def bad_says(checks: Iterable[Check]) -> str:
    """Return what some checks found bad, in their order."""
    return "; ".join(check_says(check) for check in checks if check.bad)


def exposed_but(says: str) -> str:
    """Return the reason of a review: the image of a job is bad."""
    return f"exposed, but {says}"


def waits_for_beam(says: str) -> str:
    """Return the reason of a hold: the frame is taken again once another image proves the beam."""
    return f"{says}; it is taken again once another image shows that the beam is there"


def waits_for_focus(says: str) -> str:
    """Return the reason of a hold: the frame is taken again after another focus."""
    return f"{says}; it is taken again if another focus differs"


def taken_again(says: str | None) -> str:
    """Return the reason of a frame that is queued to be taken again."""
    return f"taken again: {says}"


def counts_of(sums: Mapping[str, Any]) -> ImageCounts:
    """Return the counts in a reply of the API."""
    bad = {CheckKind(kind): number for kind, number in sums["bad"].items()}
    return ImageCounts(bad, sums["taken_again"], sums["waiting"])


def counts_say(counts: ImageCounts) -> str:
    """Return the number of bad images by what they are, and of frames that are taken again."""
    parts = [f"{number} {NAMES[kind]}" for kind, number in counts.bad.items()]
    if counts.taken_again:
        parts.append(f"{counts.taken_again} taken again")
    if counts.waiting:
        parts.append(f"{counts.waiting} to be taken again")
    return ", ".join(parts)
