"""Dust, loose strips of resin, scratches and landmark crosses of a simulated overview."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from simulators.overview.values import PictureSettings

Floats = NDArray[np.float32]

_SHIFT = 4
"""Bits of a fraction of a pixel in the coordinates of OpenCV."""


def strips(
    image: Floats, settings: PictureSettings, hundreds: float, side_px: float, rng: np.random.Generator
) -> None:
    """Paint loose strips of resin, as long as a section and a fifth as wide, in place."""
    for _ in range(int(rng.poisson(settings.strips * hundreds))):
        center, turn = rng.uniform(0, 1, 2) * image.shape[::-1], float(rng.uniform(0, 180))
        box = cv2.boxPoints(((float(center[0]), float(center[1])), (side_px, side_px * 0.2), turn))
        _fill(image, box.astype(np.float64), 1 + settings.contrast * float(rng.uniform(0.5, 1)))


def dust(image: Floats, count: float, side_px: float, rng: np.random.Generator) -> None:
    """Paint specks of 2 to 15 percent of a section's side, some in clusters, in place."""
    for _ in range(int(rng.poisson(count))):
        center = rng.uniform(0, 1, 2) * image.shape[::-1]
        for _ in range(int(rng.integers(1, 5)) if rng.random() < 0.2 else 1):
            turns = np.sort(rng.uniform(0, math.tau, 7))
            radius = side_px * float(rng.uniform(0.01, 0.075)) * rng.uniform(0.5, 1, 7)
            around = np.column_stack([np.cos(turns), np.sin(turns)]) * radius[:, None]
            _fill(image, center + around, float(rng.uniform(0.1, 0.5)))
            center = center + rng.normal(0, 0.12 * side_px, 2)


def scratches(image: Floats, count: float, side_px: float, rng: np.random.Generator) -> None:
    """Paint thin curved lines of one to eight sections' length, in place."""
    for _ in range(int(rng.poisson(count))):
        point, turn = rng.uniform(0, 1, 2) * image.shape[::-1], float(rng.uniform(0, math.tau))
        points = [point]
        for _ in range(int(rng.integers(4, 32))):
            turn += float(rng.normal(0, 0.1))
            points.append(points[-1] + side_px / 4 * np.array([math.cos(turn), math.sin(turn)]))
        line = np.round(np.array(points) * 2**_SHIFT).astype(np.int32)
        mask = np.zeros(image.shape, np.uint8)
        cv2.polylines(mask, [line], False, 255, 1, cv2.LINE_AA, _SHIFT)
        image *= 1 + (float(rng.uniform(0.6, 1.3)) - 1) * (mask / np.float32(255))


def cross(image: Floats, position_px: tuple[float, float], side_px: float) -> None:
    """Paint a landmark: a cross of half a section's side, in place."""
    arm, thick = side_px / 4, max(side_px / 40, 0.8)
    x, y = position_px
    for dx, dy in ((arm, thick), (thick, arm)):
        box = np.array([[x - dx, y - dy], [x + dx, y - dy], [x + dx, y + dy], [x - dx, y + dy]])
        _fill(image, box, 0.25)


def _fill(image: Floats, polygon: NDArray[np.float64], factor: float) -> None:
    """Multiply the pixels inside a polygon by a factor, in place."""
    low = np.maximum(np.floor(polygon.min(axis=0)).astype(int) - 2, 0)
    high = np.ceil(polygon.max(axis=0)).astype(int) + 2
    part = image[low[1] : high[1], low[0] : high[0]]
    if part.size == 0:
        return
    mask = np.zeros(part.shape, np.uint8)
    # OpenCV has whole numbers at the centres of pixels.
    corners = np.round((polygon - low - 0.5) * 2**_SHIFT).astype(np.int32)
    cv2.fillPoly(mask, [corners], 255, cv2.LINE_AA, _SHIFT)
    part *= 1 + (factor - 1) * (mask / np.float32(255))
