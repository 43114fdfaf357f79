"""Outlines of cells that cover a given share of a frame: dented ellipses, pressed flat against each other."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from skimage.measure import label

_LAYOUTS = 12
"""Random layouts, of which the one with the most usual number of cells in the frame is used."""
_PUSHES = 20
_REACH = 2.0
"""Part of the frame around a cell in which it may lie, radii."""


@dataclass(frozen=True, slots=True)
class Outlines:
    """Cells of a frame.

    Attributes
    ----------
    owner : (rows, columns) array of int32
        Number of the cell at each pixel, from 1; 0 for none.
    depth : (rows, columns) array of float32
        0 in the middle of a cell, 1 at the outline of cells that touch no other.
    count : int
        Highest number in `owner`.
    """

    owner: NDArray[np.int32]
    depth: NDArray[np.float32]
    count: int


def outlines(rng: np.random.Generator, side_px: int, cover: float, radius_px: float) -> Outlines:
    """Draw cells at random places, some of them cut by the border of the frame.

    Parameters
    ----------
    rng : numpy.random.Generator
    side_px : int
        Of the square frame.
    cover : float
        Share of the frame that is cell, 0..1: all cells grow or shrink together until it is reached.
    radius_px : float
        Mean radius of the cells before that.
    """
    centers = _centers(rng, side_px, cover, radius_px)
    depth = np.full((side_px, side_px), np.inf, np.float32)
    owner = np.zeros((side_px, side_px), np.int32)
    for number, (x, y) in enumerate(centers, start=1):
        _press(depth, owner, number, rng, (x, y), radius_px * rng.lognormal(0.0, 0.15))
    outline = np.float32(np.quantile(depth, cover))
    owner[depth > outline] = 0
    return Outlines(_in_one_piece(owner), depth / outline, len(centers))


def _centers(rng: np.random.Generator, side_px: int, cover: float, radius_px: float) -> NDArray[np.float64]:
    """Throw points on the frame and a margin around it, and push apart those that are too near."""
    margin = 1.5 * radius_px
    per_px = cover / (np.pi * radius_px**2)
    count = max(round(per_px * (side_px + 2 * margin) ** 2), 1)
    hexagons = np.sqrt(2 / (np.sqrt(3) * per_px))
    apart = min(rng.uniform(1.5, 2.3) * radius_px, 0.92 * hexagons)
    best, least = np.zeros((0, 2)), np.inf
    for _ in range(_LAYOUTS if count < 200 else 1):
        points = rng.uniform(-margin, side_px + margin, (count, 2))
        for _ in range(_PUSHES):
            pairs = cKDTree(points).query_pairs(apart, output_type="ndarray")
            if not len(pairs):
                break
            gap = points[pairs[:, 0]] - points[pairs[:, 1]]
            length = np.hypot(*gap.T)[:, None] + 1e-6
            push = 0.5 * (apart - length) * gap / length
            np.add.at(points, pairs[:, 0], push)
            np.add.at(points, pairs[:, 1], -push)
            np.clip(points, -margin, side_px + margin, out=points)
        inside = np.count_nonzero(((points >= 0) & (points < side_px)).all(axis=1))
        off = abs(inside - per_px * side_px**2)
        if off < least:
            best, least = points, off
    return best


def _press(
    depth: NDArray[np.float32],
    owner: NDArray[np.int32],
    number: int,
    rng: np.random.Generator,
    center: tuple[float, float],
    radius_px: float,
) -> None:
    """Give a cell the pixels where it is deeper than the others: between two, the border is halfway."""
    turn, stretch = np.exp(1j * rng.uniform(0, np.pi)), np.sqrt(rng.uniform(1.0, 1.6))
    dents = [rng.normal(0, 0.045) + 1j * rng.normal(0, 0.045) for _ in range(3)]
    x, y = center
    reach = _REACH * stretch * radius_px
    x0, y0 = max(int(x - reach), 0), max(int(y - reach), 0)
    x1, y1 = min(int(x + reach) + 1, depth.shape[1]), min(int(y + reach) + 1, depth.shape[0])
    if x0 >= x1 or y0 >= y1:
        return
    rows, columns = np.ogrid[y0:y1, x0:x1]
    place = ((columns + 0.5 - x) + 1j * (rows + 0.5 - y)).astype(np.complex64) * np.complex64(turn)
    place = place.real / np.float32(stretch) + np.complex64(1j * stretch) * place.imag
    distance = np.abs(place)
    unit = place / (distance + np.float32(1e-6))
    edge = np.float32(1.0)
    power = unit
    for dent in dents:
        power = power * unit
        edge = edge + (power * np.complex64(dent)).real
    own = distance / (np.float32(radius_px) * np.maximum(edge, np.float32(0.5)))
    here = np.s_[y0:y1, x0:x1]
    deeper = own < depth[here]
    depth[here][deeper] = own[deeper]
    owner[here][deeper] = number


def _in_one_piece(owner: NDArray[np.int32]) -> NDArray[np.int32]:
    """Leave out what a neighbour has cut off from its cell."""
    pieces = np.asarray(label(owner, background=0, connectivity=1))  # type: ignore[no-untyped-call]
    sizes = np.bincount(pieces.ravel())
    of_piece = np.zeros(len(sizes), np.int32)
    of_piece[pieces.ravel()] = owner.ravel()
    largest: dict[int, int] = {}
    for piece in range(1, len(sizes)):
        cell = int(of_piece[piece])
        if cell not in largest or sizes[piece] > sizes[largest[cell]]:
            largest[cell] = piece
    kept = np.zeros(len(sizes), np.bool_)
    kept[list(largest.values())] = True
    return np.where(kept[pieces], owner, 0).astype(np.int32)
