"""Choice of the ground on which the electron beam focuses: saved, and needed by no cell."""

from collections.abc import Sequence

import numpy as np

from planner.geometry.allowed_ground import Ground
from planner.geometry.rects import RectM

_STEPS = 2
"""Candidate places per side of a spot. Chosen by hand."""


def focus_spot(
    ground: Ground, fields_m: Sequence[RectM], keep_off_m: Sequence[RectM], size_m: tuple[float, float]
) -> RectM | None:
    """Find the spot on saved ground that is furthest from all cells.

    The spot, grown by the reach of the beam (`Ground.reach_m`), touches nothing of `keep_off_m`, and lies
    where `ground` allows a frame: no fluorescence still to be taken is in its reach.

    Parameters
    ----------
    ground : Ground
    fields_m : sequence of RectM
        Ground to search.
    keep_off_m : sequence of RectM
        Ground of cells, doubtful ones too, and of the frames that will image them.
    size_m : (float, float)
        Width and height of the spot, m.

    Returns
    -------
    RectM or None
        None if there is no such ground.
    """
    width, height = size_m
    keep_off = np.asarray(keep_off_m, dtype=np.float64).reshape(-1, 4)
    places: list[tuple[float, RectM]] = []
    for x0, y0, x1, y1 in fields_m:
        for x in _starts(x0 + ground.reach_m, x1 - ground.reach_m, width):
            for y in _starts(y0 + ground.reach_m, y1 - ground.reach_m, height):
                spot = (x, y, x + width, y + height)
                away_m = _distance(spot, keep_off)
                if away_m > ground.reach_m:
                    places.append((away_m, spot))
    for _, spot in sorted(places, key=lambda place: (-place[0], place[1])):
        if ground.allows(spot):
            return spot
    return None


def _starts(low: float, high: float, length: float) -> list[float]:
    room = high - low - length
    if room < 0:
        return []
    count = int(room / (length / _STEPS)) + 1
    return [float(v) for v in np.linspace(low, low + room, count)]


def _distance(spot: RectM, rects: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> float:
    """Return the distance to the nearest rectangle along its larger axis, m; infinite for none."""
    if not len(rects):
        return float("inf")
    dx = np.maximum(rects[:, 0] - spot[2], spot[0] - rects[:, 2])
    dy = np.maximum(rects[:, 1] - spot[3], spot[1] - rects[:, 3])
    return float(np.maximum(dx, dy).min())
