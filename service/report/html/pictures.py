"""Small pictures inside the report, so that the file stays of a size that browsers and mail take."""

import base64
import math
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from service.errors import ImageError
from service.image_files.images import Pixels, read_pixels
from service.pictures.overlay import stretched

ALL_PX = 60_000_000
"""Pixels of all fluorescence pictures of a report together, and again of all electron pictures. In a dry run
of 135 frames a pixel takes .2 bytes: 16 MB of text for each kind. Chosen by hand."""
SIDE_PX = (96, 768)
"""Shortest and longest side that a picture may have: below, it shows no cell; above, no screen shows more."""
_QUALITY = 80
"""JPEG: below, blocks show in noise; chosen by eye."""


def side_px(pictures: int) -> int | None:
    """Return the longest side of each picture, px; None if there are too many to show any."""
    least, most = SIDE_PX
    side = math.isqrt(ALL_PX // max(pictures, 1))
    return None if side < least else min(side, most)


def fluorescence(path: Path, longest_px: int) -> str | None:
    """Return a frame, its contrast stretched for dim cells, as a data URI; None if it cannot be read."""
    return _data_uri(path, longest_px, dim_cells=True)


def electron(path: Path, longest_px: int) -> str | None:
    """Return an electron image as a data URI; None if it cannot be read."""
    return _data_uri(path, longest_px, dim_cells=False)


def _data_uri(path: Path, longest_px: int, *, dim_cells: bool) -> str | None:
    try:
        pixels = read_pixels(path)
    except ImageError:
        return None
    small = _shrunk(pixels, longest_px)
    grey = stretched(small) if dim_cells else _linear(small)
    _, encoded = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return "data:image/jpeg;base64," + base64.b64encode(encoded.tobytes()).decode()


def _shrunk(pixels: Pixels, longest_px: int) -> NDArray[np.float32]:
    share = longest_px / max(pixels.shape)
    if share >= 1:
        return pixels.astype(np.float32)
    rows, columns = (max(1, round(side * share)) for side in pixels.shape[:2])
    return np.asarray(cv2.resize(pixels, (columns, rows), interpolation=cv2.INTER_AREA), dtype=np.float32)


def _linear(pixels: NDArray[np.float32]) -> NDArray[np.uint8]:
    low, high = np.percentile(pixels, (0.5, 99.5))
    return np.asarray(np.clip((pixels - low) * (255 / max(float(high - low), 1.0)), 0, 255), dtype=np.uint8)
