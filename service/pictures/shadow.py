"""Picture of a field with the cells of two detectors: kept, kept in part, lost and gained."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from service.pictures.overlay import (
    FONT,
    FONT_SCALE,
    INK,
    LEGEND_HEIGHT,
    LONGEST_PX,
    PAPER,
    Colour,
    stretched,
    write_text,
)

BoxPx4 = tuple[int, int, int, int]

ENLARGED = 2
_KEPT: Colour = (150, 150, 150)
_PARTLY: Colour = (240, 228, 66)
_LOST: Colour = (213, 94, 0)
_GAINED: Colour = (86, 180, 233)
"""Colours that colour-blind people can tell apart: Okabe and Ito, Color Universal Design (2008)."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A cell: its box, px of the frame, which may reach beyond it, and its label."""

    box: BoxPx4
    label: str


@dataclass(frozen=True, slots=True)
class Marks:
    """Cells of a field; labels are shown of those that are lost or gained."""

    kept: Sequence[Mark] = ()
    partly: Sequence[Mark] = ()
    lost: Sequence[Mark] = ()
    gained: Sequence[Mark] = ()


def draw_shadow(pixels: NDArray[np.generic], marks: Marks) -> NDArray[np.uint8]:
    """Draw a field with its cells.

    Parameters
    ----------
    pixels : (rows, columns) array of uint8 or uint16
    marks : Marks

    Returns
    -------
    (height + 44, width, 3) array of uint8
        RGB: the frame enlarged twice, less if its longest side were above 4096 px; the legend below.
    """
    scale = min(ENLARGED, LONGEST_PX / max(pixels.shape))
    size = max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale))
    large = cv2.resize(
        stretched(pixels), size, interpolation=cv2.INTER_LINEAR if scale >= 1 else cv2.INTER_AREA
    )
    picture = np.asarray(cv2.cvtColor(large, cv2.COLOR_GRAY2RGB), dtype=np.uint8)
    for cells, colour in ((marks.kept, _KEPT), (marks.partly, _PARTLY)):
        for one in cells:
            _rectangle(picture, one.box, scale, colour, 1)
    for cells, colour in ((marks.gained, _GAINED), (marks.lost, _LOST)):
        for one in cells:
            x0, y0 = _rectangle(picture, one.box, scale, colour, 2)
            write_text(picture, one.label, (max(x0, 2), max(y0 - 4, 10)), colour)
    return np.vstack([picture, _legend(picture.shape[1], marks)])


def _rectangle(
    picture: NDArray[np.uint8], box: BoxPx4, scale: float, colour: Colour, thickness: int
) -> tuple[int, int]:
    """Draw a box; return its upper left corner in the picture."""
    x0, y0, x1, y1 = (round(side * scale) for side in box)
    cv2.rectangle(picture, (x0, y0), (max(x1 - 1, x0), max(y1 - 1, y0)), colour, thickness)
    return x0, y0


def _legend(width: int, marks: Marks) -> NDArray[np.uint8]:
    strip = np.full((LEGEND_HEIGHT, width, 3), PAPER, dtype=np.uint8)
    x, y = 10, 16
    for colour, text in (
        (_LOST, f"lost {len(marks.lost)}"),
        (_GAINED, f"gained {len(marks.gained)}"),
        (_PARTLY, f"in part {len(marks.partly)}"),
        (_KEPT, f"kept {len(marks.kept)}"),
    ):
        room = 38 + cv2.getTextSize(text, FONT, FONT_SCALE, 1)[0][0]
        if x + room > width and x > 10:
            x, y = 10, y + 18
        cv2.rectangle(strip, (x, y - 5), (x + 13, y + 5), colour, 2)
        write_text(strip, text, (x + 20, y + 4), INK)
        x += room
    return strip
