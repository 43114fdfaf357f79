"""Substrate, light and tile seams of a simulated overview."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from simulators.overview.values import PictureSettings

Floats = NDArray[np.float32]

_GLASS_SHARE = 0.497
"""Radius of a coverslip, of the side of the picture."""
_RIM_SHARE = 0.012
"""Width of its dark rim, of the side of the picture."""


def substrate(
    shape: tuple[int, int], settings: PictureSettings, rng: np.random.Generator
) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the empty substrate, 0 to 1, and a mask of the ground on which sections can lie."""
    image = np.full(shape, settings.background, np.float32)
    if settings.substrate == "wafer":
        return image, np.ones(shape, dtype=np.bool_)
    rows, columns = np.ogrid[0 : shape[0], 0 : shape[1]]
    radius = np.hypot(rows + 0.5 - shape[0] / 2, columns + 0.5 - shape[1] / 2)
    glass_px = _GLASS_SHARE * min(shape)
    rim_px = glass_px + _RIM_SHARE * min(shape)
    brushed = cv2.blur(rng.standard_normal(shape, dtype=np.float32), (1, 41)) * np.float32(0.5)
    image = np.where(radius > rim_px, 0.35 + brushed, image)
    image = np.where((radius > glass_px) & (radius <= rim_px), 0.03, image)
    return image.astype(np.float32), radius <= glass_px


def light(shape: tuple[int, int], settings: PictureSettings, rng: np.random.Generator) -> Floats:
    """Return the light on each pixel, 1 at its brightest: a smooth slope, and the fall within each tile."""
    rows = np.linspace(-1, 1, shape[0], dtype=np.float32)[:, None]
    columns = np.linspace(-1, 1, shape[1], dtype=np.float32)[None, :]
    turn = float(rng.uniform(0, math.tau))
    slope = 0.5 + 0.25 * (columns * math.cos(turn) + rows * math.sin(turn)) + 0.25 * rows * columns
    field = 1 - settings.uneven * slope
    if settings.tile_px:
        tile = settings.tile_px
        down = (np.arange(shape[0], dtype=np.float32) % tile / tile - 0.5)[:, None]
        right = (np.arange(shape[1], dtype=np.float32) % tile / tile - 0.5)[None, :]
        field = field * (1 - settings.tile_vignetting * 2 * (down**2 + right**2))
        gains = 1 + settings.tile_gain * rng.standard_normal(
            (math.ceil(shape[0] / tile), math.ceil(shape[1] / tile))
        )
        field = field * np.kron(gains, np.ones((tile, tile)))[: shape[0], : shape[1]]
    return np.asarray(field, dtype=np.float32)


def tile_seams(image: Floats, settings: PictureSettings, rng: np.random.Generator) -> NDArray[np.int64]:
    """Shift each tile by up to a pixel in x and y, in place: an error of the stitching.

    Returns
    -------
    (rows, columns, 2) array
        Shifts of the tiles, x and y, px.
    """
    tile = settings.tile_px or max(image.shape)
    shifts = np.zeros((math.ceil(image.shape[0] / tile), math.ceil(image.shape[1] / tile), 2), np.int64)
    if not settings.tile_px:
        return shifts
    for row, top in enumerate(range(0, image.shape[0], tile)):
        for column, left in enumerate(range(0, image.shape[1], tile)):
            dy, dx = rng.integers(-1, 2, size=2)
            shifts[row, column] = dx, dy
            part = image[top : top + tile, left : left + tile]
            rows = np.clip(np.arange(part.shape[0]) - dy, 0, part.shape[0] - 1)
            columns = np.clip(np.arange(part.shape[1]) - dx, 0, part.shape[1] - 1)
            part[:] = part[np.ix_(rows, columns)]
    return shifts
