"""Evidence in the rows of a scan: a lost beam, the buffer of another scan."""

import numpy as np
from numpy.typing import NDArray

from service.image_checks.order import median_of, quantiles_of, signed

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
_COLUMNS = 512
"""Steps along a row that are enough to know it by; of wider images only every so many."""


def blank_rows(pixels: Pixels) -> int:
    """Return the number of rows at the end with hardly any noise, as without a beam.

    Steps between neighbours tell noise from contrast: beyond the border of a section rows vary little beside
    those across it, but are as noisy.
    """
    if pixels.shape[1] < 2:
        return 0
    every = max(1, pixels.shape[1] // _COLUMNS)
    right = signed(pixels[:, 1::every])
    right -= signed(pixels[:, :-1:every])
    steps = quantiles_of(np.abs(right, out=right), 0.9)
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
    rows = np.ascontiguousarray(pixels).view(np.uint8)
    words = np.pad(rows, ((0, 0), (0, -rows.shape[1] % 8))).view(np.uint64)
    # Odd, so that rows that differ in one word never have the same; whole numbers overflow alike each time.
    weights = np.random.default_rng(words.shape[1]).integers(
        1, 2**63, words.shape[1], dtype=np.uint64
    ) | np.uint64(1)
    marks = np.asarray(words @ weights, np.uint64)
    marks[pixels.min(axis=1) == pixels.max(axis=1)] = 0
    return marks


def repeated_rows(marks: Marks, last: Marks | None) -> int:
    """Return the number of rows that are those of the image before at the same place."""
    if last is None:
        return 0
    rows = min(len(marks), len(last))
    return int(np.count_nonzero((marks[:rows] == last[:rows]) & (marks[:rows] != 0)))
