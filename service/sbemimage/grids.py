"""From a frame to the grid that images it: position, tiles, and the size to ask for."""

import math

import numpy as np

from planner.geometry.rects import RectM
from service.sbemimage.placing import Placing
from service.sbemimage.theirs.coordinates import Coordinates
from service.sbemimage.theirs.session_file import Tiles
from service.sbemimage.values import Grid

MOST_OVERLAP = 0.4
"""Largest overlap of neighbouring tiles over their size. Above one half, SBEMimage would take more tiles than
asked for; a margin below, chosen by hand."""
_SLACK_UM = 1e-3
"""A frame may be this much larger than a tile and still count as one: a pixel has several nm."""
_LESS = 1e-6
"""Share by which the asked size stays below whole tiles, so that rounding adds none."""


def grid_of(rect_m: RectM, placing: Placing, coordinates: Coordinates, tiles: Tiles) -> Grid:
    """Return the grid whose tiles cover a frame, centred on it.

    SBEMimage adds grids unrotated, so a frame that is turned against its axes is covered by the upright
    rectangle around it.

    Parameters
    ----------
    rect_m : RectM
        On the stage of the plan, m.
    placing : Placing
    coordinates : Coordinates
    tiles : Tiles
        Of grid 0, which SBEMimage copies.
    """
    x0, y0, x1, y1 = rect_m
    corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
    seen = coordinates.to_sem(placing.to_theirs(corners))
    low, high = seen.min(axis=0) - placing.margin_um, seen.max(axis=0) + placing.margin_um
    width, height = (float(side) for side in high - low)
    overlap = tiles.overlap_um
    columns = _count(width, tiles.size_um[0], overlap)
    rows = _count(height, tiles.size_um[1], overlap)
    center = (low + high) / 2
    whole = [_length(n, side, overlap) for n, side in zip((columns, rows), tiles.size_um, strict=True)]
    return Grid(
        (float(center[0]), float(center[1])),
        rows,
        columns,
        (_asked(columns, tiles.size_um[0], overlap), _asked(rows, tiles.size_um[1], overlap)),
        (width, height),
        whole[0] * whole[1],
    )


def _count(length: float, tile: float, overlap: float) -> int:
    if length <= tile + _SLACK_UM:
        return 1
    return math.ceil((length - overlap - _SLACK_UM) / (tile - overlap))


def _length(count: int, tile: float, overlap: float) -> float:
    return count * (tile - overlap) + overlap


def _asked(count: int, tile: float, overlap: float) -> float:
    """Return the length for which SBEMimage takes this many tiles: it forgets the overlap of the last."""
    return (tile if count == 1 else count * (tile - overlap)) * (1 - _LESS)
