"""Images on disk: OME-TIFF, fsynced, re-opened, with a checksum."""

import errno
import hashlib
import os
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import TypeVar

import numpy as np
import tifffile
from numpy.typing import NDArray

from drivers.errors import FrameError
from drivers.pose import Pose
from drivers.recorded.tiff import read_frames
from service.errors import ImageError, UnreadableImageError
from service.image_files.facts import ImageFacts
from service.image_files.ome_xml import ome_xml
from service.store.durable import sync_folder

Pixels = NDArray[np.uint8] | NDArray[np.uint16]
T = TypeVar("T")

STRIP_ROWS = 64
"""Rows of a strip. Of 6144 x 4096 pixels of 16 bits Bio-Formats 7.3 reads 512 x 512 in 1.4 ms from strips of
64 rows, in 2.2 ms from a single one, in 3.1 ms from tiles of 256 px, and all of it in 66, 48 and 138 ms."""
_MOST_CLASSIC_BYTES = 2**32 - 2**25
"""Largest image in a classic TIFF; the rest is for tags, and for what compression may add."""

_TRIES, _AGAIN_S = 4, 0.25
"""Tries of a read or a write that may succeed a moment later, and the time between, s; chosen by hand."""
_GONE = (FileNotFoundError, NotADirectoryError, IsADirectoryError)
"""Errors that prove that a file is not there; all others say that it cannot be read now."""
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})
"""Errors that a person must mend: the caller pauses at once."""


@dataclass(frozen=True, slots=True)
class SavedImage:
    """A durable file: written, fsynced, re-opened and compared."""

    path: Path
    sha256: str
    size_bytes: int


def read_pixels(path: Path, sha256: str | None = None) -> Pixels:
    """Return the pixels of a saved image.

    Raises
    ------
    UnreadableImageError
        It cannot be read now, also at the last of several tries.
    ImageError
        The file is missing, damaged, or not the one with that checksum.
    """

    def read() -> Pixels:
        _require_checksum(path, sha256)
        try:
            # By its number: to find it by the OME-XML takes longer than to read it.
            return np.asarray(tifffile.imread(path, key=0))
        except (tifffile.TiffFileError, ValueError, RuntimeError, struct.error) as error:
            raise ImageError(f"{path}: cannot be read back ({error})") from error

    return _read_patiently(path, read)


def require_unchanged(path: Path, sha256: str) -> None:
    """Read a file whole, and compare it with one that has been read back and compared pixel by pixel.

    The same bytes decode to the same pixels.

    Raises
    ------
    UnreadableImageError, ImageError
        As `read_pixels`.
    """
    _read_patiently(path, lambda: _require_checksum(path, sha256))


def read_fm(path: Path, sha256: str | None) -> tuple[Pixels, Pose, float | None]:
    """Return pixels, pose and dark level (grey level without light, None if unknown) of a saved frame.

    Raises
    ------
    UnreadableImageError, ImageError
        As `read_pixels`.
    """

    def read() -> tuple[Pixels, Pose, float | None]:
        _require_checksum(path, sha256)
        try:
            (frame,) = read_frames(path)
        except FrameError as error:
            if isinstance(error.__context__, OSError):
                raise error.__context__ from error
            raise ImageError(str(error)) from error
        if frame.center_m is None:
            raise ImageError(f"{path}: has no stage position")
        return frame.pixels, frame.pose_at(frame.center_m), frame.offset_adu

    return _read_patiently(path, read)


def _read_patiently(path: Path, read: Callable[[], T]) -> T:
    """Read a file; what may pass by itself, such as too many open files, is tried again.

    Raises
    ------
    UnreadableImageError, ImageError
    """
    for left in reversed(range(_TRIES)):
        try:
            return read()
        except _GONE as error:
            raise ImageError(f"{path}: cannot be read back ({error})") from error
        except (OSError, MemoryError) as error:
            if left == 0:
                why = str(error) or type(error).__name__
                raise UnreadableImageError(f"{path}: cannot be read now ({why})") from error
            time.sleep(_AGAIN_S)
    raise AssertionError


def _require_checksum(path: Path, sha256: str | None) -> None:
    if sha256 is not None and checksum(path) != sha256:
        raise ImageError(f"{path}: the file is not the one that was saved (its checksum differs)")


def save(path: Path, pixels: Pixels, facts: ImageFacts, compress: bool = False) -> SavedImage:
    """Write an OME-TIFF durably: synced to the disk, read back and compared before it gets its name.

    What may pass by itself is tried again.

    Parameters
    ----------
    path : Path
        Its folder, and the folder above, are made where they are missing.
    pixels : (rows, columns) array of uint8 or uint16
    facts : ImageFacts
    compress : bool
        True to compress without loss (deflate).

    Raises
    ------
    OSError
        The disk is full, read-only or lost; this call leaves no file of that name.
    ImageError
        The file does not read back as written.
    """
    for left in reversed(range(_TRIES)):
        try:
            return _write(path, pixels, facts, compress)
        except (OSError, ImageError) as error:
            if left == 0 or getattr(error, "errno", None) in _NO_ROOM or not path.parent.is_dir():
                raise
            time.sleep(_AGAIN_S)
    raise AssertionError


def _write(path: Path, pixels: Pixels, facts: ImageFacts, compress: bool) -> SavedImage:
    # Not with `parents`: the folder of a run that was moved away must not appear again.
    path.parent.parent.mkdir(exist_ok=True)
    path.parent.mkdir(exist_ok=True)
    part = path.with_name(path.name + ".part")
    per_cm = 1e-2 / facts.pixel_size_m[0], 1e-2 / facts.pixel_size_m[1]
    try:
        with part.open("wb") as file:
            tifffile.imwrite(
                file,
                pixels,
                ome=False,
                metadata=None,
                description=ome_xml(facts),
                datetime=facts.acquisition.taken_at.astimezone(UTC).replace(tzinfo=None),
                software=f"ilemtrack {facts.acquisition.provenance.program}",
                photometric="minisblack",
                resolution=per_cm,
                resolutionunit="CENTIMETER",
                bigtiff=needs_bigtiff(pixels.nbytes),
                rowsperstrip=STRIP_ROWS,
                compression="zlib" if compress else None,
            )
            file.flush()
            os.fsync(file.fileno())
        if not np.array_equal(read_pixels(part), pixels, equal_nan=pixels.dtype.kind == "f"):
            raise ImageError(f"{part}: does not read back as written")
        sha256 = checksum(part)
        part.replace(path)
        sync_folder(path.parent)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return SavedImage(path, sha256, path.stat().st_size)


def needs_bigtiff(size_bytes: int) -> bool:
    """Return True for an image that the 32 bit offsets of a classic TIFF may not reach to the end."""
    return size_bytes > _MOST_CLASSIC_BYTES


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal.

    Raises
    ------
    OSError
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
