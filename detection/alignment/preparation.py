"""Both images of a field on one pixel grid, as edges."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from detection.alignment.edges import Edges, edges
from detection.alignment.settings import SETTINGS
from detection.alignment.values import Picture
from detection.image.boxes import BoxPx
from detection.registration.normalisation import smooth_background
from detection.registration.rigid import Rigid, plane_of_pixels, warp_matrix

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class EdgePair:
    """Edges on one scale, on one grid.

    Attributes
    ----------
    source : (rows, columns) array of complex64
        Of the fluorescence.
    target : (rows, columns) array of complex64
        Of the overview, 0 where it ends.
    """

    source: Edges
    target: Edges


@dataclass(frozen=True, slots=True)
class Prepared:
    """A field and its overview, on the grid of the fluorescence with pixels of `SETTINGS.pixel_um`.

    Attributes
    ----------
    fine, coarse : EdgePair
    ground : (rows, columns) array of bool
        Ground of the cells.
    part_of : (rows, columns) array of int
        Number of the part of each pixel of the cells, from 0; -1 elsewhere.
    shown : float
        Share of the cells' ground that the overview shows, 0..1.
    corners_um : (N, 2) array
        Corners of the boxes of the cells, in the plane of the fluorescence.
    """

    fine: EdgePair
    coarse: EdgePair
    ground: NDArray[np.bool_]
    part_of: NDArray[np.intp]
    shown: float
    corners_um: NDArray[np.float64]


def prepare(fluorescence: Picture, cells: Sequence[BoxPx], overview: Picture) -> Prepared:
    """Prepare a field with at least one cell."""
    pixel_um = SETTINGS.pixel_um
    (rows, columns), camera_um = fluorescence.grid
    shape = math.ceil(rows * camera_um / pixel_um), math.ceil(columns * camera_um / pixel_um)
    light = np.asarray(fluorescence.pixels, dtype=np.float32)
    # Hot pixels and cosmic rays have edges, too.
    light = np.asarray(cv2.medianBlur(light - smooth_background(light, camera_um), 3))
    lit = _resampled(light, camera_um, shape)
    electrons = np.asarray(overview.pixels, dtype=np.float32)
    seen = _resampled(electrons, overview.pixel_size_um, shape)
    there = _resampled(np.ones_like(electrons), overview.pixel_size_um, shape) > 0.99
    mask = _ground(cells, fluorescence, shape)
    return Prepared(
        fine=_pair(lit, seen, there, SETTINGS.fine_um / pixel_um),
        coarse=_pair(lit, seen, there, SETTINGS.coarse_um / pixel_um),
        ground=mask,
        part_of=_parts(mask, round(SETTINGS.part_um / pixel_um)),
        shown=float((mask & there).sum() / max(mask.sum(), 1)),
        corners_um=corners_um(cells, fluorescence),
    )


def _pair(lit: Floats, seen: Floats, there: NDArray[np.bool_], sigma_px: float) -> EdgePair:
    return EdgePair(edges(lit, sigma_px), _within(edges(seen, sigma_px), there, sigma_px))


def corners_um(cells: Sequence[BoxPx], fluorescence: Picture) -> NDArray[np.float64]:
    """Return the corners of boxes in the plane of the fluorescence, (4 N, 2), um."""
    corners = [corner for box in cells for corner in _corners(box)]
    return plane_of_pixels(np.array(corners, dtype=np.float64), *fluorescence.grid)


def _corners(box: BoxPx) -> tuple[tuple[int, int], ...]:
    return (box.x0, box.y0), (box.x1, box.y0), (box.x1, box.y1), (box.x0, box.y1)


def _resampled(image: Floats, pixel_um: float, shape: tuple[int, int]) -> Floats:
    """Return an image on the grid of the alignment, with the same middle."""
    grid = shape, SETTINGS.pixel_um
    if SETTINGS.pixel_um > pixel_um:
        # Against aliasing; half a pixel of the coarser grid.
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), SETTINGS.pixel_um / pixel_um / 2))
    matrix = warp_matrix(Rigid(), ((image.shape[0], image.shape[1]), pixel_um), grid)
    return np.asarray(cv2.warpAffine(image, matrix, shape[::-1], flags=cv2.INTER_LINEAR), dtype=np.float32)


def _within(found: Edges, there: NDArray[np.bool_], sigma_px: float) -> Edges:
    """Drop the edges near the border of the overview, which are its own."""
    kernel = np.ones((2 * math.ceil(2 * sigma_px) + 1,) * 2, np.uint8)
    inside = cv2.erode(there.astype(np.uint8), kernel, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return np.where(np.asarray(inside) > 0, found, np.complex64(0))


def _ground(cells: Sequence[BoxPx], fluorescence: Picture, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Mask the boxes of the cells and a margin around them."""
    mask = np.zeros(shape, dtype=np.bool_)
    factor = fluorescence.pixel_size_um / SETTINGS.pixel_um
    margin = SETTINGS.margin_um / SETTINGS.pixel_um
    for box in cells:
        x0, y0, x1, y1 = (n * factor for n in box.as_tuple())
        left, top = max(round(x0 - margin), 0), max(round(y0 - margin), 0)
        mask[top : round(y1 + margin), left : round(x1 + margin)] = True
    return mask


def _parts(mask: NDArray[np.bool_], side_px: int) -> NDArray[np.intp]:
    """Number the squares of a grid, row by row; -1 where there is no ground of cells."""
    row, column = np.indices(mask.shape) // side_px
    # An odd number in each row: even and odd numbers then alternate like the colours of a chessboard.
    return np.where(mask, row * (column.max() + 1 | 1) + column, -1).astype(np.intp)
