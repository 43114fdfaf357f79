"""Pose of a shape, and its sides, where the edges are strongest."""

import numpy as np
from numpy.typing import NDArray

from detection.overview.edges import ENDS, profiles, sampled, side_points
from detection.overview.ground import Ground
from detection.overview.settings import FitSettings
from detection.overview.values import Corners

_STAY = 0.02
"""Support by which a line one pixel further off must be better."""


def fit_pose(ground: Ground, corners: Corners, settings: FitSettings) -> Corners:
    """Move and turn outlines, which keep their shape, to where their sides have most support.

    Parameters
    ----------
    ground : Ground
    corners : (N, 4, 2) array
    settings : FitSettings

    Returns
    -------
    (N, 4, 2) array
    """
    if not len(corners):
        return corners
    for reach, step in ((settings.reach_px, 1.0), (settings.reach_px / 2, 0.5)):
        corners = _moved(ground, corners, settings, reach, step)
    return corners


def _moved(
    ground: Ground, corners: Corners, settings: FitSettings, reach_px: float, step_px: float
) -> Corners:
    """Return the outlines where they fit best, within a reach."""
    lengths = np.linalg.norm(np.roll(corners, -1, axis=1) - corners, axis=2)
    points = settings.points // 2
    at = np.linspace(ENDS - 0.5, 0.5 - ENDS, points)
    # At the end of the longest side a turn moves the line by one step.
    turns = np.arange(-4, 5) * (2 * step_px / lengths.max(axis=1))[:, None]
    widest = reach_px + 4 * step_px
    offsets = np.arange(-widest, widest + step_px / 2, step_px)
    found = profiles(ground, corners, points, offsets)
    shifts = np.arange(-reach_px, reach_px + step_px / 2, step_px)
    best = np.full(len(corners), -1.0)
    pose = np.zeros((len(corners), 3))
    number = np.arange(len(corners))
    for turn in turns.T:
        # A turn, clockwise on the screen, moves the start of a side outward and its end inward.
        lines = -turn[:, None, None] * lengths[:, :, None] * at
        sides = []
        for shift in shifts:
            index = np.clip(np.round((lines + shift + widest) / step_px).astype(int), 0, len(offsets) - 1)
            sides.append(np.take_along_axis(found, index[..., None], axis=-1)[..., 0].mean(axis=-1))
        # (shifts, N, 4); opposite sides move together: the size stays.
        support = np.stack(sides)
        down, across = support[::-1, :, 2] + support[:, :, 0], support[::-1, :, 3] + support[:, :, 1]
        first, second = down.argmax(axis=0), across.argmax(axis=0)
        total = down[first, number] + across[second, number]
        better = total > best
        best[better] = total[better]
        pose[better] = np.stack([shifts[first], shifts[second], turn], axis=1)[better]
    _, normals = side_points(corners, 2)
    outward = [(normals[:, one] - normals[:, one + 2]) / 2 for one in (0, 1)]
    centres = corners.mean(axis=1)
    cos, sin = np.cos(pose[:, 2]), np.sin(pose[:, 2])
    matrix = np.stack([np.stack([cos, sin], axis=1), np.stack([-sin, cos], axis=1)], axis=1)
    moved = centres + pose[:, 0, None] * outward[0] + pose[:, 1, None] * outward[1]
    return np.asarray((corners - centres[:, None]) @ matrix + moved[:, None])


def placed_on(shape: Corners, corners: Corners) -> Corners:
    """Return a shape, (4, 2) about its centre, laid on outlines (N, 4, 2) by least squares."""
    centres = corners.mean(axis=1, keepdims=True)
    seen = (corners - centres)[..., 0] + 1j * (corners - centres)[..., 1]
    model = shape[:, 0] + 1j * shape[:, 1]
    turns = (seen * model.conj()).sum(axis=1)
    found = model * (turns / np.maximum(np.abs(turns), 1e-9))[:, None]
    return np.asarray(np.stack([found.real, found.imag], axis=-1) + centres)


