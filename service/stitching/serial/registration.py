"""Motion of a section against another, by the electron images of the cells that both show.

Two sections differ by one rotation; it is that at which their cells together agree best. Each cell then has a
shift of its own, since each was imaged with an error of the stage of its own. What is compared is the sign of
details rather than their strength: membranes that run obliquely through the section move from one to the
next, and would count most.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from detection.registration.rigid import Rigid
from service.image_files.images import Pixels
from service.stitching.placing.correlation import Band, Floats, Peak, Search, peaks
from service.stitching.values import Point

PIXEL_UM = 0.1
"""Pixel size on which sections are compared. At .05, .066 and .15 um errors were larger (seed 21, 65 pairs of
images)."""
_BAND = Band(1.0, 8.0)
_STRONGEST = 0.7
"""Contrast at which details are cut, in standard deviations: half of the pairs then lay within 21 nm instead
of 25."""
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
_MOST_CELLS = 6
"""Cells by which the rotation is found, the largest. Chosen by hand."""
_NEAR_RAD, _NEAR_STEP_RAD = math.radians(6), math.radians(2)
"""Around a known rotation, as three cells in fluorescence show it. Chosen by hand."""
_FINE_STEP_RAD = math.radians(0.25)
_SWEEP_STEP_RAD = math.radians(3)
"""All rotations are tried if none is known. At 7 um from the middle of a cell a step is .37 um, a coarse
detail."""


@dataclass(frozen=True, slots=True)
class CellView:
    """The electron image of a cell in a section, ready to be compared.

    Attributes
    ----------
    details : (rows, columns) array of float32
        0 where there is no image.
    middle_um : (float, float)
        The middle of the cell as fluorescence has it, from the middle of the image, X right, Y up.
    """

    details: Floats
    middle_um: Point


@dataclass(frozen=True, slots=True)
class Shifted:
    """Motion of the image of a cell onto that in another section, and what proves it."""

    motion: Rigid
    peak: Peak


def view_of(image: Pixels, pixel_um: float, middle_um: Point) -> CellView:
    """Prepare the electron image of a cell; ground that is 0 counts as not shown.

    Parameters
    ----------
    image : (rows, columns) array of uint8 or uint16
    pixel_um : float
    middle_um : (float, float)
        See `CellView`.
    """
    rows, columns = (max(1, round(side * pixel_um / PIXEL_UM)) for side in image.shape)
    # About the middle, in pixels of exactly the common size.
    share = PIXEL_UM / pixel_um
    matrix = np.array([[share, 0.0, 0.0], [0.0, share, 0.0]])
    matrix[:, 2] = np.array(image.shape[::-1]) / 2 - 0.5 - share * (np.array([columns, rows]) / 2 - 0.5)
    # An odd side: an even one would move the image.
    smooth = cv2.blur(image.astype(np.float32), (2 * round(share / 2) + 1,) * 2)
    way = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    small = cv2.warpAffine(smooth, matrix, (columns, rows), flags=way, borderMode=cv2.BORDER_REPLICATE)
    shown = cv2.warpAffine((image > 0).astype(np.float32), matrix, (columns, rows), flags=way)
    inside = cv2.erode(shown, np.ones((3, 3), np.uint8), borderValue=1.0)
    known = np.asarray(inside > 0.5, dtype=np.float32)
    grey = np.asarray(small, dtype=np.float32)
    details = np.subtract(_even(grey, known, _BAND.fine_px), _even(grey, known, _BAND.coarse_px))
    spread = float(details[known > 0].std()) if known.any() else 0.0
    cut = np.clip(details, -_STRONGEST * spread, _STRONGEST * spread) * known
    return CellView(np.asarray(cut, dtype=np.float32), middle_um)


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
    before, here, after = score(best - step), score(best), score(best + step)
    bend = before - 2 * here + after
    return best + (step * min(max((before - after) / (2 * bend), -0.5), 0.5) if bend < 0 else 0.0)


def shift_at(one: CellView, other: CellView, rotation_rad: float) -> Shifted | None:
    """Return the motion of an image of a cell onto another at a rotation; None if they share too little."""
    turned = _turned(one.details, rotation_rad)
    (height, width), side = other.details.shape, turned.shape[0]
    guess = Rigid(rotation_rad)
    believed = np.array(other.middle_um) - guess.apply(np.array([one.middle_um]))[0]
    # Upper left corner of the turned image in the other one.
    x = round(believed[0] / PIXEL_UM + width / 2 - side / 2)
    y = round(-believed[1] / PIXEL_UM + height / 2 - side / 2)
    search = Search((x, y), math.ceil(REACH_UM / PIXEL_UM), math.ceil(_LEAST_UM / PIXEL_UM))
    found = peaks(other.details, turned, search, _BAND.coarse_px)
    if not found:
        return None
    right, down = found[0].shift_px
    middle = x + right + side / 2 - width / 2, y + down + side / 2 - height / 2
    return Shifted(Rigid(rotation_rad, (middle[0] * PIXEL_UM, -middle[1] * PIXEL_UM)), found[0])


def is_proven(one: CellView, other: CellView, found: Shifted | None) -> bool:
    """Return True if what both images show proves a motion."""
    if found is None or found.peak.significance < SIGNIFICANT:
        return False
    return min(_BAND.places(one.details), _BAND.places(other.details)) >= LEAST_PLACES


def _even(image: Floats, known: Floats, sigma: float) -> Floats:
    """Blur an image where it is known, as if it went on as it ends."""
    weight = cv2.GaussianBlur(known, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
    sums = cv2.GaussianBlur(image * known, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
    return np.asarray(sums / np.maximum(weight, np.float32(1e-3)), dtype=np.float32)


def _turned(details: Floats, rotation_rad: float) -> Floats:
    """Turn an image about its middle, in a square that holds all of it."""
    rows, columns = details.shape
    side = math.ceil(math.hypot(rows, columns)) + 1
    cos, sin = math.cos(rotation_rad), math.sin(rotation_rad)
    # Rows run downwards: counter-clockwise on the stage is counter-clockwise on the screen.
    matrix = np.array([[cos, sin, 0.0], [-sin, cos, 0.0]])
    matrix[:, 2] = (side - 1) / 2 - matrix[:, :2] @ np.array([(columns - 1) / 2, (rows - 1) / 2])
    return np.asarray(cv2.warpAffine(details, matrix, (side, side), flags=cv2.INTER_LINEAR), dtype=np.float32)
