"""One even background under the fields of a section, so that seams of their mosaic are no edges.

The light path makes every frame bright in the middle. Laid beside each other, frames meet dark edge to bright
middle, and a detector takes the step for the edge of a cell.
"""

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from detection.registration.section_frame import SectionFrame

BLOCK_UM = 1.4
DEGREE = 4
ROUNDS = 8
FIRST_SHARE = 0.5
"""Of the blocks, the darkest: those that the first round takes for ground."""
OUTLIER = 2.5
LEAST_SPREAD_ADU = 0.3
FEWEST_BLOCKS = 60

Pixels = NDArray[np.uint8] | NDArray[np.uint16]


def evened(fields: Sequence[SectionFrame]) -> list[SectionFrame]:
    """Put one even background under several fields; noise and cells stay as they are.

    Parameters
    ----------
    fields : sequence of SectionFrame
        Of one section.

    Returns
    -------
    list of SectionFrame
        One field alone is left as it is. Pixels that were clipped, dark or bright, stay so.
    """
    if len(fields) < 2:
        return list(fields)
    values = [np.asarray(field.pixels, dtype=np.float32) for field in fields]
    grounds = [illumination(one, field.pixel_size_um) for one, field in zip(values, fields, strict=True)]
    level = np.float32(np.median([np.median(ground) for ground in grounds]))
    return [
        replace(field, pixels=_rounded(one - ground + level, field.pixels))
        for field, one, ground in zip(fields, values, grounds, strict=True)
    ]


def illumination(values: NDArray[np.float32], pixel_size_um: float) -> NDArray[np.float32]:
    """Fit the background of a frame: a polynomial of place, through the ground between the cells.

    Blocks of the frame that lie far above the fit are cells, and are left out of the next one. Unlike a
    filter it goes on to the very edges of the frame, where the seams are.

    Parameters
    ----------
    values : (rows, columns) array of float32
    pixel_size_um : float

    Returns
    -------
    (rows, columns) array of float32
    """
    rows, columns = values.shape
    block_px = max(round(BLOCK_UM / pixel_size_um), 1)
    small = (max(columns // block_px, 4), max(rows // block_px, 4))
    blocks = np.asarray(cv2.resize(values, small, interpolation=cv2.INTER_AREA))
    terms = _terms((blocks.shape[0], blocks.shape[1]))
    levels = blocks.ravel().astype(np.float64)
    ground = levels <= np.quantile(levels, FIRST_SHARE)
    fit = np.full_like(levels, np.median(levels))
    for _ in range(ROUNDS):
        if ground.sum() < FEWEST_BLOCKS:
            break
        factors, *_ = np.linalg.lstsq(terms[ground], levels[ground], rcond=None)
        fit = terms @ factors
        off = levels - fit
        spread = 1.4826 * float(np.median(np.abs(off[ground] - np.median(off[ground]))))
        # Cells are bright; what is dark is rather a corner that the fit has not reached.
        ground = off < OUTLIER * max(spread, LEAST_SPREAD_ADU)
    surface = fit.reshape(blocks.shape).astype(np.float32)
    return np.asarray(cv2.resize(surface, (columns, rows), interpolation=cv2.INTER_LINEAR))


def _terms(shape: tuple[int, int]) -> NDArray[np.float64]:
    """Powers of row and column, -1..1, up to the degree; (blocks, terms)."""
    rows, columns = shape
    y = np.linspace(-1 + 1 / rows, 1 - 1 / rows, rows)
    x = np.linspace(-1 + 1 / columns, 1 - 1 / columns, columns)
    return np.stack(
        [np.outer(y**i, x**j).ravel() for i in range(DEGREE + 1) for j in range(DEGREE + 1 - i)], axis=1
    )


def _rounded(values: NDArray[np.float32], before: Pixels) -> Pixels:
    """Whole grey levels of the same type."""
    highest = np.iinfo(before.dtype).max
    values = np.clip(np.rint(values), 0, highest)
    values[before == 0] = 0
    values[before == highest] = highest
    return values.astype(np.uint8) if before.dtype == np.uint8 else values.astype(np.uint16)
