"""Motion of a section against another, by the electron images of the cells that both show.

Two sections differ by one rotation; it is that at which their cells together agree best. Each cell then has a
shift of its own, since each was imaged with an error of the stage of its own. Both are found, and proven, by
coarse details, then measured by close ones.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import cv2
import numpy as np

from detection.registration.rigid import Rigid
from service.stitching.placing.correlation import Band, Floats, Peak, Search, between, peaks
from service.stitching.serial.views import CLOSE, COARSE, PIXEL_UM, CellView

REACH_UM = 3.0
"""Largest shift of a cell from where fluorescence has it: the error of the stage in either section and the
change of the cell. Chosen by hand."""
_LEAST_UM = 1.5
"""Least width and height of what both sections must show. Chosen by hand."""
SIGNIFICANT = 8.0
"""Least significance of a shift. Of the 48 pairs of seed 21 that reached it half lay within 21 nm, and the
worst was 205 nm off; of the 17 others some were off by micrometres."""
LEAST_PLACES = 6.0
"""Least number of places over which the details of either image are spread: a corner of a cell fits anywhere.
The 49 pairs of neighbours of seed 21 that are significant have 8 and more."""
_CLOSE_REACH_UM = 0.5
"""Largest distance of the measured place from the coarse one, which is 345 nm off at worst (development seeds
705 and 711 to 715, 320 pairs)."""
_MOST_CELLS = 6
"""Cells by which the rotation is found, the largest. Chosen by hand."""
_MOST_CELLS_CLOSELY = 12
"""The same for its measurement. Chosen by hand."""
_NEAR_RAD, _NEAR_STEP_RAD = math.radians(6), math.radians(2)
"""Around a known rotation, as three cells in fluorescence show it. Chosen by hand."""
_FINE_STEP_RAD = math.radians(0.25)
_CLOSE_STEP_RAD = math.radians(0.5)
"""Steps of the measurement, with a parabola between them; .25 and 1 degree were as good."""
_CLOSE_STEPS = 4
_SWEEP_STEP_RAD = math.radians(3)
"""All rotations are tried if none is known. At 7 um from the middle of a cell a step is .37 um, a coarse
detail."""


@dataclass(frozen=True, slots=True)
class Shifted:
    """Motion of the image of a cell onto that in another section, and what proves it."""

    motion: Rigid
    peak: Peak


def find_rotation(pairs: Sequence[tuple[CellView, CellView]], start_rad: float | None) -> float:
    """Return the rotation from one section to another, counter-clockwise.

    Parameters
    ----------
    pairs : sequence of (CellView, CellView)
        The same cells in the first and in the second section, at least one.
    start_rad : float or None
        Rotation by what fluorescence shows; all are tried without.
    """
    largest = sorted(pairs, key=lambda pair: -min(pair[0].details.size, pair[1].details.size))[:_MOST_CELLS]

    def score(angle: float) -> float:
        found = (shift_at(one, other, angle) for one, other in largest)
        return sum(one.peak.significance**2 for one in found if one is not None)

    if start_rad is None:
        steps = np.arange(-math.pi, math.pi, _SWEEP_STEP_RAD)
    else:
        steps = start_rad + np.arange(-_NEAR_RAD, _NEAR_RAD + _NEAR_STEP_RAD / 2, _NEAR_STEP_RAD)
    best: float = max(steps.tolist(), key=score)
    step = _SWEEP_STEP_RAD if start_rad is None else _NEAR_STEP_RAD
    while step > _FINE_STEP_RAD:
        step = max(step / 2, _FINE_STEP_RAD)
        best = max((best - step, best, best + step), key=score)
    return best + step * between(score(best - step), score(best), score(best + step))


def shift_at(one: CellView, other: CellView, rotation_rad: float) -> Shifted | None:
    """Return the motion of an image of a cell onto another at a rotation; None if they share too little."""
    turned = _turned(one.details, rotation_rad)
    guess = Rigid(rotation_rad)
    x, y = np.array(other.middle_um) - guess.apply(np.array([one.middle_um]))[0]
    return _shifted(turned, other.details, Rigid(rotation_rad, (float(x), float(y))), REACH_UM, COARSE)


def closely(one: CellView, other: CellView, motion: Rigid) -> Shifted | None:
    """Return the motion of an image of a cell onto another near a proven one, at its rotation."""
    turned = _turned(one.close, motion.rotation_rad)
    return _shifted(turned, other.close, motion, _CLOSE_REACH_UM, CLOSE)


def rotation_closely(pairs: Sequence[tuple[CellView, CellView]], proven: Sequence[Rigid]) -> float:
    """Return the rotation at which images of cells agree best, near that of their proven motions.

    Parameters
    ----------
    pairs : sequence of (CellView, CellView)
        At least one.
    proven : sequence of Rigid
        Motion of each, all with the same rotation.
    """
    known = sorted(zip(pairs, proven, strict=True), key=lambda one: -min(view.close.size for view in one[0]))
    largest = known[:_MOST_CELLS_CLOSELY]

    @cache
    def score(step: int) -> float:
        angle = proven[0].rotation_rad + step * _CLOSE_STEP_RAD
        found = (closely(one, other, replace(motion, rotation_rad=angle)) for (one, other), motion in largest)
        return sum(one.peak.significance**2 for one in found if one is not None)

    best = 0
    while abs(best) < _CLOSE_STEPS and (better := max((best, best - 1, best + 1), key=score)) != best:
        best = better
    off = between(score(best - 1), score(best), score(best + 1))
    return proven[0].rotation_rad + (best + off) * _CLOSE_STEP_RAD


def is_proven(one: CellView, other: CellView, found: Shifted | None) -> bool:
    """Return True if what both images show proves a motion."""
    if found is None or found.peak.significance < SIGNIFICANT:
        return False
    return min(COARSE.places(one.details), COARSE.places(other.details)) >= LEAST_PLACES


def _shifted(turned: Floats, other: Floats, believed: Rigid, reach_um: float, band: Band) -> Shifted | None:
    (height, width), side = other.shape, turned.shape[0]
    # Upper left corner of the turned image in the other one.
    x = round(believed.shift_um[0] / PIXEL_UM + width / 2 - side / 2)
    y = round(-believed.shift_um[1] / PIXEL_UM + height / 2 - side / 2)
    search = Search((x, y), math.ceil(reach_um / PIXEL_UM), math.ceil(_LEAST_UM / PIXEL_UM))
    found = peaks(other, turned, search, band.coarse_px)
    if not found:
        return None
    right, down = found[0].shift_px
    middle = x + right + side / 2 - width / 2, y + down + side / 2 - height / 2
    return Shifted(
        replace(believed, shift_um=(middle[0] * PIXEL_UM, -middle[1] * PIXEL_UM)),
        found[0],
    )


def _turned(details: Floats, rotation_rad: float) -> Floats:
    """Turn an image about its middle, in a square that holds all of it."""
    rows, columns = details.shape
    side = math.ceil(math.hypot(rows, columns)) + 1
    cos, sin = math.cos(rotation_rad), math.sin(rotation_rad)
    # Rows run downwards: counter-clockwise on the stage is counter-clockwise on the screen.
    matrix = np.array([[cos, sin, 0.0], [-sin, cos, 0.0]])
    matrix[:, 2] = (side - 1) / 2 - matrix[:, :2] @ np.array([(columns - 1) / 2, (rows - 1) / 2])
    return np.asarray(cv2.warpAffine(details, matrix, (side, side), flags=cv2.INTER_LINEAR), dtype=np.float32)
