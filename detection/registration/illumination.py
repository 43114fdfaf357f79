"""One even background for the fields of a section, so that the seams of their mosaic are no edges.

The light path makes every frame brighter in the middle. Side by side, a dark edge meets a brighter field, and
a detector takes the step for the edge of a cell.
"""

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from detection.registration.section_frame import SectionFrame
from detection.registration.settings import SETTINGS

_SETTINGS = SETTINGS.illumination

Pixels = NDArray[np.uint8] | NDArray[np.uint16]


def even_background(fields: Sequence[SectionFrame]) -> list[SectionFrame]:
    """Give several fields one even background; noise and cells stay as they are.

    Parameters
    ----------
    fields : sequence of SectionFrame
        Of one section.

    Returns
    -------
    list of SectionFrame
        A single field is returned as it is. Pixels clipped at either end stay clipped.
    """
    if len(fields) < 2:
        return list(fields)
    values = [np.asarray(field.pixels, dtype=np.float32) for field in fields]
    backgrounds = [illumination(one, field.pixel_size_um) for one, field in zip(values, fields, strict=True)]
    level = np.float32(np.median([np.median(background) for background in backgrounds]))
    return [
        replace(field, pixels=_rounded(one - background + level, field.pixels))
        for field, one, background in zip(fields, values, backgrounds, strict=True)
    ]


def illumination(values: NDArray[np.float32], pixel_size_um: float) -> NDArray[np.float32]:
    """Fit the background of a frame: a polynomial of position, through the background between the cells.

    Blocks far above the fit are cells and are excluded from the next one. Unlike a filter, the fit is valid
    up to the edges of the frame, where the seams are.

    Parameters
    ----------
    values : (rows, columns) array of float32
    pixel_size_um : float

    Returns
    -------
    (rows, columns) array of float32
    """
    rows, columns = values.shape
    block_px = max(round(_SETTINGS.block_um / pixel_size_um), 1)
    small = (max(columns // block_px, 4), max(rows // block_px, 4))
    blocks = np.asarray(cv2.resize(values, small, interpolation=cv2.INTER_AREA))
    terms = _terms((blocks.shape[0], blocks.shape[1]))
    levels = blocks.ravel().astype(np.float64)
    is_background = levels <= np.quantile(levels, _SETTINGS.first_share)
    fit = np.full_like(levels, np.median(levels))
    for _ in range(_SETTINGS.rounds):
        if is_background.sum() < _SETTINGS.fewest_blocks:
            break
        factors, *_ = np.linalg.lstsq(terms[is_background], levels[is_background], rcond=None)
        fit = terms @ factors
        off = levels - fit
        spread = 1.4826 * float(np.median(np.abs(off[is_background] - np.median(off[is_background]))))
        # Cells are bright; dark blocks are rather corners that the fit has not reached.
        is_background = off < _SETTINGS.outlier_sd * max(spread, _SETTINGS.least_spread_adu)
    surface = fit.reshape(blocks.shape).astype(np.float32)
    return np.asarray(cv2.resize(surface, (columns, rows), interpolation=cv2.INTER_LINEAR))


def _terms(shape: tuple[int, int]) -> NDArray[np.float64]:
    """Powers of row and column, -1..1, up to the degree; (blocks, terms)."""
    (rows, columns), degree = shape, _SETTINGS.degree
    y = np.linspace(-1 + 1 / rows, 1 - 1 / rows, rows)
    x = np.linspace(-1 + 1 / columns, 1 - 1 / columns, columns)
    return np.stack(
        [np.outer(y**i, x**j).ravel() for i in range(degree + 1) for j in range(degree + 1 - i)], axis=1
    )


def _rounded(values: NDArray[np.float32], before: Pixels) -> Pixels:
    """Round to whole grey levels of the same type."""
    highest = np.iinfo(before.dtype).max
    values = np.clip(np.rint(values), 0, highest)
    values[before == 0] = 0
    values[before == highest] = highest
    return values.astype(np.uint8) if before.dtype == np.uint8 else values.astype(np.uint16)
