"""Jump of the specimen in the course of a scan, by ground that one image shows twice.

A jump against the direction of the rows makes the rows after it show once more what the rows before it show.
That proves it in one image alone. One that skips ground, or goes along the rows, leaves no such proof: edges
of the specimen end between two rows, too. It takes the image beside it (`service.image_checks.seams`).
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from service.image_checks.bands import Band, fewer_columns

Floats = NDArray[np.float32]

LEAST_TWICE = 8
"""Fewest rows that count as shown twice; fewer are not looked for. All numbers here are chosen by hand, by
images of development seeds."""
_MOST_PX = 32
"""Longest way that is looked for, along rows and columns."""
_PLACES = 8
"""Boundaries between rows at which a jump is looked for: where rows agree the least, beside the usual."""
_USUAL_ROWS = 49
_DETAIL = Band(1.2, 5.0)
_TOGETHER = 2
"""Columns of which means are enough to find where rows do not agree."""
_ROUGH = Band(1.2 / _TOGETHER, 5.0 / _TOGETHER)
_BREAK = 0.8
"""Agreement of the rows at a boundary over the usual, above which there is no jump."""
_CLEAR = 0.3
"""Least part of the detail that is not noise."""
_PARTS, _LEAST_PARTS = 8, 4
"""Parts of the columns, and how many must have detail."""
_PROVEN = 0.8
"""Least correlation of all rows shown twice, but for noise, of the median part."""
_UNIQUE = 0.6
"""Largest correlation with other ground over it."""
_HINT, _HINT_ALONE = 0.1, 0.8
"""Least correlation in means of columns, and its largest share with other ground, at which rows are compared
in full. In 249 of 956 frames, of a dry run with jumps made in them and of the kinds of `benchmarks
frame_checks`, a jump is proven: it has .24 and more, and .71 at most."""
_BEFORE = 0.4
"""Largest correlation of the rows before the jump with those as far above: patterns come back there, too."""


@dataclass(frozen=True, slots=True)
class _Match:
    """Place in the rows above that looks like the rows after a boundary.

    Attributes
    ----------
    rows, columns : int
        Its distance upwards, and to the right, px.
    best, other : float
        Its correlation, and the largest one of other places.
    """

    rows: int
    columns: int
    best: float
    other: float


def rows_twice(image: Floats, noise: float) -> int:
    """Return the number of rows that show ground which rows above them show; 0 where that is not proven.

    Parameters
    ----------
    image : (rows, columns) array of float32
    noise : float
        Standard deviation of a pixel, grey levels.
    """
    height, width = image.shape
    if height < 4 * _MOST_PX or width < 6 * _MOST_PX:
        return 0
    rough = _ROUGH.of(fewer_columns(image, _TOGETHER))
    power = _DETAIL.noise_gain * noise**2
    places = (row for row in _places(rough) if _is_hinted(rough, row))
    return max((_twice(image, power, row) for row in places), default=0)


def _places(detail: Floats) -> list[int]:
    """Return the first rows after the boundaries at which a jump is most likely."""
    pairs = detail[:-1] + detail[1:]
    energy = np.einsum("ij,ij->i", pairs, pairs)
    both = np.einsum("ij,ij->i", pairs[:-2], pairs[2:])
    agree = both / np.maximum(np.sqrt(energy[:-2] * energy[2:]), 1e-6)
    usual = median_filter(agree, _USUAL_ROWS)
    dip = np.where(agree <= _BREAK * usual, usual - agree, 0)
    rows = np.arange(len(dip)) + 2
    dip[(rows < _MOST_PX + LEAST_TWICE) | (rows > len(detail) - _MOST_PX - LEAST_TWICE)] = 0
    found = []
    for _ in range(_PLACES):
        deepest = int(np.argmax(dip))
        if dip[deepest] <= 0:
            break
        found.append(deepest + 2)
        # The same dip once.
        dip[max(0, deepest - 2) : deepest + 3] = 0
    return found


def _twice(image: Floats, power: float, row: int) -> int:
    """Return the number of rows from here on that show the ground of rows above; 0 if not proven."""
    match = _matched(_DETAIL.of(image[row - _MOST_PX : row + LEAST_TWICE]), 1)
    if match.rows < LEAST_TWICE or match.other > _UNIQUE * match.best:
        return 0
    # The rows shown twice, as many above them, and as many before those.
    first = max(0, row - 2 * match.rows)
    detail = _DETAIL.of(image[first : row + match.rows])
    all_rows = _agree(detail, power, row - first, match)
    before = _agree(detail, power, match.rows, match) if row >= 2 * match.rows else 0.0
    return match.rows if all_rows >= _PROVEN and before <= _BEFORE else 0


def _is_hinted(rough: Floats, row: int) -> bool:
    """Return True if the rows from here on may be those above them: most are not, in half of the time."""
    match = _matched(rough[row - _MOST_PX : row + LEAST_TWICE], _TOGETHER)
    return match.best >= _HINT and match.other <= _HINT_ALONE * match.best


def _matched(detail: Floats, together: int) -> _Match:
    """Return where the last rows are found among those above them, in means of so many columns."""
    most, near = _MOST_PX // together, 6 // together
    score = cv2.matchTemplate(detail[:_MOST_PX], detail[_MOST_PX:, most:-most], cv2.TM_CCOEFF_NORMED)
    up, left = (int(one) for one in np.unravel_index(int(np.argmax(score)), score.shape))
    best = float(score[up, left])
    score[max(0, up - 3) : up + 4, max(0, left - near) : left + near + 1] = -1
    return _Match(_MOST_PX - up, (left - most) * together, best, float(score.max()))


def _agree(detail: Floats, power: float, row: int, match: _Match) -> float:
    """Return the correlation of as many rows as are shown twice with those as far above, but for noise.

    It is that of the median part of the columns, among those with detail, 1 for the same ground; 0 where too
    few have any: an edge that runs aslant looks like itself further up.
    """
    columns = detail.shape[1]
    first = _MOST_PX + match.columns
    here = detail[row : row + match.rows, _MOST_PX : columns - _MOST_PX]
    above = detail[row - match.rows : row, first : first + here.shape[1]]
    here_power, above_power, both = (
        np.array([float(part.mean()) for part in np.array_split(product, _PARTS, axis=1)])
        for product in (here * here, above * above, here * above)
    )
    least = power / (1 - _CLEAR)
    clear = (here_power > least) & (above_power > least)
    if np.count_nonzero(clear) < _LEAST_PARTS:
        return 0.0
    without_noise = np.sqrt((here_power[clear] - power) * (above_power[clear] - power))
    return float(np.median(both[clear] / np.maximum(without_noise, 1e-9)))
