"""Drift in the course of a scan, by the ground that the image beside it shows, too.

If the specimen stands still while two frames side by side are scanned, the strip that both show is shifted by
the same amount from top to bottom. One image alone tells nothing about a steady drift: a specimen that is
sheared is a specimen. Nor do two that drift alike, or frames above each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

DRIFT_PX = 2.0
"""Way at which an image has drifted. Good frames of development seeds have .9 at most."""
LEAST_PX = 24
"""Narrowest strip that is compared. All numbers here are chosen by hand; `benchmarks frame_checks` shows what
they do."""
LEAST_ROWS = 320
_WINDOW_ROWS = 96
_MOST_PX = 24
"""Largest shift that is looked for, also less than a third of the strip."""
_DETAIL_PX = (1.2, 6.0)
_PROVEN, _UNIQUE = 0.5, 0.75
"""Least correlation of a window, and largest one of another place over it."""
_COVERED = 0.75
"""Part of the windows that must be clear, the first and the last included, before a strip counts as steady:
where the ground has moved too far, none are."""
_LEAST = 4
"""Fewest windows that tell anything."""
_AGREE_PX = 1.0
"""A window counts if one of its neighbours has the same shift to so much; a false match does not."""


@dataclass(frozen=True, slots=True)
class Strips:
    """The same ground in two images, to the error of their positions.

    Attributes
    ----------
    here, beside : (rows, columns) arrays of float32, of one shape
    """

    here: Floats
    beside: Floats


def drift_px(strips: Strips) -> float | None:
    """Return how much the shift of two images differs within their strip, px; None if that is not clear."""
    shifts, clear = _shifts(strips)
    if len(shifts) < _LEAST:
        return None
    agrees = np.hypot(*np.diff(shifts, axis=0).T) <= _AGREE_PX
    counts = np.append(agrees, False) | np.append(False, agrees)
    sure, where = shifts[counts], np.flatnonzero(clear)[counts]
    way_px = float(np.hypot(*np.ptp(sure, axis=0))) if len(sure) else 0.0
    if way_px >= DRIFT_PX:
        return way_px
    # The ground may have jumped before an end that is not clear.
    whole = len(sure) >= _COVERED * len(clear) and where[0] == 0 and where[-1] == len(clear) - 1
    return way_px if whole else None


def _shifts(strips: Strips) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the shifts of the clear windows, from the top, x and y, px, and which of all are clear."""
    here, beside = (
        cv2.GaussianBlur(one, (0, 0), _DETAIL_PX[0]) - cv2.GaussianBlur(one, (0, 0), _DETAIL_PX[1])
        for one in (strips.here, strips.beside)
    )
    rows, columns = here.shape
    most_x, most_y = min(_MOST_PX, columns // 3), _MOST_PX
    found = []
    for row in range(most_y, rows - most_y - _WINDOW_ROWS + 1, _WINDOW_ROWS // 2):
        window = here[row : row + _WINDOW_ROWS, most_x : columns - most_x]
        found.append(_place(window, beside[row - most_y : row + _WINDOW_ROWS + most_y]))
    shifts = [(place[0] - most_x, place[1] - most_y) for place in found if place is not None]
    clear = np.array([place is not None for place in found], bool)
    return np.array(shifts, np.float64).reshape(-1, 2), clear


def _place(window: Floats, area: Floats) -> tuple[float, float] | None:
    """Return column and row of a window in an area, to a part of a pixel; None if it is not clear."""
    score = cv2.matchTemplate(area, window, cv2.TM_CCOEFF_NORMED)
    row, column = (int(one) for one in np.unravel_index(int(np.argmax(score)), score.shape))
    best = float(score[row, column])
    if not (0 < row < score.shape[0] - 1 and 0 < column < score.shape[1] - 1) or not best >= _PROVEN:
        return None
    along_x = score[row, column - 1 : column + 2].tolist()
    along_y = score[row - 1 : row + 2, column].tolist()
    found = column + _peak(along_x), row + _peak(along_y)
    score[max(0, row - 4) : row + 5, max(0, column - 4) : column + 5] = -1
    return found if float(score.max()) <= _UNIQUE * best else None


def _peak(three: Sequence[float]) -> float:
    """Return the place of the top of a parabola through three values, from the middle one."""
    before, top, after = three
    bend = before - 2 * top + after
    return 0.5 * (before - after) / bend if bend < 0 else 0.0
