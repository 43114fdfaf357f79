"""OME-TIFF written band by band: whole under a temporary name, then renamed.

Never more than a band is in memory. The smaller copies of a large image are collected in a temporary file
beside it.
"""

import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
import tifffile

from service.image_files.images import Pixels, checksum
from service.store.durable import named_file, naming, sync_folder

BAND_ROWS = 512
"""Rows of a band, and side of a tile in large files."""
LARGE_PX = 4096
"""Longest side from which an image has smaller copies, as viewers need them."""
_SMALLEST_PX = 1024
"""Longest side of the smallest copy."""


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """Facts of an OME-TIFF.

    Attributes
    ----------
    name : str
    planes : int
        Channels or slices, which follow each other in the file.
    axis : str
        ``C`` for channels, ``Z`` for slices; of a single plane ``Z``.
    size_px : (int, int)
        Width and height.
    dtype : str
        ``uint8`` or ``uint16``.
    pixel_size_m : float
    center_m : (float, float) or None
        Stage position; None for a volume, whose sections lie elsewhere.
    spacing_m : float or None
        Distance of two slices, where it is known.
    channels : tuple of str
    notes : mapping
        Stored as a map annotation, with keys that begin with ``ilemtrack.``.
    compressed : bool
        Without loss, by Deflate, which every reader knows.
    """

    name: str
    planes: int
    axis: str
    size_px: tuple[int, int]
    dtype: str
    pixel_size_m: float
    center_m: tuple[float, float] | None
    spacing_m: float | None
    channels: tuple[str, ...]
    notes: Mapping[str, object]
    compressed: bool = False

    @property
    def levels(self) -> int:
        """Number of smaller copies, each half as large as the one before."""
        longest, count = max(self.size_px), 0
        while self.planes == 1 and max(self.size_px) > LARGE_PX and longest > _SMALLEST_PX:
            longest, count = longest // 2, count + 1
        return count


@dataclass(frozen=True, slots=True)
class Written:
    """A durable file: its size and checksum."""

    size_bytes: int
    sha256: str


def write_image(path: Path, facts: ImageFacts, bands: Iterator[Pixels]) -> Written:
    """Write an image, and rename it into place when it is whole; see `sync` for when it is on the disk.

    Parameters
    ----------
    path : Path
        Its folder exists.
    facts : ImageFacts
    bands : iterator of arrays
        `BAND_ROWS` rows each but the last of a plane, from the top, plane after plane.

    Raises
    ------
    OSError
        The disk refuses it; the error names the file, and no file of that name is left half done.
    """
    part = path.with_name(path.name + ".part")
    try:
        with named_file(part, path) as file:
            if facts.levels:
                _write_pyramid(file, path, facts, bands)
            else:
                _write_plain(file, facts, bands)
        written = Written(part.stat().st_size, checksum(part))
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return written


