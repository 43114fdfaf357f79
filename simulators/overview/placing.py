"""Positions of simulated sections: in ribbons, or scattered."""

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from shapely import Polygon
from shapely.geometry.base import BaseGeometry

from simulators.overview.values import (
    ArraySettings,
    Condition,
    Landmark,
    PlacedSection,
    Points,
    SectionArray,
)

_TRIES = 300
"""Random places tried for a ribbon or section before the substrate grows; chosen by hand."""
_GROWTH = 1.15
_CLEAR = 1.08
"""Least distance between the centres of two separate sections, in diagonals; they cannot touch."""
_DAMAGE = (Condition.TORN, Condition.FOLDED, Condition.HALF_OFF)
_STAGE_TURN_DEG = 7.0
"""Rotation of the overview on the stage; chosen by hand."""

Pose = tuple[float, float, float]
"""Centre, px, and rotation, radians, counter-clockwise on the screen."""


def place_array(settings: ArraySettings) -> SectionArray:
    """Place the sections of an array on a substrate that is as large as they need.

    Parameters
    ----------
    settings : ArraySettings

    Returns
    -------
    SectionArray
        The same for the same settings.
    """
    rng = np.random.default_rng([settings.seed, 71])
    cuts = np.arange(settings.sections)
    lost = rng.random(settings.sections) < settings.missing_share
    if lost.all():
        lost[0] = False
    side = math.sqrt(settings.sections * settings.width_px * settings.height_px / settings.fill)
    side = max(side, 5 * _diagonal(settings))
    present = [int(n) for n in cuts[~lost]]
    groups = _groups(present, settings, rng)
    while (poses := _place_groups(groups, side, settings, rng)) is None:
        side *= _GROWTH
    shape = corners(settings)
    placed = []
    for ribbon, (group, group_poses) in enumerate(zip(groups, poses, strict=True)):
        for cut, pose in zip(group, group_poses, strict=True):
            damaged = rng.random() < settings.damaged_share
            condition = _DAMAGE[int(rng.integers(3))] if damaged else Condition.INTACT
            number = ribbon if settings.arrangement == "ribbons" else None
            placed.append(_section(cut, shape, pose, condition, number))
    size = math.ceil(side)
    matrix = _stage_of_px(size, settings.um_per_px * 1e-6)
    return SectionArray(
        (size, size),
        _with_hidden(sorted(placed, key=lambda one: one.cut)),
        tuple(int(n) for n in cuts[lost]),
        _landmarks(settings.landmarks, size, matrix),
        matrix,
    )


def corners(settings: ArraySettings) -> Points:
    """Return the corners (4, 2) of an unrotated section about the mean of its corners, px."""
    half, upper = settings.width_px / 2, settings.width_px * (1 - settings.taper) / 2
    y = settings.height_px / 2
    return np.array([[-upper, -y], [upper, -y], [half, y], [-half, y]])


def _diagonal(settings: ArraySettings) -> float:
    return math.hypot(settings.width_px, settings.height_px)


def _groups(cuts: list[int], settings: ArraySettings, rng: np.random.Generator) -> list[list[int]]:
    """Split the sections into ribbons; a ribbon ends where a section is missing. Scattered: one each."""
    if settings.arrangement == "scattered":
        return [[cut] for cut in cuts]
    groups: list[list[int]] = []
    left = 0
    for cut in cuts:
        if left == 0 or (groups and cut != groups[-1][-1] + 1):
            groups.append([])
            left = int(rng.integers(settings.ribbon_sections[0], settings.ribbon_sections[1] + 1))
        groups[-1].append(cut)
        left -= 1
    return groups


def _place_groups(
    groups: list[list[int]], side: float, settings: ArraySettings, rng: np.random.Generator
) -> list[list[Pose]] | None:
    """Return the poses of each group, or None where one finds no room."""
    poses: list[list[Pose]] = [[] for _ in groups]
    taken: list[Pose] = []
    # The longest ribbons first: they need the most room.
    for n in sorted(range(len(groups)), key=lambda n: -len(groups[n])):
        tree = cKDTree([pose[:2] for pose in taken]) if taken else None
        for _ in range(_TRIES):
            found, beside = _candidate(len(groups[n]), side, settings, taken, rng)
            if _is_clear(found, beside, tree, side, settings):
                poses[n] = found
                taken += found
                break
        else:
            return None
    return poses


def _candidate(
    length: int, side: float, settings: ArraySettings, taken: list[Pose], rng: np.random.Generator
) -> tuple[list[Pose], int | None]:
    """Return poses of a ribbon, or of one section, and the number of the section beside which it lies."""
    closeness = rng.random()
    if settings.arrangement == "scattered" and taken:
        if closeness < settings.overlapping_share:
            return _beside(taken, -rng.uniform(0.08, 0.25), settings, rng)
        if closeness < settings.overlapping_share + settings.touching_share:
            return _beside(taken, 0.0, settings, rng)
    start = (float(rng.uniform(0, side)), float(rng.uniform(0, side)), float(rng.uniform(-math.pi, math.pi)))
    return list(_ribbon(start, length, settings, rng)), None


