"""Ground of an overview: as much as possible of a field around a stage position."""

import math
from collections.abc import Sequence

from planner.geometry.allowed_ground import Ground
from planner.geometry.rects import RectM, centered

LEAST_M = 20e-6
"""Least width and height of an overview; smaller ones hardly show three cells. Chosen by hand."""


def overview_px(
    ground: Ground,
    field_m: RectM,
    stage_m: tuple[float, float],
    pixel_size_m: float,
    most_px: tuple[int, int],
) -> tuple[int, int] | None:
    """Return width and height of the largest overview of a field around a stage position, px, both even.

    Parameters
    ----------
    ground : Ground
        Its reach is that of the overview.
    field_m : RectM
        Ground of the field.
    stage_m : (float, float)
        Centre of the overview.
    pixel_size_m : float
    most_px : (int, int)
        Largest scan of the machine.

    Returns
    -------
    (int, int) or None
        None if none of at least 20 um is allowed.
    """
    x, y = stage_m
    half_x = min(x - field_m[0], field_m[2] - x) - ground.reach_m
    half_y = min(y - field_m[1], field_m[3] - y) - ground.reach_m
    # Even, so that the centre of a reduced area of a larger scan lies on the axis.
    width, height = (
        2 * max(0, min(math.floor(half / pixel_size_m), most // 2))
        for half, most in zip((half_x, half_y), most_px, strict=True)
    )
    size_m = width * pixel_size_m, height * pixel_size_m
    if min(size_m) < LEAST_M or not ground.allows(centered(stage_m, size_m)):
        return None
    return width, height


def best_field(fields_m: Sequence[RectM], stage_m: tuple[float, float]) -> int | None:
    """Return the index of the field that reaches furthest around a stage position; None if none holds it."""
    x, y = stage_m
    room = [min(x - x0, x1 - x, y - y0, y1 - y) for x0, y0, x1, y1 in fields_m]
    best = max(range(len(room)), key=lambda n: (round(room[n], 12), -n), default=None)
    return None if best is None or room[best] <= 0 else best
