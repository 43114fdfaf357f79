"""Fast previews of frames on disk, for remote clients."""

import struct
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import tifffile
from numpy.typing import NDArray

from service.errors import ImageError

DARKEST_PERCENT, BRIGHTEST_PERCENT = 1.0, 99.8
"""Percentiles of the grey levels shown as black and as white. Chosen by hand."""


@dataclass(frozen=True, slots=True)
class Preview:
    """A PNG of 8 bit, with the range of its grey levels.

    Attributes
    ----------
    png : bytes
    size_px : (int, int)
        Width and height.
    low_adu, high_adu : float
        Grey levels shown as black and as white.
    """

    png: bytes
    size_px: tuple[int, int]
    low_adu: float
    high_adu: float


def preview(path: Path, max_side_px: int, box_px: tuple[int, int, int, int] | None = None) -> Preview:
    """Return a small picture of an image saved by `service.image_files.images`.

    Of a file without compression only every nth row is read, so that a large one takes no longer than a small
    one.

    Parameters
    ----------
    path : Path
    max_side_px : int
        Longest side of the picture, px.
    box_px : (x0, y0, x1, y1), optional
        Part of the image to show, half-open, px; cut at its edges. All of it by default.

    Raises
    ------
    ImageError
        Raised when the file is missing or damaged.
    """
    try:
        with tifffile.TiffFile(path) as file:
            small = _sampled(file, max_side_px, box_px).astype(np.float32)
        if not small.size:
            raise ImageError(f"{path}: the box {box_px} shows nothing of the image")
    except (OSError, tifffile.TiffFileError, ValueError, IndexError, RuntimeError, struct.error) as error:
        raise ImageError(f"{path}: cannot be read back ({error})") from error
    low, high = (float(v) for v in np.percentile(small, (DARKEST_PERCENT, BRIGHTEST_PERCENT)))
    grey = np.clip((small - low) * (255 / max(high - low, 1.0)), 0, 255).astype(np.uint8)
    _, encoded = cv2.imencode(".png", grey)
    return Preview(encoded.tobytes(), (grey.shape[1], grey.shape[0]), low, high)


def _sampled(
    file: tifffile.TiffFile, max_side_px: int, box_px: tuple[int, int, int, int] | None
) -> NDArray[np.generic]:
    """Return every nth row and column of an image, or of a part of it.

    Read, not mapped to memory: where a disk is lost, a map ends the process.
    """
    page = file.pages.first
    rows, columns = page.imagelength, page.imagewidth
    x0, y0, x1, y1 = (0, 0, columns, rows) if box_px is None else box_px
    x0, y0, x1, y1 = max(0, x0), max(0, y0), min(x1, columns), min(y1, rows)
    step = max(1, -(-max(x1 - x0, y1 - y0) // max_side_px))
    if not page.is_memmappable:
        return page.asarray()[y0:y1:step, x0:x1:step]
    dtype = np.dtype(page.dtype).newbyteorder(file.byteorder)
    found = np.empty((len(range(y0, y1, step)), len(range(x0, x1, step))), dtype)
    for n, row in enumerate(range(y0, y1, step) if x1 > x0 else ()):
        file.filehandle.seek(page.dataoffsets[0] + (row * columns + x0) * dtype.itemsize)
        data = file.filehandle.read((x1 - x0) * dtype.itemsize)
        found[n] = np.frombuffer(data, dtype)[::step]
    return found
