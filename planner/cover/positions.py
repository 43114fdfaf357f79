"""Stage positions from which the beam reaches required ground, where the beam moves and not the stage."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from planner.cover.framing import Framing
from planner.cover.required import Region
from planner.cover.seams import Rects, table_of
from planner.cover.tiles import tiles
from planner.geometry.rects import RectM, center, centered, cut, holds, hull
from planner.settings import PlanSettings

Point = tuple[float, float]

_MOST_COMPARED = 1500
"""Most rectangles of which each pair is looked at before they are divided. Chosen by hand."""
_ROUNDING_PX = 2
"""Pixels by which the frames of a group may exceed its ground: they are rounded out to whole pixels."""


@dataclass(frozen=True, slots=True)
class Position:
    """A stage position, and the regions whose frames are all scanned from there."""

    stage_m: Point
    regions: tuple[Region, ...]


def positions_of(
    regions: Sequence[Region], fields_m: Sequence[RectM], framing: Framing, apart_m: float
) -> tuple[Position, ...]:
    """Return stage positions from which the beam reaches all regions.

    All frames of a region are scanned from one position. A region beyond the reach is divided into parts.

    Parameters
    ----------
    regions : sequence of Region
    fields_m : sequence of RectM
        Their centres are the positions at which the fluorescence was taken.
    framing : Framing
        With the overlap of frames of one position.
    apart_m : float
        Overlap of frames of two positions.
    """
    parts = [part for region in regions for part in _within_reach(region, framing, apart_m)]
    rects = [part.rect_m for part in parts]
    return tuple(
        Position(stage_m, tuple(parts[n] for n in group))
        for stage_m, group in grouped(rects, fields_m, framing.settings)
    )


def grouped(
    rects: Sequence[RectM], fields_m: Sequence[RectM], settings: PlanSettings
) -> list[tuple[Point, list[int]]]:
    """Return stage positions, sorted, and the indices of the rectangles that the beam reaches from each.

    Rectangles are reached from the centre of a field if that takes no more positions than others.
    """
    margin_m = _ROUNDING_PX * settings.pixel_size_m
    window_m = settings.beam_window_m[0] - margin_m, settings.beam_window_m[1] - margin_m
    centers = sorted({center(field) for field in fields_m})
    own: dict[Point, list[int]] = {}
    beyond = []
    for index, rect in enumerate(rects):
        near = _reaching(rect, centers, window_m)
        if near is None:
            beyond.append(index)
        else:
            own.setdefault(near, []).append(index)
    at_fields = _merged([*own.items(), *_placed(_divided(rects, beyond, window_m), rects, centers, window_m)])
    anywhere = _merged(_placed(_divided(rects, list(range(len(rects))), window_m), rects, centers, window_m))
    return at_fields if len(at_fields) <= len(anywhere) else anywhere


def _within_reach(region: Region, framing: Framing, apart_m: float) -> list[Region]:
    """Return a region with its frames of one position, or the parts of one that no position reaches."""
    if len(region.scans) == 1:
        return [region]
    settings = framing.settings
    most_px = (
        math.floor(settings.beam_window_m[0] / settings.pixel_size_m) - _ROUNDING_PX,
        math.floor(settings.beam_window_m[1] / settings.pixel_size_m) - _ROUNDING_PX,
    )
    # Rounding to whole pixels may take up to one off each part.
    overlap_m = apart_m + _ROUNDING_PX * settings.pixel_size_m
    parts = []
    for tile in tiles(region.rect_m, (overlap_m, overlap_m), most_px, settings.pixel_size_m):
        part = cut(tile.rect_m, region.rect_m)
        parts.append(replace(region, rect_m=part, scans=framing.frames(part)))
    return parts


def _merged(groups: Iterable[tuple[Point, list[int]]]) -> list[tuple[Point, list[int]]]:
    """Return groups sorted by position, those of the same one joined."""
    found: dict[Point, list[int]] = {}
    for stage_m, group in groups:
        found.setdefault(stage_m, []).extend(group)
    return sorted((stage_m, sorted(group)) for stage_m, group in found.items())


def _placed(
    groups: Sequence[list[int]], rects: Sequence[RectM], centers: Sequence[Point], window_m: Point
) -> list[tuple[Point, list[int]]]:
    """Return groups with their stage positions: the nearest centre of a field, or their own."""
    wholes = [reduce(hull, (rects[n] for n in group)) for group in groups]
    return [
        (_reaching(whole, centers, window_m) or center(whole), group)
        for whole, group in zip(wholes, groups, strict=True)
    ]


def _reaching(rect: RectM, centers: Sequence[Point], window_m: Point) -> Point | None:
    """Return the nearest of the centres from which the beam reaches a rectangle."""
    middle = center(rect)
    near = [point for point in centers if holds(centered(point, window_m), rect)]
    return min(near, key=lambda p: (round(math.dist(p, middle), 12), p), default=None)


def _divided(rects: Sequence[RectM], indices: list[int], window_m: Point) -> list[list[int]]:
    """Divide rectangles into groups that fit into a window, where few overlap one another."""
    if not indices:
        return []
    table = table_of([rects[n] for n in indices])
    sides = table[:, 2:].max(axis=0) - table[:, :2].min(axis=0)
    needed = sides / np.asarray(window_m)
    if (needed <= 1 + 1e-12).all() or len(indices) == 1:
        return [indices]
    along = int(np.argmax(needed))
    middles = (table[:, along] + table[:, along + 2]) / 2
    order = np.argsort(np.round(middles - middles.min(), 12), kind="stable")
    table = table[order]
    low, high = table[:, along], table[:, along + 2]
    before = np.maximum.accumulate(high)[:-1] - low.min()
    after = high.max() - np.minimum.accumulate(low[::-1])[::-1][1:]
    windows = np.ceil(before / window_m[along] - 1e-9) + np.ceil(after / window_m[along] - 1e-9)
    crossing = np.round(_crossing_m2(table), 18)
    uneven = np.abs(np.arange(1, len(order)) - len(order) / 2)
    cut_at = int(np.lexsort((uneven, crossing, windows))[0]) + 1
    halves = (sorted(indices[n] for n in part) for part in (order[:cut_at], order[cut_at:]))
    return [group for half in halves for group in _divided(rects, half, window_m)]


def _crossing_m2(table: Rects) -> NDArray[np.float64]:
    """Return for each place of a cut the area that rectangles before it share with those behind it."""
    if len(table) > _MOST_COMPARED:
        return np.zeros(len(table) - 1)
    shared = np.minimum(table[:, None, 2:], table[None, :, 2:]) - np.maximum(
        table[:, None, :2], table[None, :, :2]
    )
    sums = shared.clip(min=0).prod(axis=2).cumsum(axis=0).cumsum(axis=1)
    places = np.arange(len(table) - 1)
    return np.asarray(sums[places, -1] - sums[places, places])
