"""JSON files beside the stitched images: where each tile lies, the seams, and what each image was made of."""

import hashlib
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Literal, Self

from pydantic import ValidationError

from config.base import Frozen
from service.errors import InputError
from service.input_files import read_json
from service.stitching.values import Point, Seam, Tile
from service.store.durable import write_text
from service.version import program_version

VERSION = 2
"""Of these files, and of the way the images are made: with another one, all are made again."""
_MOST_BYTES = 256 * 2**20


class _Document(Frozen):
    """A JSON file of its own."""

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """Return the document of a file; None where there is none of this version."""
        try:
            return cls.model_validate(read_json(path, _MOST_BYTES))
        except (InputError, ValidationError):
            return None

    def write(self, path: Path) -> None:
        """Write the document durably.

        Raises
        ------
        OSError
        """
        write_text(path, self.model_dump_json(indent=1) + "\n")


class Spread(Frozen):
    """Median, 95th percentile and largest of some distances, nm."""

    median_nm: float
    percentile_95_nm: float
    worst_nm: float


class SeamsOfImage(Frozen):
    """Seams inside an image: all, those that are measured, and how far their tiles lie off each other.

    `as_stitched` is after rounding to whole pixels. Both are None where no seam is measured.
    """

    seams: int
    measured: int
    contradicted: int
    by_read_back: Spread | None
    as_stitched: Spread | None


class ImageRecord(Frozen):
    """An image: file, content, and what it was made of."""

    kind: Literal["cell", "field", "overlay"]
    name: str
    """Cell or field."""
    fingerprint: str
    sha256: str
    size_bytes: int
    jobs: tuple[str, ...]
    size_px: tuple[int, int]
    pixel_size_nm: float
    center_m: tuple[float, float]
    covered: float
    """Share of its pixels that tiles show, 0 to 1; the others are 0."""
    seams: SeamsOfImage
    bad: tuple[str, ...] = ()
    """Those of its jobs whose image a check found bad."""
    whole: bool = True
    """False for a cell of which frames are still to be taken, or are not usable."""
    light_by: Literal["overview", "calibration"] | None = None
    """Source of the place of the fluorescence; None in an image without."""
    light_proven_um: float | None = None


class SectionDocument(_Document):
    """A section: its tiles, seams and images."""

    v: Literal[1] = 1
    section: str
    fingerprint: str
    tiles: tuple[Tile, ...]
    settled_m: tuple[Point, ...]
    """Settled centre of each tile, as the SEM has it."""
    seams: tuple[Seam, ...]
    left_out: Mapping[str, str]
    images: Mapping[str, ImageRecord] = {}


class Registered(StrEnum):
    """Source of the place of a slice."""

    REFERENCE = "reference"
    """The first: the others are registered on it, or on each other."""
    ELECTRONS = "electrons"
    FLUORESCENCE = "fluorescence"
    """The middle of the cell as fluorescence has it, and the rotation of its section; electrons prove
    nothing."""
    CENTER = "center"
    """The middle of the cell alone: the rotation of its section is not known."""
    MISSING = "missing"
    """There is no image: its plane is 0."""


class SlicePlace(Frozen):
    """A slice of a volume: its section, and how it was registered.

    Attributes
    ----------
    z : int
        Plane of the volume, from 0.
    section : str
    cell : str or None
    registered : Registered
    target : str or None
        Section against which it was registered.
    significance, correlation : float
        Of the electron images; 0 where they prove nothing.
    rotation_rad : float
        From the section to the one that the volume is upright with, counter-clockwise.
    shift_um : (float, float)
        Middle of its image, from the middle of the image in that section, X right, Y up.
    """

    z: int
    section: str
    cell: str | None
    registered: Registered
    target: str | None = None
    significance: float = 0.0
    correlation: float = 0.0
    rotation_rad: float = 0.0
    shift_um: tuple[float, float] = (0.0, 0.0)


class TrackDocument(_Document):
    """A cell through the sections: its volume and strip."""

    v: Literal[1] = 1
    track: str
    fingerprint: str
    volume: str
    strip: str
    sha256: str
    size_bytes: int
    size_px: tuple[int, int]
    pixel_size_nm: float
    thickness_nm: float | None
    grey_levels: tuple[int, int]
    """Grey levels of the images that became 0 and 255."""
    slices: tuple[SlicePlace, ...]


def fingerprint(*parts: object) -> str:
    """Return a text that changes with any of its parts, and with the version of the program."""
    return hashlib.sha256(repr((VERSION, _program(), parts)).encode()).hexdigest()


@cache
def _program() -> str:
    return program_version()