def sync(folder: Path, files: Iterable[str]) -> None:
    """Return when some files of a folder are on the disk, with their names.

    All at once, before they are entered in a document: an image for itself waits as long for the disk as many
    do.

    Raises
    ------
    OSError
    """
    for name in files:
        handle = os.open(folder / name, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    sync_folder(folder)


def _write_plain(file: Any, facts: ImageFacts, bands: Iterator[Pixels]) -> None:
    width, height = facts.size_px
    shape = (height, width) if facts.planes == 1 else (facts.planes, height, width)
    # Compressed: tiles; else the rows follow each other, which any program can read.
    tiled: dict[str, Any] = {
        "tile": (BAND_ROWS, BAND_ROWS),
        "compression": "zlib",
        "compressionargs": {"level": 1},
    }
    tifffile.imwrite(
        file,
        _tiles(bands, width) if facts.compressed else bands,
        shape=shape,
        dtype=facts.dtype,
        ome=True,
        metadata=_metadata(facts),
        **(tiled if facts.compressed else {"rowsperstrip": min(BAND_ROWS, height)}),
        **_tags(facts.pixel_size_m),
    )


def _write_pyramid(file: Any, path: Path, facts: ImageFacts, bands: Iterator[Pixels]) -> None:
    with tempfile.TemporaryFile(dir=path.parent) as scratch:
        sizes = [facts.size_px]
        for _ in range(facts.levels):
            sizes.append((max(sizes[-1][0] // 2, 1), max(sizes[-1][1] // 2, 1)))
        bytes_each = np.dtype(facts.dtype).itemsize
        room = sum(width * height for width, height in sizes[1:]) * bytes_each
        # Taken from the disk now: a process that writes to a mapped file without room is killed by SIGBUS.
        with naming(path):
            os.posix_fallocate(scratch.fileno(), 0, room)
        copies, begin = [], 0
        for width, height in sizes[1:]:
            copies.append(np.memmap(scratch, facts.dtype, "r+", begin, (height, width)))
            begin += width * height * bytes_each
        with tifffile.TiffWriter(file, bigtiff=_is_big(facts), ome=True) as tiff:
            tiff.write(
                _tiles(_copied(bands, copies), facts.size_px[0]),
                shape=facts.size_px[::-1],
                dtype=facts.dtype,
                tile=(BAND_ROWS, BAND_ROWS),
                subifds=facts.levels,
                metadata=_metadata(facts),
                **_tags(facts.pixel_size_m),
            )
            for level, copy in enumerate(copies, start=1):
                tiff.write(
                    _tiles(
                        (copy[top : top + BAND_ROWS] for top in range(0, copy.shape[0], BAND_ROWS)),
                        copy.shape[1],
                    ),
                    shape=copy.shape,
                    dtype=facts.dtype,
                    tile=(BAND_ROWS, BAND_ROWS),
                    subfiletype=1,
                    **_tags(facts.pixel_size_m * 2**level),
                )
        del copies


def _is_big(facts: ImageFacts) -> bool:
    width, height = facts.size_px
    return width * height * np.dtype(facts.dtype).itemsize > 2**31


def _copied(bands: Iterator[Pixels], copies: list[np.memmap[Any, Any]]) -> Iterator[Pixels]:
    """Fill the smaller copies with bands, the mean of four pixels each time, and pass the bands on."""
    for number, band in enumerate(bands):
        above, top = band, number * BAND_ROWS
        for copy in copies:
            top //= 2
            rows, columns = (
                min(above.shape[0] // 2, copy.shape[0] - top),
                min(above.shape[1] // 2, copy.shape[1]),
            )
            if rows <= 0:
                break
            half = cv2.resize(above[: 2 * rows, : 2 * columns], (columns, rows), interpolation=cv2.INTER_AREA)
            above = cast("Pixels", half)
            copy[top : top + rows, :columns] = above
        # Last: whoever takes the last band does not ask for another one.
        yield band


def _tiles(bands: Iterator[Pixels], width: int) -> Iterator[Pixels]:
    for band in bands:
        for left in range(0, width, BAND_ROWS):
            yield cast("Pixels", np.ascontiguousarray(band[:, left : left + BAND_ROWS]))


def _tags(pixel_m: float) -> dict[str, Any]:
    return {
        "photometric": "minisblack",
        "software": "ilemtrack",
        "resolution": (1e-2 / pixel_m, 1e-2 / pixel_m),
        "resolutionunit": "CENTIMETER",
    }


def _metadata(facts: ImageFacts) -> dict[str, Any]:
    """Return the OME metadata as tifffile takes them."""
    size_um = float(f"{facts.pixel_size_m * 1e6:.9g}")
    found: dict[str, Any] = {
        "axes": "YX" if facts.planes == 1 else f"{facts.axis}YX",
        "Name": facts.name,
        "PhysicalSizeX": size_um,
        "PhysicalSizeXUnit": "µm",
        "PhysicalSizeY": size_um,
        "PhysicalSizeYUnit": "µm",
        "MapAnnotation": {f"ilemtrack.{key}": str(value) for key, value in facts.notes.items()},
    }
    if facts.spacing_m is not None:
        found |= {"PhysicalSizeZ": float(f"{facts.spacing_m * 1e6:.9g}"), "PhysicalSizeZUnit": "µm"}
    if facts.channels:
        found["Channel"] = {"Name": list(facts.channels)}
    if facts.center_m is not None:
        # In metres and called so: the unit that Odemis takes positions in.
        x, y = ([float(f"{place:.12g}")] * facts.planes for place in facts.center_m)
        found["Plane"] = {
            "PositionX": x,
            "PositionXUnit": ["m"] * facts.planes,
            "PositionY": y,
            "PositionYUnit": ["m"] * facts.planes,
        }
    return found
