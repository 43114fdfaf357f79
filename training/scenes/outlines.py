"""Outlines of cells in a plane, from a few to a confluent layer."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

Floats = NDArray[np.float32]
_NEIGHBOURS = 6
"""Nearest centres that are tried for a pixel: in a dense packing about six cells touch each other."""


@dataclass(frozen=True, slots=True)
class Outlines:
    """Cells in a plane, pixel by pixel.

    Attributes
    ----------
    owner : (rows, columns) array of int32
        Number of the nearest cell; -1 everywhere if there is none.
    inside_um : (rows, columns) array of float32
        Depth inside that cell; negative outside all cells.
    from_center_um : (2, rows, columns) array of float32
        Way from the centre of that cell, x and y, in its own, wobbly coordinates.
    radius_um : (cells,) array of float32
    """

    owner: NDArray[np.int32]
    inside_um: Floats
    from_center_um: Floats
    radius_um: Floats


def draw_outlines(
    rng: np.random.Generator,
    shape: tuple[int, int],
    pixel_um: float,
    *,
    cover: float,
    radius_um: float,
    radius_sd: float,
    cut: bool,
) -> Outlines:
    """Scatter cells until about a share `cover` of the plane is filled.

    Every pixel goes to the cell whose centre is nearest in units of its own radius and elongation, so that
    cells are wobbly ellipses where there is room, and press on each other where there is none.

    Parameters
    ----------
    rng : Generator
    shape : (int, int)
    pixel_um : float
    cover : float
        0..0.95.
    radius_um, radius_sd : float
        Median radius, and the standard deviation of its logarithm.
    cut : bool
        Cells are balls, cut at any height: many cuts are smaller than the cell.
    """
    rows, columns = shape
    height_um, width_um = rows * pixel_um, columns * pixel_um
    margin = 2 * radius_um
    area = (height_um + 2 * margin) * (width_um + 2 * margin)
    own = np.pi * radius_um**2 * np.exp(2 * radius_sd**2) * (2 / 3 if cut else 1)
    # Random cells overlap: more of them are needed for the same cover.
    count = int(rng.poisson(-np.log(1 - min(cover, 0.95)) * area / own)) if cover > 0 else 0
    if count == 0:
        empty = np.full(shape, -1, np.int32), np.full(shape, -99, np.float32)
        return Outlines(*empty, np.zeros((2, *shape), np.float32), np.zeros(0, np.float32))
    sizes = radius_um * np.exp(radius_sd * np.clip(rng.standard_normal(count), -2.5, 2.5))
    if cut:
        sizes *= np.sqrt(1 - rng.uniform(0, 1, count) ** 2)
    radius = np.asarray(np.maximum(sizes, 0.3), dtype=np.float32)
    low = np.array([-margin, -margin])
    centers = low + rng.random((count, 2)) * (width_um + 2 * margin, height_um + 2 * margin)
    centers = _apart(centers, radius, rng.uniform(0.6, 1.0))
    elongation = np.exp(np.abs(rng.normal(0, rng.uniform(0.05, 0.35), count))).astype(np.float32)
    turn = rng.uniform(0, np.pi, count)
    cos, sin = np.cos(turn).astype(np.float32), np.sin(turn).astype(np.float32)
    x, y = _wobbly(rng, shape, pixel_um, float(rng.uniform(0.0, 0.16) * radius_um), radius_um)
    points = np.column_stack([x.ravel(), y.ravel()])
    k = min(_NEIGHBOURS, count)
    _, near = cKDTree(centers).query(points, k=k)
    near = near.reshape(-1, k)
    off = points[:, None, :].astype(np.float32) - centers[near].astype(np.float32)
    along = (off[..., 0] * cos[near] + off[..., 1] * sin[near]) / np.sqrt(elongation[near])
    across = (off[..., 1] * cos[near] - off[..., 0] * sin[near]) * np.sqrt(elongation[near])
    distance = np.asarray(np.hypot(along, across) / radius[near], dtype=np.float32)
    order = np.argsort(distance, axis=1)
    pick = np.arange(len(points))
    first = order[:, 0]
    owner = near[pick, first]
    inside = (1 - distance[pick, first]) * radius[owner]
    if k > 1:
        second = order[:, 1]
        other = near[pick, second]
        # Half of the way to the neighbour, less half of the gap.
        gap_um = float(rng.choice([0.1, 0.4, 0.8, 1.5]))
        between = (distance[pick, second] - distance[pick, first]) * np.minimum(radius[owner], radius[other])
        inside = np.minimum(inside, (between - gap_um) / 2)
    way = off[pick, first]
    return Outlines(
        owner.reshape(shape).astype(np.int32),
        inside.reshape(shape).astype(np.float32),
        np.ascontiguousarray(way.T.reshape(2, *shape), dtype=np.float32),
        radius,
    )


def _apart(centers: NDArray[np.float64], radius: Floats, share: float) -> NDArray[np.float64]:
    """Push centres away from each other until few are nearer than a share of the sum of their radii."""
    centers = centers.copy()
    for _ in range(12):
        pairs = cKDTree(centers).query_pairs(2 * float(radius.max()) * share, output_type="ndarray")
        if not len(pairs):
            break
        a, b = pairs.T
        way = centers[b] - centers[a]
        distance = np.maximum(np.hypot(*way.T), 1e-6)
        short = share * (radius[a] + radius[b]) - distance
        near = short > 0
        if not near.any():
            break
        push = (way[near].T / distance[near] * short[near] * 0.35).T
        np.add.at(centers, a[near], -push)
        np.add.at(centers, b[near], push)
    return centers


def _wobbly(
    rng: np.random.Generator, shape: tuple[int, int], pixel_um: float, size_um: float, scale_um: float
) -> tuple[Floats, Floats]:
    """Return coordinates of the pixels, um, bent by a smooth field of the given size and scale."""
    y, x = np.mgrid[0.5 : shape[0], 0.5 : shape[1]].astype(np.float32) * np.float32(pixel_um)
    for axis in (x, y):
        axis += smooth_field(rng, shape, scale_um * 0.6 / pixel_um) * np.float32(size_um)
    return x, y


def smooth_field(rng: np.random.Generator, shape: tuple[int, int], sigma_px: float) -> Floats:
    """Return Gaussian noise smoothed to a scale, of mean 0 and standard deviation 1."""
    step = max(int(sigma_px / 2), 1)
    small = (shape[0] // step + 8, shape[1] // step + 8)
    field = cv2.GaussianBlur(rng.standard_normal(small).astype(np.float32), (0, 0), max(sigma_px / step, 0.3))
    field = np.asarray(field)[3:-3, 3:-3]
    field = np.asarray(cv2.resize(field, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC))
    return np.asarray((field - field.mean()) / max(float(field.std()), 1e-6), dtype=np.float32)
