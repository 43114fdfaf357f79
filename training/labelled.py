"""Frames with truth, from which samples are made."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class LabelledFrame:
    """A frame and its cells.

    Attributes
    ----------
    pixels : (rows, columns) array of uint8 or uint16
    pixel_size_um : float
    offset_adu : float or None
        Grey level of no light, if it is known.
    truth : (rows, columns) array of int32
        1 + number of the cell of each pixel, 0 for none, as fine as the frame or coarser by a whole factor.
    boxes : (cells, 4) array of float32
        x0, y0, x1, y1 of each cell, px of `truth`.
    counted : (cells,) array of bool
        False for cells that may be found or not.
    """

    pixels: NDArray[np.uint8] | NDArray[np.uint16]
    pixel_size_um: float
    offset_adu: float | None
    truth: NDArray[np.int32]
    boxes: NDArray[np.float32]
    counted: NDArray[np.bool_]
