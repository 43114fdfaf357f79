"""Tiles in one picture, upright on the stage."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from drivers.pose import Pose, to_stage
from service.mapping.tiles.plan import TilePlan

Floats = NDArray[np.float32]

_FEWEST = 9
"""Tiles of which the median is taken for the light; fewer may all show sections. Chosen by hand."""
_DARKEST = 0.2
"""Least light that is corrected, of its mean. Chosen by hand."""


def light_of(tiles: Sequence[Floats]) -> Floats:
    """Return the uneven light of the camera, mean 1: the smoothed median of tiles, each by its own median.

    Parameters
    ----------
    tiles : sequence of (rows, columns) arrays
        Without the grey level of darkness.
    """
    shape = tiles[0].shape
    if len(tiles) < _FEWEST:
        return np.ones(shape, np.float32)
    light = np.median([tile / max(float(np.median(tile)), 1e-3) for tile in tiles], axis=0).astype(np.float32)
    light = cv2.GaussianBlur(light, (0, 0), min(shape) / 16, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(np.maximum(light / light.mean(), np.float32(_DARKEST)), dtype=np.float32)


def shrunk(pixels: Floats, pose: Pose, factor: int) -> tuple[Floats, Pose]:
    """Return a tile with pixels `factor` times as large, each the mean of those in it, and its pose."""
    rows, columns = pixels.shape[0] // factor, pixels.shape[1] // factor
    whole = pixels[: rows * factor, : columns * factor]
    middle = np.array([[columns * factor / 2, rows * factor / 2]])
    x, y = to_stage(pose, (pixels.shape[0], pixels.shape[1]), middle)[0]
    size = pose.pixel_size_m[0] * factor, pose.pixel_size_m[1] * factor
    small = whole.reshape(rows, factor, columns, factor).mean(axis=(1, 3))
    return np.asarray(small, dtype=np.float32), replace(
        pose, center_m=(float(x), float(y)), pixel_size_m=size
    )


def stitched(plan: TilePlan, tiles: Iterable[tuple[Floats, Pose]]) -> NDArray[np.uint16]:
    """Return the overview: tiles blended where they overlap; the median grey where there is none.

    Parameters
    ----------
    plan : TilePlan
    tiles : iterable of (pixels, Pose)
        Without darkness and the fall of the light; each with its settled position.
    """
    width, height = plan.size_px
    total, weight = np.zeros((height, width), np.float32), np.zeros((height, width), np.float32)
    for pixels, pose in tiles:
        _add(total, weight, pixels, pose, plan)
    seen = weight > 0
    image = np.divide(total, weight, out=total, where=seen)
    image[~seen] = np.median(image[seen]) if seen.any() else 0
    return np.asarray(np.clip(np.rint(image), 0, 65535), dtype=np.uint16)


def _add(total: Floats, weight: Floats, pixels: Floats, pose: Pose, plan: TilePlan) -> None:
    shape = pixels.shape[0], pixels.shape[1]
    corners = np.array([[0.5, 0.5], [1.5, 0.5], [0.5, 1.5]])
    x0, _, _, y1 = plan.rect_m
    there = (to_stage(pose, shape, corners) - (x0, y1)) / (plan.pixel_size_m, -plan.pixel_size_m) - 0.5
    matrix = np.column_stack([there[1] - there[0], there[2] - there[0], there[0]])
    rim = matrix[:, :2] @ np.array([[0, 0, shape[1], shape[1]], [0, shape[0], 0, shape[0]]]) + matrix[:, 2:]
    left, top = np.maximum(np.floor(rim.min(axis=1)).astype(int), 0)
    right = min(int(np.ceil(rim[0].max())) + 1, total.shape[1])
    bottom = min(int(np.ceil(rim[1].max())) + 1, total.shape[0])
    if left >= right or top >= bottom:
        return
    matrix[:, 2] -= (left, top)
    window = (slice(top, bottom), slice(left, right))
    size = right - left, bottom - top
    trust = _trust(shape)
    total[window] += cv2.warpAffine(pixels * trust, matrix, size, flags=cv2.INTER_LINEAR)
    weight[window] += cv2.warpAffine(trust, matrix, size, flags=cv2.INTER_LINEAR)


def _trust(shape: tuple[int, int]) -> Floats:
    """Return weights that fall from the middle of a tile to its edges, so that no seam shows."""
    across, down = (np.minimum(np.arange(n) + 1, n - np.arange(n)).astype(np.float32) for n in shape[::-1])
    return np.asarray(np.minimum(across[None, :], down[:, None]) / max(shape), dtype=np.float32)
