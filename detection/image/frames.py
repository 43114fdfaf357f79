"""Checked pixels of a frame, with warnings about them."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detection.errors import DetectionError
from detection.image.borders import fill_border, zero_border

SMALLEST_SIDE_PX = 16
"""Smallest side of a frame: two pixels in each of the 8 tiles of CLAHE. Chosen by hand."""
PIXEL_SIZES_UM = (0.01, 5.0)
"""Other sizes must be a mistake: far below the resolution of light, or half a small cell."""
SATURATED_SHARE = 1e-3
"""Share of saturated pixels that is worth a warning. Chosen by hand; not measured."""
CLIPPED_SHARE = 0.02
"""Share of pixels of 0 from which a frame was processed before. Raw frames have none, as they stand on the
offset of the camera (31 of development seeds); the three published, equalised frames have 20 to 22 %."""
FULL_SCALES = frozenset(2**bits - 1 for bits in range(8, 17))
"""Highest values of converters of 8 to 16 bits."""
LEAST_PILE = 32
"""Height of a pile above the median, grey levels: with few levels many pixels share the highest anyway.
Chosen by hand; not measured."""
PILE_RANGE = 0.05
"""Range below a pile, as a share of its height above the median, that it must outnumber. Chosen by hand; not
measured."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Frame ready for detection.

    Attributes
    ----------
    values : (rows, columns) array of float32
        Grey levels above the camera offset, if that is known; a border of zeros is filled with the mirrored
        picture.
    pixel_size_um : float
        At the specimen, um.
    constant : bool
        True if all pixels are the same.
    processed : bool
        True if the background was subtracted or the contrast changed before: grey levels are not linear.
    warnings : tuple of str
    border : (rows, columns) array of bool or None
        True in the border of zeros of the file; None if it had none.
    background : (block rows, block columns) array of float32 or None
        Background on blocks over the whole frame, grey levels as `values`, if it is known from other frames;
        None to estimate it from this one.
    """

    values: NDArray[np.float32]
    pixel_size_um: float
    constant: bool
    processed: bool
    warnings: tuple[str, ...]
    border: NDArray[np.bool_] | None = None
    background: NDArray[np.float32] | None = None


def check_frame(pixels: NDArray[np.generic], pixel_size_um: float, offset_adu: float | None = None) -> Frame:
    """Check a frame and describe it.

    Parameters
    ----------
    pixels : (rows, columns) array of uint8 or uint16
        At least 16 on a side.
    pixel_size_um : float
        At the specimen, 0.01..5 um.
    offset_adu : float, optional
        Grey level of no light, subtracted if it is known.

    Raises
    ------
    DetectionError
        Raised when the array is not such a frame, or a number is out of range.
    """
    pixels = np.asarray(pixels)
    # Big-endian files are common.
    pixels = pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
    if pixels.dtype not in (np.uint8, np.uint16):
        raise DetectionError(f"the frame has pixels of type {pixels.dtype}; uint8 or uint16 is needed")
    if pixels.ndim != 2:
        raise DetectionError(f"the frame has {pixels.ndim} dimensions; 2 (rows and columns) are needed")
    if min(pixels.shape) < SMALLEST_SIDE_PX:
        rows, columns = pixels.shape
        raise DetectionError(f"the frame has {columns} x {rows} pixels; at least 16 x 16 are needed")
    if not PIXEL_SIZES_UM[0] <= pixel_size_um <= PIXEL_SIZES_UM[1]:
        low, high = PIXEL_SIZES_UM
        raise DetectionError(f"the pixel size is {pixel_size_um} um; it must be from {low:g} to {high:g} um")
    if offset_adu is not None and not math.isfinite(offset_adu):
        raise DetectionError(f"the camera offset is {offset_adu}; it must be a finite number of grey levels")
    values = pixels.astype(np.float32) - np.float32(offset_adu or 0)
    if pixels.min() == pixels.max():
        warning = f"all pixels have the value {int(pixels.flat[0])}: no light, a shutter, or total saturation"
        return Frame(values, pixel_size_um, constant=True, processed=False, warnings=(warning,))
    warnings = []
    saturated = _saturated_share(pixels)
    if saturated >= SATURATED_SHARE:
        warnings.append(
            f"{saturated:.1%} of the pixels are saturated at {int(pixels.max())}:"
            " expose shorter or with less gain"
        )
    border = zero_border(pixels)
    if border is not None:
        warnings.append(f"{border.mean():.1%} of the frame is a border of zeros: nothing is looked for there")
        values = fill_border(values, border)
        if values.min() == values.max():
            return Frame(values, pixel_size_um, True, False, tuple(warnings), border)
    seen = pixels if border is None else pixels[~border]
    clipped = float(np.count_nonzero(seen == 0) / seen.size)
    processed = clipped >= CLIPPED_SHARE
    if processed:
        warnings.append(
            f"{clipped:.0%} of the pixels are 0, so the background was subtracted or the contrast changed"
            " before; raw, linear frames are detected better"
        )
    return Frame(values, pixel_size_um, False, processed, tuple(warnings), border)


def _saturated_share(pixels: NDArray[np.generic]) -> float:
    """Return the share of pixels at the highest value if that is full scale of a converter or a pile, else 0.

    Full scale is that of 8 to 16 bits. A pile, at any value well above the median, holds more pixels than the
    range below it: a camera whose converter ends elsewhere, or an image that was clipped later.
    """
    highest = int(pixels.max())
    share = float(np.count_nonzero(pixels == highest) / pixels.size)
    if highest in FULL_SCALES or share < SATURATED_SHARE:
        return share if highest in FULL_SCALES else 0.0
    height = highest - int(np.partition(pixels, pixels.size // 2, axis=None)[pixels.size // 2])
    near = np.greater_equal(pixels, highest - max(PILE_RANGE * height, 1))
    below = np.count_nonzero(near) / pixels.size - share
    return share if height >= LEAST_PILE and share > below else 0.0
