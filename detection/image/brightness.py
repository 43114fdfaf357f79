"""Brightness of cells above the background of their frame."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from detection.background.estimate import average_blocks, enlarged, estimate_background
from detection.image.frames import Frame

Box = tuple[int, int, int, int]

_TAILS = (1.0, 99.0)
"""Percentiles between which pixels count: single hot pixels do not. Chosen by hand."""


def brightness_adu(frame: Frame, boxes: Sequence[Box]) -> tuple[float | None, ...]:
    """Return the mean brightness of cells above the background.

    Of each cell the ellipse inside its box counts, without the one percent of darkest and of brightest
    pixels. Nothing is corrected for the illumination, nor for neighbours inside the box.

    Parameters
    ----------
    frame : Frame
    boxes : sequence of (x0, y0, x1, y1)
        Half-open, px.

    Returns
    -------
    tuple of (float or None)
        Grey levels, of each box; noise makes values below zero possible. None for a box beside the frame.
    """
    if not boxes:
        return ()
    blocks = average_blocks(frame.values, frame.pixel_size_um)
    level = estimate_background(blocks, linear=not frame.processed).level
    above = frame.values - enlarged(level, frame.values.shape)
    return tuple(_mean(above, box) for box in boxes)


def _mean(above: NDArray[np.float32], box: Box) -> float | None:
    x0, y0, x1, y1 = box
    part = above[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)]
    if not part.size:
        return None
    rows, columns = part.shape
    y = (2 * np.arange(rows)[:, None] + 1) / rows - 1
    x = (2 * np.arange(columns)[None, :] + 1) / columns - 1
    inside = part[x * x + y * y <= 1]
    low, high = np.percentile(inside, _TAILS)
    return float(inside[(inside >= low) & (inside <= high)].mean())
