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

    Only every nth row and column is read, so that a large file takes no longer than a small one.

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
        pixels: NDArray[np.generic] = tifffile.memmap(path, mode="r")
        if box_px is not None:
            x0, y0, x1, y1 = (max(0, side) for side in box_px)
            pixels = pixels[y0:y1, x0:x1]
            if not pixels.size:
                raise ImageError(f"{path}: the box {box_px} shows nothing of the image")
        step = max(1, -(-max(pixels.shape) // max_side_px))
        small = np.array(pixels[::step, ::step], dtype=np.float32)
    except (OSError, tifffile.TiffFileError, ValueError, IndexError, struct.error) as error:
        raise ImageError(f"{path}: cannot be read back ({error})") from error
    low, high = (float(v) for v in np.percentile(small, (DARKEST_PERCENT, BRIGHTEST_PERCENT)))
    grey = np.clip((small - low) * (255 / max(high - low, 1.0)), 0, 255).astype(np.uint8)
    _, encoded = cv2.imencode(".png", grey)
    return Preview(encoded.tobytes(), (grey.shape[1], grey.shape[0]), low, high)
