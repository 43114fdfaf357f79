"""Checks of an electron image before its job is done."""

import math

import numpy as np
from numpy.typing import NDArray

from drivers.sem import ScanImage

_LEAST_ROWS = 8
"""Fewer rows without signal at the end of an image are let pass; chosen by hand, not measured."""
_NOTHING = 0.2
"""Step from pixel to pixel in such a row over that of the noisiest rows. In 221 simulated frames rows with
the beam on have .70 and more, also beyond a section; rows with noise of one grey level .08 at most."""
_BLANK = 0.99
"""Share of pixels at the smallest or largest grey level of an image that shows nothing. Chosen by hand."""


def other_than_requested(image: ScanImage, size_px: tuple[int, int], pixel_size_m: float) -> str | None:
    """Return in what size, kind or width of its pixels an image contradicts the request; None if in nothing.

    The SEM is then probably not as configured, and the next image would be no better.
    """
    pixels = image.pixels
    if pixels.shape != (size_px[1], size_px[0]):
        return f"the SEM gave an image of shape {pixels.shape}, not {size_px[::-1]}"
    if pixels.dtype not in (np.uint8, np.uint16):
        return f"the SEM gave pixels of {pixels.dtype}, not whole grey levels"
    if not math.isclose(image.pixel_size_m, pixel_size_m, rel_tol=1e-3):
        return f"the SEM gave a pixel size of {image.pixel_size_m:g} m, not {pixel_size_m:g} m"
    return None


def validate_image(
    image: ScanImage,
    size_px: tuple[int, int],
    pixel_size_m: float,
    center_m: tuple[float, float],
    tolerance_m: float,
) -> str | None:
    """Return the reason why an image cannot be the one requested, or shows nothing; None if it may be good.

    Parameters
    ----------
    image : ScanImage
    size_px : (int, int)
        Requested width and height.
    pixel_size_m : float
        As requested.
    center_m : (float, float)
        Expected centre: the position of the stage plus the beam shift, m.
    tolerance_m : float
        Largest distance of the centre from there, m.
    """
    contradiction = other_than_requested(image, size_px, pixel_size_m)
    if contradiction is not None:
        return contradiction
    pixels = image.pixels
    off_m = math.dist(image.center_m, center_m)
    # Not `>`: a centre of NaN is no match.
    if not off_m <= tolerance_m:
        return f"the SEM scanned {off_m * 1e6:.1f} um from the requested place"
    for name, level in (("dark", int(pixels.min())), ("saturated", int(pixels.max()))):
        if np.mean(pixels == level) >= _BLANK:
            return f"its image is {name}: nearly all pixels are {level}"
    rows = _rows_of_nothing(pixels)
    if rows >= _LEAST_ROWS:
        return f"its last {rows} rows show nothing: the beam was blanked or lost in mid-scan"
    return None


def _rows_of_nothing(pixels: NDArray[np.uint8] | NDArray[np.uint16]) -> int:
    """Return the number of rows at the end with hardly any noise, as without a beam.

    Steps between neighbours tell noise from contrast: beyond the border of a section rows vary little beside
    those across it, but are as noisy.
    """
    if pixels.shape[1] < 2:
        return 0
    steps = np.percentile(np.abs(np.diff(pixels.astype(np.float32), axis=1)), 90, axis=1)
    signal = np.flatnonzero(steps > _NOTHING * np.percentile(steps, 95))
    return pixels.shape[0] - (int(signal[-1]) + 1) if signal.size else 0
