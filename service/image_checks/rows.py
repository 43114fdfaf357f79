"""Evidence in the rows of a scan: a lost beam, a charging specimen, the buffer of another scan."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from service.image_checks.order import median_of, medians_of, quantiles_of

Pixels = NDArray[np.uint8] | NDArray[np.uint16]
Floats = NDArray[np.float32]
Marks = NDArray[np.uint64]
"""A number for each row, the same only for the same pixels; 0 for a row of one grey level."""

_NOTHING = 0.2
"""Step from pixel to pixel in such a row over that of the noisiest rows. In 221 simulated frames rows with
the beam on have .70 and more, also beyond a section; rows with noise of one grey level .08 at most."""
_CUT = 0.5
"""Share of the last row with signal that has the grey of the rows after it: the border of a section that is
saturated comes in slowly, and the end of a beam does not. Chosen by hand."""
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
_TOGETHER = (1, 2, 4, 8)
"""Rows of which means are compared: the fewest with which noise hides no such step, else the most."""
_USUAL_STEPS = 6.5
"""Step of a charging specimen in standard deviations of the step between rows. Good frames of development
seeds have 5.8 at most, nearly all of them 4.5."""


def blank_rows(pixels: Pixels) -> int:
    """Return the number of rows at the end with hardly any noise, as without a beam.

    Steps between neighbours tell noise from contrast: beyond the border of a section rows vary little beside
    those across it, but are as noisy.
    """
    if pixels.shape[1] < 2:
        return 0
    steps = quantiles_of(np.abs(np.diff(pixels.astype(np.float32), axis=1)), 0.9)
    signal = np.flatnonzero(steps > _NOTHING * np.percentile(steps, 95))
    if not signal.size:
        return 0
    first: int = int(signal[-1]) + 1
    if first < len(pixels):
        after = pixels[first:].astype(np.float32)
        alike = np.abs(pixels[first - 1] - median_of(after)) <= 1 + 3 * float(after.std())
        if np.mean(alike) >= _CUT:
            return 0
    return len(pixels) - first


def marks_of(pixels: Pixels) -> Marks:
    """Return the marks of the rows of an image."""
    weights = np.random.default_rng(pixels.shape[1]).integers(1, 2**63, pixels.shape[1], dtype=np.uint64)
    # Whole numbers overflow in the same way each time.
    marks = np.array([np.dot(row.astype(np.uint64), weights) for row in pixels], np.uint64)
    marks[pixels.min(axis=1) == pixels.max(axis=1)] = 0
    return marks


def repeated_rows(marks: Marks, last: Marks | None) -> int:
    """Return the number of rows that are those of the image before at the same place."""
    if last is None:
        return 0
    rows = min(len(marks), len(last))
    return int(np.count_nonzero((marks[:rows] == last[:rows]) & (marks[:rows] != 0)))


def charging_step(image: Floats, noise: float) -> tuple[float, float]:
    """Return the largest step of grey that most columns show between two rows, and what noise may give.

    Where noise hides a step between two rows, the means of several rows above and below are compared.

    Parameters
    ----------
    image : (rows, columns) array of float32
    noise : float
        Standard deviation of a pixel, grey levels.

    Returns
    -------
    step, limit : float
        Over the range of grey levels of the image, averaged over as many rows and columns.
    """
    rows, columns = image.shape
    segments = max(1, min(_SEGMENTS, columns // 16))
    # A median of a difference of two pixels, with the standard deviation that noise gives it.
    of_one = math.sqrt(math.pi / 2) * math.sqrt(2) * noise / math.sqrt(columns)
    for together in _TOGETHER:
        by_noise = of_one / math.sqrt(together)
        span = _span(image, together)
        if _USUAL_STEPS * by_noise <= LEAST_STEP * span:
            break
    if rows < 4 * together:
        return 0.0, 1.0
    means = image if together == 1 else cv2.blur(image, (1, together), anchor=(0, 0))[: rows - together + 1]
    steps = means[together:] - means[:-together]
    width = columns // segments
    most = _CLIPPED_AT * max(1.0, math.sqrt(2 / together) * noise)
    parts = np.sort(_middle(steps[:, : segments * width].reshape(len(steps), segments, width), most), axis=1)
    whole = _middle(steps, most)
    fewest = math.floor(segments * (1 - _AGREE))
    # What three quarters of the parts show at least half of.
    shown = np.maximum(parts[:, fewest], -parts[:, segments - 1 - fewest])
    usual = max(1.4826 * float(np.median(np.abs(whole))), by_noise)
    # The probe spreads an edge of the specimen over some rows; a charge takes hold between two.
    around = np.pad(whole, together)
    before, after = around[: -2 * together], around[2 * together :]
    spread = np.maximum(before * np.sign(whole), after * np.sign(whole))
    sudden = (shown >= 0.5 * np.abs(whole)) & (spread <= _SPREAD * np.abs(whole) + 2 * usual)
    sizes = np.where(sudden, np.abs(whole), 0.0)
    if together > 1:
        _leave_out_edges(sizes, image, together, by_noise, _USUAL_STEPS * usual)
    return float(np.max(sizes)) / span, _USUAL_STEPS * usual / span


def _leave_out_edges(sizes: Floats, image: Floats, together: int, by_noise: float, limit: float) -> None:
    """Set the steps at edges along the rows to 0, from the largest on, down to a limit."""
    for _ in range(_MOST_EDGES):
        row = int(np.argmax(sizes))
        if sizes[row] < limit or not _is_edge(image, row + together, together, by_noise):
            return
        sizes[max(0, row - together) : row + together + 1] = 0


def _is_edge(image: Floats, row: int, together: int, by_noise: float) -> bool:
    """Return True if a step is that of an edge along the rows, which the probe spreads over two of them.

    The means of several rows do not show that, but large steps stand out of the noise of single rows, too.
    """
    first = max(0, row - 2 * together)
    grey = medians_of(image[first : row + 2 * together])
    begins = row - first
    short, error = math.inf, 0.0
    # Noise leaves open between which two rows.
    for after in range(max(2, begins - together), min(len(grey) - 1, begins + together + 1)):
        above, below = float(grey[: after - 1].mean()), float(grey[after + 1 :].mean())
        if above == below:
            return False
        missing = ((grey[after - 1] - above) + (below - grey[after])) / (below - above)
        if missing < short:
            # Of a median of one row, as `by_noise` is of a difference of means.
            short, error = float(missing), by_noise * math.sqrt(together) / abs(below - above)
    return short > _SPREAD + error


def _middle(steps: Floats, most: float) -> Floats:
    """Return the mean along the last axis of what lies near the median.

    It is as little moved by edges as the median, and less coarse than the grey levels.
    """
    median = medians_of(steps)[..., np.newaxis]
    near = np.clip(steps - median, -most, most).mean(axis=-1, keepdims=True)
    return np.asarray((median + near)[..., 0], np.float32)


def _span(image: Floats, together: int) -> float:
    """Return the range of grey levels of an image, averaged over some rows and columns."""
    smooth = image if together == 1 else cv2.blur(image, (together, together))
    low, high = np.percentile(smooth[::4, ::4], (1, 99))
    return max(float(high - low), 1.0)
