"""Fluorescence on the grid of a stitched electron image."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from drivers.pose import FmToSem, RectM, to_pixels
from planner.geometry.rects import center, overlap
from service.errors import ImageError
from service.image_files.images import Pixels, read_fm
from service.model.overviews import Overview
from service.model.specimen import Cell, Field
from service.stitching.canvas import Canvas
from service.stitching.values import Point, Tile
from service.store.store import Store


@dataclass(frozen=True, slots=True)
class LightToSem:
    """Map from positions of the fluorescence to where the SEM has them, as some tiles lie.

    Attributes
    ----------
    matrix : (2, 2) array
    shift_m : (2,) array
    by : str
        ``overview`` where each tile was placed by an overview that proves where the field lies, else
        ``calibration``.
    proven_m : float or None
        Largest error that the overviews leave; None without.
    """

    matrix: NDArray[np.float64]
    shift_m: NDArray[np.float64]
    by: Literal["overview", "calibration"]
    proven_m: float | None

    def to_sem(self, points_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where the SEM has positions (N, 2) of the fluorescence, m."""
        return np.asarray(points_m @ self.matrix.T + self.shift_m)

    def to_light(self, points_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the positions of the fluorescence that the SEM has at some places (N, 2), m."""
        return np.asarray((points_m - self.shift_m) @ np.linalg.inv(self.matrix).T)

    def rect_to_sem(self, rect_m: RectM) -> RectM:
        """Return the upright rectangle in which the SEM has one of the fluorescence."""
        x0, y0, x1, y1 = rect_m
        corners = self.to_sem(np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]]))
        (left, bottom), (right, top) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
        return left, bottom, right, top


def light_to_sem(
    placed: Sequence[tuple[Tile, Point]], calibration: FmToSem, overviews: dict[int, Overview]
) -> LightToSem:
    """Return the map at some tiles: each knows what its centre shows; their mean counts.

    Parameters
    ----------
    placed : sequence of (Tile, (float, float))
        At least one, with its settled centre.
    calibration : FmToSem
    overviews : dict
        By number.
    """
    found = [overviews[tile.overview] for tile, _ in placed if tile.overview in overviews]
    proven = [one.proven_m for one in found if one.proven_m is not None]
    complete = len(proven) == len(placed)
    axes = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    if found and (measured := found[0].place) is not None:
        axes = np.array([measured.seen_m((float(x), float(y))) for x, y in axes])
    seen = calibration.to_sem(axes)
    matrix = np.stack([seen[1] - seen[0], seen[2] - seen[0]], axis=1)
    off = [np.array(center_m) - matrix @ np.array(tile.shows_m) for tile, center_m in placed]
    return LightToSem(
        matrix,
        np.mean(off, axis=0),
        "overview" if complete else "calibration",
        max(proven) if complete else None,
    )


def light_on(canvas: Canvas, cell: Cell, store: Store, to_sem: LightToSem) -> Pixels | None:
    """Return the fluorescence of a cell on a canvas, interpolated; None where no saved frame shows any of it.

    The frame of the cell's own field counts first, then those of its neighbours.

    Returns
    -------
    (rows, columns) array of the type of the frame
        0 where there is no fluorescence.
    """
    width, height = canvas.size_px
    size_m = canvas.pixel_size_m
    # warpAffine counts from pixel centres.
    points = np.array([[0.5, 0.5], [1.5, 0.5], [0.5, 1.5]])
    places = to_sem.to_light(points * (size_m, -size_m) + (canvas.left_m, canvas.top_m))
    ground = _ground(canvas, to_sem)
    image: Pixels | None = None
    free = np.ones((height, width), np.bool_)
    for field in _fields(store, cell, ground):
        try:
            pixels, pose, _ = read_fm(store.folder / str(field.image), field.sha256)
        except ImageError:
            continue
        shape = pixels.shape[0], pixels.shape[1]
        there = to_pixels(pose, shape, places) - 0.5
        matrix = np.column_stack([there[1] - there[0], there[2] - there[0], there[0]])
        way = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
        shown = cv2.warpAffine(np.ones(shape, np.uint8), matrix, (width, height), flags=cv2.WARP_INVERSE_MAP)
        new = free & (shown > 0)
        if not new.any():
            continue
        warped = cv2.warpAffine(pixels, matrix, (width, height), flags=way, borderMode=cv2.BORDER_REPLICATE)
        if image is None:
            image = np.zeros((height, width), pixels.dtype)
        image[new] = warped[new]
        free &= ~new
        if not free.any():
            break
    return image


def _ground(canvas: Canvas, to_sem: LightToSem) -> RectM:
    width, height = (size * canvas.pixel_size_m for size in canvas.size_px)
    x, y = canvas.left_m, canvas.top_m
    corners = to_sem.to_light(np.array([[x, y], [x + width, y], [x, y - height], [x + width, y - height]]))
    (left, bottom), (right, top) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    return left, bottom, right, top


def _fields(store: Store, cell: Cell, ground: RectM) -> list[Field]:
    """Return the saved fields that show some ground: the cell's own first, then the nearest."""
    saved = [one for one in store.specimen.fields(section=cell.section) if one.image is not None]
    near = [one for one in saved if overlap(one.rect_m, ground)]
    middle = center(ground)
    return sorted(near, key=lambda one: (one.id != cell.field, math.dist(center(one.rect_m), middle)))
