"""Grey levels of recorded pixels, where they are read without loss; refused otherwise."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivers.errors import FrameError

Pixels = NDArray[np.uint8] | NDArray[np.uint16]

_RAMP_TOLERANCE = 0.02
"""Largest deviation of a colour table from a straight ramp, share of full scale; rounding differs."""


def grey_levels(values: NDArray[Any], where: str) -> Pixels:
    """Return pixels as uint8 or uint16, with the values that they had.

    Whole numbers from 0 to 65535 of any other type become uint16. Colours are read where all are equal.

    Parameters
    ----------
    values : (rows, columns) or (rows, columns, samples) array
    where : str
        Frame, for errors.

    Raises
    ------
    FrameError
        They are colours, or no whole numbers from 0 to 65535.
    """
    if values.ndim == 3 and values.shape[2] in (3, 4):
        values = _grey_of_colours(values, where)
    if values.ndim != 2:
        raise FrameError(f"{where} has the shape {values.shape}; a frame has two dimensions")
    if values.dtype.kind == "u" and values.dtype.itemsize <= 2:
        return values.astype(values.dtype.newbyteorder("="), copy=False)
    if values.dtype.kind not in "uif":
        raise FrameError(
            f"{where} holds {values.dtype} values; a raw frame has grey levels: save it as 8 or 16 bit"
        )
    return _whole(values, where)


def kind_of(stored: np.dtype[Any]) -> str:
    """Return the type of the pixels, ``uint8`` or ``uint16``, that stored ones become."""
    return "uint8" if stored == np.uint8 else "uint16"


def _whole(values: NDArray[Any], where: str) -> Pixels:
    kind = values.dtype.newbyteorder("=")
    remedy = (
        "save it as 16 bit without scaling (in Fiji: Edit > Options > Conversions, Scale when converting off)"
    )
    # As numbers of Python: 65535 is not among those of 16 bit.
    low, high = values.min().item(), values.max().item()
    if not (np.isfinite(low) and np.isfinite(high)):
        raise FrameError(f"{where} holds {kind} values that are not all numbers; {remedy}")
    if low < 0 or high > np.iinfo(np.uint16).max:
        raise FrameError(
            f"{where} holds {kind} values from {low:g} to {high:g}; a raw frame has 0 to 65535: {remedy}"
        )
    levels = values.astype(np.uint16)
    if values.dtype.kind == "f" and not np.array_equal(levels, values):
        raise FrameError(f"{where} holds {kind} values that are not whole numbers; {remedy}")
    return levels


def _grey_of_colours(values: NDArray[Any], where: str) -> NDArray[Any]:
    first = values[..., 0]
    opaque = values.shape[2] == 3 or (values[..., 3] == values[..., 3].max(initial=0)).all()
    if not (opaque and np.array_equal(first, values[..., 1]) and np.array_equal(first, values[..., 2])):
        raise FrameError(
            f"{where} has {values.shape[2]} samples per pixel (colour); a fluorescence frame has one:"
            " save the channel with the cells as grey levels (in Fiji: Image > Color > Split Channels)"
        )
    return first


def is_ramp(table: NDArray[Any] | None) -> bool:
    """Return True if a colour table, (3, entries), shows every value as a brightness in proportion to it.

    That is so for grey, and for the tables of one colour with which microscopes show fluorescence.
    """
    if table is None or table.ndim != 2 or table.shape[0] != 3 or table.shape[1] < 2:
        return False
    straight = np.linspace(0.0, 1.0, table.shape[1])
    colours = table.astype(np.float64) / 65535
    ends = colours[:, -1:]
    return bool(ends.max() > 0.5 and np.abs(colours - ends * straight).max() <= _RAMP_TOLERANCE)