def _ribbon(start: Pose, length: int, settings: ArraySettings, rng: np.random.Generator) -> Iterator[Pose]:
    """Yield the poses of a ribbon: each upper edge at the lower edge of the section before."""
    x, y, turn = start
    gap = settings.gap_share * settings.height_px
    step = settings.height_px + gap
    for n in range(length):
        if n:
            bend = math.radians(float(np.clip(rng.standard_normal(), -2, 2)) * settings.bend_deg)
            jitter = float(rng.uniform(0, 0.02)) * settings.height_px
            slip = float(np.clip(rng.standard_normal(), -2, 2)) * 0.02 * settings.width_px
            # About the middle of the common edge: half a step in the old direction, half in the new one.
            x, y = _moved(x, y, turn, slip, step / 2)
            turn += bend
            x, y = _moved(x, y, turn, 0.0, step / 2 + jitter)
        yield x, y, math.remainder(turn, math.tau)


def _moved(x: float, y: float, turn: float, right: float, down: float) -> tuple[float, float]:
    """Move along the axes of a section that is turned counter-clockwise on the screen."""
    cos, sin = math.cos(turn), math.sin(turn)
    return x + right * cos + down * sin, y - right * sin + down * cos


def _beside(
    taken: list[Pose], gap_share: float, settings: ArraySettings, rng: np.random.Generator
) -> tuple[list[Pose], int]:
    n = int(rng.integers(len(taken)))
    x, y, turn = taken[n]
    own = turn + math.radians(float(rng.uniform(-3, 3)))
    gap = gap_share * settings.height_px
    if rng.random() < 0.5:
        right, down = float(rng.uniform(-0.3, 0.3)) * settings.width_px, settings.height_px + gap
    else:
        right, down = settings.width_px + gap, float(rng.uniform(-0.3, 0.3)) * settings.height_px
    sign = -1 if rng.random() < 0.5 else 1
    x, y = _moved(x, y, turn, sign * right, sign * down)
    return [(x, y, math.remainder(own, math.tau))], n


def _is_clear(
    poses: list[Pose], beside: int | None, tree: cKDTree | None, side: float, settings: ArraySettings
) -> bool:
    reach = _diagonal(settings) * _CLEAR
    points = np.array([pose[:2] for pose in poses])
    margin = 0.6 * _diagonal(settings) + 0.03 * side
    # Within the largest disc, so that the same array lies on a round coverslip, too.
    if (np.hypot(*(points - side / 2).T) > side / 2 - margin).any():
        return False
    if len(poses) > 2 and _bites_itself(points, reach):
        return False
    if tree is None:
        return True
    near = {int(n) for found in tree.query_ball_point(points, reach) for n in found}
    return near <= {beside}


def _bites_itself(points: Points, reach: float) -> bool:
    """Return True if a ribbon comes near itself: sections many steps apart are closer than they may be."""
    steps = math.ceil(reach / max(float(np.hypot(*(points[1] - points[0]))), 1e-9)) + 1
    pairs = cKDTree(points).query_pairs(reach, output_type="ndarray")
    return bool((np.abs(pairs[:, 0] - pairs[:, 1]) > steps).any())


def _section(cut: int, shape: Points, pose: Pose, condition: Condition, ribbon: int | None) -> PlacedSection:
    x, y, turn = pose
    cos, sin = math.cos(turn), math.sin(turn)
    polygon = shape @ np.array([[cos, -sin], [sin, cos]]) + (x, y)
    return PlacedSection(cut, polygon, np.array([x, y]), math.degrees(turn), condition, ribbon)


def _with_hidden(sections: list[PlacedSection]) -> tuple[PlacedSection, ...]:
    """Fill in the share of each section that later ones cover."""
    shapes = [Polygon(one.polygon_px) for one in sections]
    reach = 2 * max(float(np.hypot(*(one.polygon_px - one.center_px).T).max()) for one in sections)
    tree = cKDTree([one.center_px for one in sections])
    found = []
    for n, one in enumerate(sections):
        seen: BaseGeometry = shapes[n]
        for other in tree.query_ball_point(one.center_px, reach):
            if other > n:
                seen = seen.difference(shapes[other])
        found.append(replace(one, hidden_share=round(1 - seen.area / shapes[n].area, 4)))
    return tuple(found)


def _stage_of_px(size: int, pixel_m: float) -> NDArray[np.float64]:
    """Return the matrix that puts the middle of the picture at stage position (0, 0)."""
    turn = math.radians(_STAGE_TURN_DEG)
    cos, sin = math.cos(turn) * pixel_m, math.sin(turn) * pixel_m
    linear = np.array([[cos, sin], [sin, -cos]])
    return np.column_stack([linear, -linear @ (size / 2, size / 2)])


def _landmarks(count: int, size: int, matrix: NDArray[np.float64]) -> tuple[Landmark, ...]:
    """Return landmarks on a ring between the sections and the rim."""
    turns = 0.4 + np.arange(count) * math.tau / max(count, 1)
    points = size / 2 + 0.485 * size * np.column_stack([np.cos(turns), np.sin(turns)])
    stage = points @ matrix[:, :2].T + matrix[:, 2]
    return tuple(
        Landmark((float(x), float(y)), (float(u), float(v)))
        for (x, y), (u, v) in zip(points, stage, strict=True)
    )
