"""Edges along the sides of quadrilaterals."""

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from detection.overview.ground import Ground
from detection.overview.values import Corners, Floats

ENDS = 0.06
"""Share of a side that is left out at each of its ends: corners are round."""


def support(tensor: Floats, normals: NDArray[np.floating], ground: Ground) -> Floats:
    """Return the support of an edge, 0 to 1, from structure tensors (..., 3) and the normals (..., 2) of it.

    A gradient that the substrate has, too, supports nothing.
    """
    x, y = normals[..., 0], normals[..., 1]
    along = tensor[..., 0] * x * x + 2 * tensor[..., 1] * x * y + tensor[..., 2] * y * y
    return of_energy(along, ground)


def of_energy(energy: Floats, ground: Ground) -> Floats:
    """Return the support, 0 to 1, of squared gradients."""
    above = np.maximum(np.sqrt(np.maximum(energy, 0)) - ground.floor, 0)
    return np.asarray(above / (above + ground.strong), dtype=np.float32)


def side_points(corners: Corners, points: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return points along the sides and their normals, which point outward.

    Parameters
    ----------
    corners : (..., 4, 2) array
    points : int

    Returns
    -------
    places : (..., 4, points, 2) array
    normals : (..., 4, 2) array
    """
    ends = np.roll(corners, -1, axis=-2)
    along = ends - corners
    at = np.linspace(ENDS, 1 - ENDS, points)
    places = corners[..., None, :] + at[:, None] * along[..., None, :]
    length = np.maximum(np.linalg.norm(along, axis=-1, keepdims=True), 1e-6)
    normals = np.stack([along[..., 1], -along[..., 0]], axis=-1) / length
    return places, normals


def profiles(ground: Ground, corners: Corners, points: int, offsets: NDArray[np.floating]) -> Floats:
    """Return the support at points of the sides, displaced along the normals by offsets, px.

    Returns
    -------
    (..., 4, points, offsets) array of float32
    """
    places, normals = side_points(corners, points)
    at = places[..., None, :] + offsets[:, None] * normals[..., None, None, :]
    return support(sampled(ground.edge, at), normals[..., None, None, :], ground)


def sampled(image: Floats, places: NDArray[np.floating]) -> Floats:
    """Return an image at places (..., 2), x and y, px; nothing (0) outside."""
    if not places.size:
        return np.zeros((*places.shape[:-1], *image.shape[2:]), np.float32)
    flat = places.reshape(-1, 2).astype(np.float32)
    # In rows: the library takes no more than 32767 columns.
    rows = -(-len(flat) // 4096)
    padded = np.full((rows * 4096, 2), -10.0, np.float32)
    padded[: len(flat)] = flat
    x, y = (np.ascontiguousarray(padded[:, axis].reshape(rows, 4096)) for axis in (0, 1))
    values = np.asarray(cv2.remap(image, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT))
    values = values.reshape(rows * 4096, *image.shape[2:])[: len(flat)]
    return np.asarray(values.reshape(*places.shape[:-1], *image.shape[2:]), dtype=np.float32)


def with_lines(ground: Ground, lines: NDArray[np.floating]) -> Ground:
    """Return the ground with an edge at every line, (N, 2, 2): both ends, x and y."""
    drawn = np.zeros_like(ground.edge)
    # Blurred as an edge is, it supports as much as a clear one.
    height = (ground.floor + 4 * ground.strong) ** 2 * 2.5
    for start, end in lines:
        x, y = end - start
        length = max(float(np.hypot(x, y)), 1e-6)
        u, v = y / length, -x / length
        colour = (height * u * u, height * u * v, height * v * v)
        cv2.line(drawn, np.round(start).astype(int).tolist(), np.round(end).astype(int).tolist(), colour, 1)
    return replace(ground, edge=ground.edge + cv2.GaussianBlur(drawn, (0, 0), 1.0))
