"""The picture of a simulated array, as an optical overview shows it."""

import math
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from simulators.overview.dirt import cross, dust, scratches, strips
from simulators.overview.substrate import light, substrate, tile_seams
from simulators.overview.values import (
    Condition,
    PictureSettings,
    PlacedSection,
    SectionArray,
    SimulatedOverview,
)

Floats = NDArray[np.float32]

_EDGE_PX = 2
"""Pixels around a section in which it is painted, beyond its corners."""


def draw_overview(array: SectionArray, settings: PictureSettings) -> SimulatedOverview:
    """Draw the overview of an array.

    Parameters
    ----------
    array : SectionArray
    settings : PictureSettings

    Returns
    -------
    SimulatedOverview
        The same for the same array and settings.
    """
    rng = np.random.default_rng([settings.seed, 72])
    width, height = array.size_px
    image, glass = substrate((height, width), settings, rng)
    area = _section_area(array)
    hundreds = float(glass.sum()) / (100 * area)
    side = math.sqrt(area)
    strips(image, settings, hundreds, side, rng)
    tissue = _tissue(rng)
    for section in array.sections:
        _paint(image, section, tissue, settings, rng)
    dust(image, settings.dust * hundreds, side, rng)
    scratches(image, settings.scratches * hundreds, side, rng)
    for mark in array.landmarks:
        cross(image, mark.position_px, side)
    image *= light((height, width), settings, rng)
    if settings.blur_px > 0:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), settings.blur_px), dtype=np.float32)
    shifts = tile_seams(image, settings, rng)
    image += rng.standard_normal(image.shape, dtype=np.float32) * np.float32(settings.noise)
    pixels = np.clip(image * 255 + 0.5, 0, 255).astype(np.uint8)
    tile = settings.tile_px or max(width, height)
    return SimulatedOverview(pixels, array, tuple(_shown(one, shifts, tile) for one in array.sections))


def _shown(section: PlacedSection, shifts: NDArray[np.int64], tile_px: int) -> PlacedSection:
    """Return a section where the picture shows it: moved with the tile of its centre."""
    column, row = np.clip(section.center_px // tile_px, 0, np.array(shifts.shape[1::-1]) - 1).astype(int)
    moved = shifts[row, column]
    return replace(section, polygon_px=section.polygon_px + moved, center_px=section.center_px + moved)


def _section_area(array: SectionArray) -> float:
    return float(np.mean([cv2.contourArea(one.polygon_px.astype(np.float32)) for one in array.sections]))


def _tissue(rng: np.random.Generator) -> Floats:
    """Return the common inside of all sections, (64, 64), from -1 to 1: a tissue below a band of resin."""
    rows, columns = np.mgrid[0:64, 0:64] / 63.0
    cloud = cv2.GaussianBlur(rng.standard_normal((64, 64)).astype(np.float32), (0, 0), 5)
    cloud = cloud / np.abs(cloud).max()
    inside = ((columns - 0.45) / 0.38) ** 2 + ((rows - 0.6) / 0.3) ** 2 < 1
    found = 0.6 * cloud + np.where(inside, 0.5, -0.3) - 0.4 * (np.abs(rows - 0.14) < 0.06)
    return np.asarray(np.clip(found, -1, 1), dtype=np.float32)


def _paint(
    image: Floats, section: PlacedSection, tissue: Floats, settings: PictureSettings, rng: np.random.Generator
) -> None:
    """Paint a section over what lies below it."""
    contrast = settings.contrast * (
        1 + settings.contrast_spread * float(np.clip(rng.standard_normal(), -2, 2))
    )
    low = np.maximum(np.floor(section.polygon_px.min(axis=0)).astype(int) - _EDGE_PX, 0)
    high = np.ceil(section.polygon_px.max(axis=0)).astype(int) + _EDGE_PX
    part = image[low[1] : high[1], low[0] : high[0]]
    if part.size == 0:
        return
    y, x = np.mgrid[0 : part.shape[0], 0 : part.shape[1]] + 0.5
    x, y = x + low[0], y + low[1]
    cover = _inside(section.polygon_px, x, y)
    u, v = _in_section(section, x, y)
    inner = cv2.remap(
        tissue,
        (u * 63).astype(np.float32),
        (v * 63).astype(np.float32),
        cv2.INTER_LINEAR,
        None,
        cv2.BORDER_REPLICATE,
    )
    # Dark sections absorb, bright ones scatter; both are a factor on what lies below.
    factor = 1 + contrast * (1 + settings.texture * inner)
    kept, doubled = _damage(section.condition, u, v, rng)
    factor = np.where(doubled, 1 + 1.4 * (factor - 1), factor)
    part *= (1 + cover * kept * (np.maximum(factor, 0.03) - 1)).astype(np.float32)


def _inside(
    polygon: NDArray[np.float64], x: NDArray[np.float64], y: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the share of each pixel that a convex polygon, clockwise on the screen, covers."""
    distance = np.full(x.shape, np.inf)
    for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        length = math.hypot(x1 - x0, y1 - y0)
        distance = np.minimum(distance, ((x1 - x0) * (y - y0) - (y1 - y0) * (x - x0)) / length)
    return np.clip(distance + 0.5, 0, 1)


def _in_section(
    section: PlacedSection, x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return coordinates from the upper left corner, 0 to 1 along the width and the height."""
    turn = math.radians(section.rotation_deg)
    cos, sin = math.cos(turn), math.sin(turn)
    dx, dy = x - section.center_px[0], y - section.center_px[1]
    top_left, top_right, bottom_right, bottom_left = section.polygon_px
    width = math.dist(bottom_right, bottom_left)
    height = math.dist((top_left + top_right) / 2, (bottom_left + bottom_right) / 2)
    return (dx * cos - dy * sin) / width + 0.5, (dx * sin + dy * cos) / height + 0.5


def _damage(
    condition: Condition, u: NDArray[np.float64], v: NDArray[np.float64], rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the share of each place that is still there, and where the section lies double."""
    there, doubled = np.ones(u.shape), np.zeros(u.shape, dtype=np.bool_)
    if condition is Condition.INTACT:
        return there, doubled
    turn = float(rng.uniform(0, math.tau))
    along = (u - 0.5) * math.cos(turn) + (v - 0.5) * math.sin(turn)
    across = (v - 0.5) * math.cos(turn) - (u - 0.5) * math.sin(turn)
    if condition is Condition.HALF_OFF:
        there = (along < float(rng.uniform(-0.1, 0.1))).astype(np.float64)
    elif condition is Condition.TORN:
        wave = 0.05 * np.sin(across * float(rng.uniform(15, 40)) + turn)
        there = (along + wave < float(rng.uniform(0.15, 0.3))).astype(np.float64)
    else:
        line = float(rng.uniform(0.1, 0.25))
        there = (along < line).astype(np.float64)
        doubled = along > line - (0.5 - line)
    return there, doubled
