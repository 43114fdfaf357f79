"""A PNG file as grey levels."""

import struct
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from drivers.errors import FrameError
from drivers.recorded.grey import Pixels, grey_levels

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MAX_SIDE_PX = 32768
_MAX_PIXELS = 2**28
_MAX_FILE_BYTES = 2**30


def read_png(path: Path) -> Pixels:
    """Return the grey levels of a PNG of one image, 8 or 16 bit; see `decoded`."""
    return grey_levels(decoded(path, least_bits=8), str(path))


def described(path: Path) -> tuple[tuple[int, int], str]:
    """Return rows and columns of a PNG, and the type of its pixels, from its header.

    Raises
    ------
    FrameError
        It is damaged or too large.
    OSError
    """
    with path.open("rb") as file:
        columns, rows, depth = _header(file.read(33), path)
    return (rows, columns), "uint16" if depth > 8 else "uint8"


def decoded(path: Path, least_bits: int = 1) -> NDArray[Any]:
    """Return the pixels of a PNG of one image, in colours where it has them.

    Parameters
    ----------
    path : Path
    least_bits : int
        Of each pixel.

    Raises
    ------
    FrameError
        It is damaged, too large, an animation, or has fewer bits.
    OSError
    """
    with path.open("rb") as file:
        data = file.read(_MAX_FILE_BYTES + 1)
    if len(data) > _MAX_FILE_BYTES:
        raise FrameError(f"{path}: is larger than {_MAX_FILE_BYTES // 2**20} MiB")
    _, _, depth = _header(data, path)
    if depth < least_bits:
        raise FrameError(f"{path}: has {2**depth} grey levels; a raw frame has 8 or 16 bit")
    if b"acTL" in data[:4096]:
        raise FrameError(f"{path}: is an animation; save each frame as an image of its own")
    try:
        return np.asarray(imagecodecs.png_decode(data))
    except (imagecodecs.PngError, ValueError, MemoryError):
        raise FrameError(f"{path}: is a damaged PNG file") from None


def _header(data: bytes, path: Path) -> tuple[int, int, int]:
    """Return columns, rows and bits of a pixel."""
    if len(data) < 33 or data[:8] != SIGNATURE or data[12:16] != b"IHDR":
        raise FrameError(f"{path}: is a damaged PNG file")
    columns, rows, depth = struct.unpack_from(">IIB", data, 16)
    if not (0 < rows <= _MAX_SIDE_PX and 0 < columns <= _MAX_SIDE_PX and rows * columns <= _MAX_PIXELS):
        raise FrameError(f"{path}: claims {columns} x {rows} pixels; at most {_MAX_SIDE_PX} a side are read")
    return columns, rows, depth
