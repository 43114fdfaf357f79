"""Items of an export: files and folders that are written whole, and formats, which list them."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from service.export.contents import LeftOutImage, RunContents, SectionContents
from service.export.folder import ExportFolder


class ExportFormat(StrEnum):
    """Format of an export."""

    OME_ZARR = "ome-zarr"
    RENDER_WS = "render-ws"
    FIJI = "fiji"
    USEQ = "useq"


@dataclass(frozen=True, slots=True)
class Item:
    """A file or folder of an export, which is there whole or not at all.

    Attributes
    ----------
    path : str
        In the folder of the export.
    name : str
        Image or section that it shows, for messages.
    write : callable
        Writes it at the path that it is given. Returns images of several that could not be read; raises
        `ImageError` where it is made of one that cannot be read.
    fingerprint : callable
        Returns a digest of all that the item is made from; called when the items before it are there.
    pixel_bytes : int
        Bytes of images to read; 0 for metadata.
    """

    path: str
    name: str
    write: Callable[[Path], Sequence[LeftOutImage] | None]
    fingerprint: Callable[[], str]
    pixel_bytes: int = 0


class Format(Protocol):
    """A format: the items of each section, and those of the whole run that follow them."""

    def section_items(
        self, run: RunContents, section: SectionContents, folder: ExportFolder
    ) -> Iterator[Item]:
        """List the items of a section."""
        ...

    def run_items(self, run: RunContents, folder: ExportFolder) -> Iterator[Item]:
        """List the items that all sections share."""
        ...


def digest(*facts: object) -> str:
    """Return a digest of values that print all that they are."""
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:24]


def size_of(path: Path) -> int:
    """Return the size of a file, bytes; 0 if it cannot be read."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