def fit_sides(
    ground: Ground, corners: Corners, settings: FitSettings, reach_px: float, step_px: float = 0.5
) -> Corners:
    """Move every side of outlines to the line of strongest edges near it; sides without edges stay.

    Parameters
    ----------
    ground : Ground
    corners : (N, 4, 2) array
    settings : FitSettings
    reach_px, step_px : float
        Largest displacement of either end of a side, and between those that are tried.
    """
    if not len(corners):
        return corners
    offsets = np.arange(-reach_px, reach_px + step_px / 2, step_px)
    found = profiles(ground, corners, settings.points, offsets)
    places, normals = side_points(corners, settings.points)
    at = np.linspace(ENDS - 0.5, 0.5 - ENDS, settings.points)
    # Every line from an offset at one end to another at the other end.
    first, second = np.meshgrid(offsets, offsets, indexing="ij")
    slope = second - first
    keep = np.abs(slope) <= reach_px
    first, second = first[keep], second[keep]
    lines = (first + second)[:, None] / 2 + (second - first)[:, None] * at / (1 - 2 * ENDS)
    index = np.clip(np.round((lines + reach_px) / step_px).astype(int), 0, len(offsets) - 1)
    # (N, 4, lines): mean support along each line.
    means = np.stack([found[:, :, np.arange(settings.points), row].mean(axis=-1) for row in index], axis=-1)
    # Of equals the nearest.
    means = means - _STAY / 2 * (np.abs(first) + np.abs(second))
    best = means.argmax(axis=-1)
    start = places[:, :, 0] + first[best][..., None] * normals
    end = places[:, :, -1] + second[best][..., None] * normals
    return _crossings(start, end)


def _crossings(start: NDArray[np.floating], end: NDArray[np.floating]) -> Corners:
    """Return the corners where each side, a line through two points, meets the one before it."""
    direction = end - start
    before, turn = np.roll(start, 1, axis=1), np.roll(direction, 1, axis=1)
    cross = turn[..., 0] * direction[..., 1] - turn[..., 1] * direction[..., 0]
    gap = start - before
    along = (gap[..., 0] * direction[..., 1] - gap[..., 1] * direction[..., 0]) / np.where(
        np.abs(cross) < 1e-9, 1e-9, cross
    )
    return np.asarray(before + along[..., None] * turn)


def side_support(
    ground: Ground, corners: Corners, settings: FitSettings, reach_px: float = 1.0
) -> NDArray[np.float64]:
    """Return the mean support of each side, (N, 4), 0 to 1: of its edge within a reach, px."""
    offsets = np.arange(-reach_px, reach_px + 0.25, 0.5)
    return np.asarray(
        profiles(ground, corners, settings.points, offsets).max(axis=-1).mean(axis=-1), np.float64
    )


def edge_width_px(ground: Ground, corners: Corners, points: int = 8) -> NDArray[np.float64]:
    """Return the width of the edges of outlines, (N,): contrast of the middle over gradient of the sides."""
    places, normals = side_points(corners, points)
    tensor = sampled(ground.edge, places)
    x, y = normals[..., None, 0], normals[..., None, 1]
    along = tensor[..., 0] * x * x + 2 * tensor[..., 1] * x * y + tensor[..., 2] * y * y
    gradient = np.sqrt(np.maximum(along, 0)).mean(axis=(1, 2))
    contrast = sampled(ground.contrast, corners.mean(axis=1))
    return np.asarray(contrast / np.maximum(gradient, 1e-6), np.float64)


def inner_share(
    ground: Ground, corners: Corners, points: int = 12, of_glass: bool = False
) -> NDArray[np.float64]:
    """Return the share of the inside of each outline, (N,), that is no substrate, or that is on glass."""
    at = (np.arange(points) + 0.5) / points
    u, v = np.meshgrid(at, at)
    weights = np.stack([(1 - u) * (1 - v), u * (1 - v), u * v, (1 - u) * v], axis=-1).reshape(-1, 4)
    places = np.einsum("pk,nkc->npc", weights, corners)
    return np.asarray(
        sampled((ground.glass if of_glass else ground.inside).astype(np.float32), places).mean(axis=1),
        np.float64,
    )
