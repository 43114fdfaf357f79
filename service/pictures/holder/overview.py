"""An overview with the outlines of its sections."""

import cv2
import numpy as np
from numpy.typing import NDArray

from detection.overview.values import Found, Pixels
from service.pictures.overlay import DOUBTFUL, ENLARGED, FONT, FOUND, NOT_IMAGED, PAPER, Colour

LONGEST_PX = 3000
"""Longest side of the picture."""


def draw_overview_sections(pixels: Pixels, found: Found) -> NDArray[np.uint8]:
    """Draw an overview, enlarged twice but at most 3000 px long, with outlines and numbers of its sections.

    Parameters
    ----------
    pixels : (rows, columns) or (rows, columns, channels) array
    found : Found

    Returns
    -------
    (rows, columns, 3) array of uint8
        RGB: sections from amber (low confidence) to green, with their first side drawn thicker; doubtful
        outlines in red, D1, D2, ...
    """
    scale = min(ENLARGED, LONGEST_PX / max(pixels.shape[:2]))
    size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
    way = cv2.INTER_LINEAR if scale >= 1 else cv2.INTER_AREA
    small = np.asarray(cv2.resize(pixels, size, interpolation=way), dtype=np.float32)
    small = small.reshape(*small.shape[:2], -1)
    small = small[:, :, :3] if small.shape[2] >= 3 else np.repeat(small[:, :, :1], 3, axis=2)
    low, high = np.percentile(small, [0.1, 99.9])
    picture = np.clip((small - low) / max(high - low, 1e-6) * 255, 0, 255).astype(np.uint8)
    picture = np.ascontiguousarray(picture)
    for number, one in enumerate(found.sections, start=1):
        share = one.confidence
        colour = tuple(round(a + (b - a) * share) for a, b in zip(DOUBTFUL, FOUND, strict=True))
        _outline(picture, np.array(one.corners_px) * scale, (colour[0], colour[1], colour[2]), str(number))
    for number, one in enumerate(found.doubtful, start=1):
        _outline(picture, np.array(one.corners_px) * scale, NOT_IMAGED, f"D{number}")
    return picture


def _outline(picture: NDArray[np.uint8], corners: NDArray[np.float64], colour: Colour, name: str) -> None:
    # OpenCV has whole numbers at the centres of pixels, and takes sixteenths.
    points = np.round((corners - 0.5) * 16).astype(np.int32)
    side = float(np.linalg.norm(corners[1] - corners[0]))
    size = float(np.clip(side / 90, 0.3, 1.0))
    (width, height), _ = cv2.getTextSize(name, FONT, size, 1)
    x, y = corners.mean(axis=0)
    place = (round(x - width / 2), round(y + height / 2))
    # Sections may be as bright as the colours: all is edged in dark.
    for ink, more in ((PAPER, 2), (colour, 0)):
        cv2.polylines(picture, [points], True, ink, 1 + more, cv2.LINE_AA, 4)
        cv2.line(picture, points[0].tolist(), points[1].tolist(), ink, 2 + more, cv2.LINE_AA, 4)
        cv2.putText(picture, name, place, FONT, size, ink, 1 + more, cv2.LINE_AA)
