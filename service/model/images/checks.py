"""Checks of electron images as values: what was looked at, the number found, the limit, and what follows.

Sentences are made where they are shown: `service.words.checks`.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum


class CheckKind(StrEnum):
    """Property of an electron image that is checked."""

    WIDTH = "width"
    HEIGHT = "height"
    DEPTH = "depth"
    """Pixels in rows and columns, of 8 or 16 bits."""
    PIXEL_SIZE = "pixel_size"
    PLACE = "place"
    DARK = "dark"
    """Share of pixels with the same grey level, or nearly."""
    SATURATED = "saturated"
    """Share of pixels at the largest grey level: so many that the image shows nothing."""
    TRUNCATED = "truncated"
    """Rows without signal at the end."""
    REPEATED = "repeated"
    """Rows that are those of the image before."""
    BLANK = "blank"
    """Noise over that of images with the same settings: without a beam there is hardly any."""
    CLIPPED = "clipped"
    """Share of pixels at the largest or the smallest grey level: part of the contrast is lost."""
    CHARGING = "charging"
    """Step of grey between two rows, over the range of grey levels."""
    JUMP = "jump"
    """Rows that show ground which rows above them show already."""
    FOCUS = "focus"
    """Sharpness over that of other images of the section with the same settings."""
    DRIFT = "drift"
    """Way of the specimen in the course of the scan, against the image beside it, px."""


CONTRADICTORY = frozenset({CheckKind.WIDTH, CheckKind.HEIGHT, CheckKind.DEPTH, CheckKind.PIXEL_SIZE})
"""The SEM is not as configured, and the next image would be no better."""
NO_BEAM = frozenset({CheckKind.DARK, CheckKind.BLANK, CheckKind.TRUNCATED})
"""The beam did not reach the specimen, or not to the end."""
DOUBTFUL = CONTRADICTORY | NO_BEAM | {CheckKind.PLACE, CheckKind.SATURATED, CheckKind.REPEATED}
"""A person decides, unless the frame is taken again. All others only flag an image that is good to have."""
TAKEN_AGAIN = NO_BEAM | {CheckKind.FOCUS}
"""Another scan may help: once another image proves the beam, or once the beam is focused again."""


@dataclass(frozen=True, slots=True)
class Check:
    """Result of one check.

    Attributes
    ----------
    kind : CheckKind
    value : float
        Number measured; its meaning and unit are those of the kind.
    limit : float
        Number at which the image is found bad.
    bad : bool
    """

    kind: CheckKind
    value: float
    limit: float
    bad: bool


@dataclass(frozen=True, slots=True)
class CheckedImage:
    """An electron image on the disk, with its checks.

    Attributes
    ----------
    exposure : int
        Row of the ledger; each exposure has an image of its own, also where a frame is taken again.
    job : str
    file : str
        Relative to the folder of the run.
    sha256 : str
    checks : tuple of Check
        Those that could be made, good and bad.
    noise : float or None
        Standard deviation of a pixel without detail, grey levels; None where it was not measured.
    sharpness : float or None
        By `service.image_checks.sharpness`; None where there is too little detail to tell.
    retake_of : int or None
        Exposure that this one repeats, as its image was bad.
    """

    exposure: int
    job: str
    file: str
    sha256: str
    checks: tuple[Check, ...] = ()
    noise: float | None = None
    sharpness: float | None = None
    retake_of: int | None = None

    @property
    def bad(self) -> tuple[Check, ...]:
        """Checks that found it bad."""
        return bad_ones(self.checks)


@dataclass(frozen=True, slots=True)
class ImageCounts:
    """Checks of all electron images of a run, counted.

    Attributes
    ----------
    bad : dict
        Number of images by the check that found them bad.
    taken_again : int
        Frames that were exposed again by the program.
    waiting : int
        Frames that wait to be exposed again.
    """

    bad: dict[CheckKind, int]
    taken_again: int
    waiting: int


def bad_ones(checks: Collection[Check]) -> tuple[Check, ...]:
    """Return the checks that found an image bad."""
    return tuple(check for check in checks if check.bad)


def kinds_of(checks: Collection[Check]) -> frozenset[CheckKind]:
    """Return what an image was found bad by."""
    return frozenset(check.kind for check in checks if check.bad)
