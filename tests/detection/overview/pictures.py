"""Small overviews, drawn for tests."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from detection.overview.quads import placed
from detection.overview.values import Corners

SIZE = (30.0, 20.0)
PLACES = ((50, 50, 0), (130, 45, 25), (210, 60, 70), (60, 130, 110), (140, 140, 160), (220, 150, 40))
"""x, y and turn, clockwise on the screen."""


def rectangle(width: float, height: float) -> Corners:
    """Return the corners of a section about its centre."""
    return np.array([[-width, -height], [width, -height], [width, height], [-width, height]]) / 2


def outlines(
    places: Sequence[tuple[float, float, float]] = PLACES, shape: Corners | None = None
) -> list[Corners]:
    """Return the outlines of sections."""
    model = rectangle(*SIZE) if shape is None else shape
    return [placed(model, x, y, turn) for x, y, turn in places]


def drawn(
    sections: Sequence[Corners], size: tuple[int, int] = (200, 270), section: int = 90, substrate: int = 190
) -> NDArray[np.uint8]:
    """Return an overview of sections: blurred by 0.8 px, noise of 2 grey levels."""
    image = np.full(size, substrate, np.uint8)
    for corners in sections:
        cv2.fillPoly(image, [np.round((corners - 0.5) * 16).astype(np.int32)], section, cv2.LINE_AA, 4)
    noise = np.random.default_rng(3).normal(0, 2, size)
    smooth = cv2.GaussianBlur(image, (0, 0), 0.8).astype(np.float64)
    return np.clip(np.round(smooth + noise), 0, 255).astype(np.uint8)
