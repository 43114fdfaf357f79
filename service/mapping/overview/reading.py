"""Pictures of an overview: TIFF, PNG or JPEG; grey or colour; 8 bit, 16 bit or 32 bit float."""

import struct
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray

from detection.overview.values import Pixels
from drivers.errors import FrameError
from drivers.recorded.png import SIGNATURE, decoded
from drivers.recorded.tiff import DAMAGED
from service.errors import InputError

LONGEST_PX = 32_768
MOST_PIXELS = 500_000_000
"""Of one picture: 20,000 x 20,000 pixels, and some more."""
_MOST_CHANNELS = 8
_JPEG = b"\xff\xd8\xff"
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_SIZE_MARKERS = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
"""Markers of a JPEG file that state its size."""


def read_picture(path: Path) -> Pixels:
    """Read the first image of a file.

    Returns
    -------
    (rows, columns) or (rows, columns, channels) array of uint8, uint16 or float32
        Without transparency.

    Raises
    ------
    InputError
        Raised when it is missing, damaged, too large, or no picture; one sentence.
    """
    try:
        with path.open("rb") as file:
            start = file.read(16)
        if start[:8] == SIGNATURE:
            values = decoded(path)
        elif start[:3] == _JPEG:
            values = _read_jpeg(path)
        elif start[:4] in _TIFF:
            values = _read_tiff(path)
        else:
            raise InputError(f"{path}: is no TIFF, PNG or JPEG file")
    except FrameError as error:
        raise InputError(str(error)) from None
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
    return _pixels(values, path)


def _read_jpeg(path: Path) -> NDArray[Any]:
    data = path.read_bytes()
    place = 2
    while place + 9 < len(data):
        marker, length = data[place + 1], struct.unpack_from(">H", data, place + 2)[0]
        if marker in _SIZE_MARKERS:
            rows, columns = struct.unpack_from(">HH", data, place + 5)
            _check_size(rows, columns, path)
            break
        place += 2 + length
    try:
        return np.asarray(imagecodecs.jpeg_decode(data))
    except (RuntimeError, ValueError, MemoryError):
        raise InputError(f"{path}: is a damaged JPEG file") from None


def _read_tiff(path: Path) -> NDArray[Any]:
    try:
        with tifffile.TiffFile(path) as file:
            page = file.pages.first
            _check_size(page.imagelength, page.imagewidth, path)
            values = np.asarray(page.asarray())
            if values.size == 0:
                raise InputError(f"{path}: is a damaged TIFF file; it has no pixels")
            if page.planarconfig == 2 and values.ndim == 3:
                values = np.moveaxis(values, 0, 2)
            return values
    except InputError:
        raise
    except DAMAGED:
        raise InputError(f"{path}: is a damaged TIFF file, or of a kind that is not read") from None


def _check_size(rows: int, columns: int, path: Path) -> None:
    if max(rows, columns) > LONGEST_PX or rows * columns > MOST_PIXELS:
        raise InputError(
            f"{path}: has {columns} x {rows} pixels; at most {LONGEST_PX} a side and"
            f" {MOST_PIXELS / 1e6:.0f} million in all are read: save it at a smaller scale"
        )


def _pixels(values: NDArray[Any], path: Path) -> Pixels:
    """Return pixels of a type that is worked with, without transparency."""
    if values.ndim == 3 and values.shape[2] in (2, 4):
        values = values[:, :, :-1]
    if values.ndim == 3 and values.shape[2] == 1:
        values = values[:, :, 0]
    if values.ndim not in (2, 3) or (values.ndim == 3 and values.shape[2] > _MOST_CHANNELS):
        raise InputError(f"{path}: has the shape {values.shape}; an overview is one picture, grey or colour")
    _check_size(values.shape[0], values.shape[1], path)
    if min(values.shape[:2]) < 32:
        raise InputError(f"{path}: has {values.shape[1]} x {values.shape[0]} pixels, too few for an overview")
    if values.dtype == np.bool_:
        return np.asarray(values * np.uint8(255), dtype=np.uint8)
    if values.dtype.kind == "u" and values.dtype.itemsize <= 2:
        return np.asarray(values.astype(values.dtype.newbyteorder("="), copy=False))
    if values.dtype.kind not in "uif":
        raise InputError(f"{path}: holds {values.dtype} values; an overview has grey levels or colours")
    numbers = values.astype(np.float32)
    if not np.isfinite(numbers).all():
        raise InputError(f"{path}: holds values that are not all numbers")
    return numbers
