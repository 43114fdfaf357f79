"""Picture of an alignment: the overview with the outlines of the fluorescence over it."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from detection.alignment.values import Alignment, Picture, Similarity
from detection.image.boxes import BoxPx
from detection.registration.rigid import pixels_of_plane, plane_of_pixels
from service import wording_overviews
from service.pictures.overlay import (
    DOUBTFUL,
    FOUND,
    INK,
    LEGEND_HEIGHT,
    LONGEST_PX,
    NOT_IMAGED,
    PAPER,
    stretched,
    write_text,
)

_SMOOTH_UM = 0.6
"""Against noise; an outline within noise is all corners."""
_LEAST_UM2 = 3.0
"""Area of an outline; smaller ones are noise."""
_SUBPIXELS = 3
"""Bits below the pixel of lines: OpenCV draws them at an eighth."""


def draw_alignment(
    fluorescence: Picture, cells: Sequence[BoxPx], overview: Picture, found: Alignment
) -> NDArray[np.uint8]:
    """Draw an overview with the outlines of the bright parts of the cells.

    Returns
    -------
    (height + 44, width, 3) array of uint8
        RGB: the overview, shrunk if its longest side is above 4096 px; outlines where they were expected in
        red, where they were found in green, or amber if that is not proven; a legend below.
    """
    rows, columns = overview.pixels.shape
    scale = min(1.0, LONGEST_PX / max(rows, columns))
    size = max(1, round(columns * scale)), max(1, round(rows * scale))
    grey = cv2.resize(stretched(overview.pixels), size, interpolation=cv2.INTER_AREA)
    picture = np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), dtype=np.uint8)
    outlines = _outlines_um(fluorescence, cells)
    proven = found.proven_um is not None
    motions = [(Similarity(), NOT_IMAGED)]
    if found.motion is not None:
        motions.append((found.motion, FOUND if proven else DOUBTFUL))
    for motion, colour in motions:
        lines = [pixels_of_plane(motion.apply(one), *overview.grid) * scale - 0.5 for one in outlines]
        dots = [np.rint(one * 2**_SUBPIXELS).astype(np.int32) for one in lines]
        cv2.polylines(picture, dots, True, colour, 1, cv2.LINE_AA, _SUBPIXELS)
    return np.vstack([picture, _legend(size[0], found)])


def _outlines_um(fluorescence: Picture, cells: Sequence[BoxPx]) -> list[NDArray[np.float64]]:
    """Return the outlines of what is brighter than the middle between cell and background, um."""
    sigma = _SMOOTH_UM / fluorescence.pixel_size_um
    smooth = cv2.GaussianBlur(fluorescence.pixels.astype(np.float32), (0, 0), sigma)
    outlines = []
    for box in cells:
        part = np.asarray(smooth)[box.slices]
        low, high = np.percentile(part, (5, 90))
        bright = (part > (low + high) / 2).astype(np.uint8)
        found, _ = cv2.findContours(bright, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        for one in found:
            if cv2.contourArea(one) * fluorescence.pixel_size_um**2 < _LEAST_UM2:
                continue
            middle_px = np.array([box.x0 + 0.5, box.y0 + 0.5])
            place = np.asarray(one, dtype=np.float64).reshape(-1, 2) + middle_px
            outlines.append(plane_of_pixels(place, *fluorescence.grid))
    return outlines


def _legend(width: int, found: Alignment) -> NDArray[np.uint8]:
    strip = np.full((LEGEND_HEIGHT, width, 3), PAPER, dtype=np.uint8)
    proven = found.proven_um is not None
    write_text(strip, "red: expected", (10, 17), NOT_IMAGED)
    if found.motion is not None:
        x, y = found.motion.shift_um
        colour, name = (FOUND, "green") if proven else (DOUBTFUL, "amber")
        write_text(strip, f"{name}: found, shifted by {x:+.2f}, {y:+.2f} um", (110, 17), colour)
    write_text(
        strip,
        wording_overviews.alignment_says(found.reason, found.proven_um),
        (10, 36),
        INK if proven else DOUBTFUL,
    )
    return strip
