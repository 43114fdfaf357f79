"""Charging of the specimen: a step of grey between two rows that most columns show alike."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from service.image_checks.bands import fewer_columns
from service.image_checks.order import of_sorted

Floats = NDArray[np.float32]
Rows = NDArray[np.intp]

_COLUMNS = 320
"""Columns that are enough: of a wider image means of some side by side are taken. Chosen by hand."""
_SEGMENTS = 8
"""Parts of a row of which most must show a step: edges of the specimen cross some. Chosen by hand."""
_AGREE = 0.75
_SPREAD = 0.15
"""Step beside the largest, over it, that still counts as sudden. An edge along the rows, blurred by a probe
of .6 px, has .32 at least. Chosen by hand; two standard deviations are added for noise."""
_CLIPPED_AT = 2.0
"""Distance from the median at which steps of single pixels are clipped, in standard deviations of noise."""
_MOST_EDGES = 10
"""Edges along the rows that are left out; an image hardly has more."""
LEAST_STEP = 0.05
"""Step of grey between rows, over the range of grey levels: smaller ones hardly show. Chosen by hand."""
_TOGETHER = (2, 4, 8)
"""Rows of which means are compared where noise hides a step between two rows: the fewest with which it does
not, else the most."""
_SLOW = 8
"""Rows, over those together, around a step that it is compared with: what changes slowly is no step."""
_NOISY = -0.2
"""Correlation of steps with the next ones at which means of more rows help: that of rows that each have an
error of their own is -.5, that of a specimen with detail above 0."""
_UNLIKE = 2.0
"""Difference between columns in the step of an edge, beside that of rows around; a charge takes all alike.
Of development seeds, 146 of 164 edges have more, and 76 of 1,503 steps of charging."""
_USUAL_ROWS = 49
_AT_ONCE = 16
"""Steps that are looked at together in parts of their rows."""
_USUAL_STEPS, _USUAL_MEANS = 6.5, 7.5
"""Step of a charging specimen in standard deviations of the step between rows, and between means of rows.
Of 3,648 good frames of development seeds none has more than .83 of that."""


@dataclass(frozen=True, slots=True)
class Step:
    """Largest step of grey between two rows that most columns show, and what noise may give.

    Attributes
    ----------
    size, limit : float
        Over the range of grey levels of the image, averaged over as many rows and columns.
    """

    size: float
    limit: float


def charging_step(image: Floats, noise: float) -> Step:
    """Return the step of an image that is most clearly one of charging.

    Where noise hides a step between two rows, the means of several rows above and below are compared, too.

    Parameters
    ----------
    image : (rows, columns) array of float32
    noise : float
        Standard deviation of a pixel, grey levels.
    """
    beside = max(1, image.shape[1] // _COLUMNS)
    narrow = fewer_columns(image, beside)
    noise /= math.sqrt(beside)
    if len(image) < 4:
        return Step(0.0, 1.0)
    steps = _Steps.of(narrow, noise, 1)
    found = _largest(steps)
    hidden = found.limit / LEAST_STEP
    if hidden <= 1 or not steps.noisy:
        return found
    together = next((rows for rows in _TOGETHER if rows >= hidden**2), _TOGETHER[-1])
    if len(image) < 4 * together:
        return found
    return max(found, _largest(_Steps.of(narrow, noise, together)), key=lambda step: step.size / step.limit)


@dataclass(frozen=True, slots=True)
class _Steps:
    """Steps of grey between rows of an image, or between means of several rows.

    Attributes
    ----------
    image : (rows, columns) array of float32
    together : int
        Rows of which means are compared.
    each : (rows, columns) array of float32
        Steps of the columns; the first are those below as many rows.
    most : float
        Distance from the median at which they are clipped.
    sizes : array of float32
        Of the whole rows.
    usual : float
        Standard deviation of the step between rows.
    span : float
        Range of grey levels.
    """

    image: Floats
    together: int
    each: Floats
    most: float
    sizes: Floats
    usual: float
    span: float

    @classmethod
    def of(cls, image: Floats, noise: float, together: int) -> "_Steps":
        """Measure the steps of an image with some noise of a pixel."""
        rows, columns = image.shape
        means = image
        if together > 1:
            mean = cv2.blur(image, (1, together), anchor=(0, 0))
            means = np.asarray(mean[: rows - together + 1], np.float32)
        steps = means[together:] - means[:-together]
        # A median of a difference of two pixels, with the standard deviation that noise gives it.
        by_noise = math.sqrt(math.pi / 2) * math.sqrt(2 / together) * noise / math.sqrt(columns)
        most = _CLIPPED_AT * max(1.0, math.sqrt(2 / together) * noise)
        sizes = _middle(steps, most)
        if together > 1:
            sizes = sizes - median_filter(sizes, _SLOW * together + 1)
        usual = max(1.4826 * float(np.median(np.abs(sizes))), by_noise)
        ordered = np.sort(means[::4, ::2], axis=None)
        span = float(of_sorted(ordered, 0.99) - of_sorted(ordered, 0.01))
        return cls(image, together, steps, most, sizes, usual, max(span, 1.0))

    def shown(self, rows: Rows) -> Floats:
        """Return the least size of some steps, towards its sign, in most parts of their rows."""
        steps, columns = self.each[rows], self.each.shape[1]
        segments = max(1, min(_SEGMENTS, columns // 16))
        width = columns // segments
        parts = np.sort(
            _middle(steps[:, : segments * width].reshape(len(steps), segments, width), self.most), axis=1
        )
        fewest = math.floor(segments * (1 - _AGREE))
        # What three quarters of the parts show at least half of.
        return np.asarray(np.maximum(parts[:, fewest], -parts[:, segments - 1 - fewest]), np.float32)

    def between(self, first: int, end: int) -> Floats:
        """Return between which steps half of the columns lie, of the rows from `first` to before `end`."""
        ordered = np.sort(self.each[first:end], axis=1)
        return np.asarray(of_sorted(ordered, 0.75) - of_sorted(ordered, 0.25), np.float32)

    @property
    def noisy(self) -> bool:
        """Return True if steps are followed by steps back, as where each row has an error of its own."""
        near = np.clip(self.sizes, -4 * self.usual, 4 * self.usual)
        return bool((near[1:] * near[:-1]).sum() <= _NOISY * (near * near).sum())


def _largest(steps: _Steps) -> Step:
    sizes, together = np.abs(steps.sizes), steps.together
    # The probe spreads an edge of the specimen over some rows; a charge takes hold between two.
    around = np.pad(steps.sizes, together)
    before, after = around[: -2 * together], around[2 * together :]
    spread = np.maximum(before * np.sign(steps.sizes), after * np.sign(steps.sizes))
    sizes = np.where(spread <= _SPREAD * sizes + 2 * steps.usual, sizes, np.float32(0))
    limit = max(LEAST_STEP * steps.span, (_USUAL_STEPS if together == 1 else _USUAL_MEANS) * steps.usual)
    known = np.zeros(len(sizes), np.bool_)
    row = _largest_shown(sizes, steps, known)
    if together > 1:
        for _ in range(_MOST_EDGES):
            if sizes[row] < limit or not _is_edge(steps, row):
                break
            sizes[max(0, row - together) : row + together + 1] = 0
            row = _largest_shown(sizes, steps, known)
    return Step(float(sizes[row]) / steps.span, limit / steps.span)


def _largest_shown(sizes: Floats, steps: _Steps, known: NDArray[np.bool_]) -> int:
    """Return the row of the largest step that most parts of it show; larger ones become 0, in place.

    Parts take more time than whole rows: only those of the largest steps are looked at. `known` says which
    were.
    """
    while True:
        row = int(np.argmax(sizes))
        if sizes[row] <= 0 or known[row]:
            return row
        rows = np.argsort(sizes)[-_AT_ONCE:]
        sizes[rows[steps.shown(rows) < 0.5 * sizes[rows]]] = 0
        known[rows] = True


def _is_edge(steps: _Steps, row: int) -> bool:
    """Return True if a step is that of an edge along the rows, which the probe spreads over two of them.

    The means of several rows do not show that, but large steps stand out of the noise of single rows, too.
    """
    begin = max(0, row - _USUAL_ROWS // 2)
    around = steps.between(begin, row + _USUAL_ROWS // 2 + 1)
    if around[row - begin] > _UNLIKE * float(np.median(around)):
        return True
    together = steps.together
    row += together
    first = max(0, row - 2 * together)
    grey = of_sorted(np.sort(steps.image[first : row + 2 * together], axis=1), 0.5)
    begins = row - first
    short, error = math.inf, 0.0
    # Noise leaves open between which two rows.
    for after in range(max(2, begins - together), min(len(grey) - 1, begins + together + 1)):
        above, below = float(grey[: after - 1].mean()), float(grey[after + 1 :].mean())
        if above == below:
            return False
        missing = ((grey[after - 1] - above) + (below - grey[after])) / (below - above)
        if missing < short:
            # Of a median of one row, as the usual one is of a difference of means.
            short, error = float(missing), steps.usual * math.sqrt(together) / abs(below - above)
    return short > _SPREAD + error


def _middle(steps: Floats, most: float) -> Floats:
    """Return the mean along the last axis of what lies near the median.

    It is as little moved by edges as the median, and less coarse than the grey levels.
    """
    near = np.sort(steps, axis=-1)
    median = of_sorted(near, 0.5)
    near -= median[..., np.newaxis]
    return np.asarray(median + np.clip(near, -most, most, out=near).mean(axis=-1), np.float32)
