"""Sharpness of fluorescence frames, and the height at which a stack is sharpest; without the beam."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from detection.errors import DetectionError

_FINE_PX, _COARSE_PX = 1.0, 2.5
"""Sigmas between which detail counts: finer is noise, coarser hardly changes with focus. Chosen by hand; not
measured."""
_CLEAR = 0.05
"""Share of its height by which a peak must exceed the median of the stack. Chosen by hand; not measured."""


@dataclass(frozen=True, slots=True)
class BestFocus:
    """Height at which a stack is sharpest.

    Attributes
    ----------
    z_m : float
        From the sharpest frame and its neighbours, m.
    certain : bool
        True if there is a clear peak inside the range; otherwise look further, or leave the focus alone.
    reason : str
        Reason if it is not certain; else empty.
    """

    z_m: float
    certain: bool
    reason: str


def sharpness(pixels: NDArray[np.uint8] | NDArray[np.uint16], offset_adu: float) -> float:
    """Return the energy of detail between 1 and 2.5 px, relative to the mean intensity.

    The variance of a difference of Gaussians, divided by the square of the mean signal: bleaching from
    frame to frame does not count as defocus.

    Parameters
    ----------
    pixels : (rows, columns) array
    offset_adu : float
        Grey level of no light.

    Raises
    ------
    DetectionError
        Raised when the array does not have two dimensions.
    """
    if pixels.ndim != 2:
        raise DetectionError(f"sharpness needs one frame of rows and columns, not shape {pixels.shape}")
    signal = pixels.astype(np.float64) - offset_adu
    mean = max(float(signal.mean()), 1.0)
    detail = ndimage.gaussian_filter(signal, _FINE_PX) - ndimage.gaussian_filter(signal, _COARSE_PX)
    return float(detail.var()) / mean**2


def best_focus(z_m: Sequence[float], values: Sequence[float]) -> BestFocus:
    """Find the height of the largest sharpness.

    Parameters
    ----------
    z_m : sequence of float
        At least five different heights, in any order, m.
    values : sequence of float
        Sharpness at each.

    Raises
    ------
    DetectionError
        Raised for fewer than five heights, another number of values, repeated heights, or numbers that are
        not finite.
    """
    z, v = np.asarray(z_m, dtype=np.float64), np.asarray(values, dtype=np.float64)
    if len(z) < 5 or len(z) != len(v) or len(np.unique(z)) < len(z):
        raise DetectionError("a search for the focus needs at least five different heights, a value for each")
    if not (np.isfinite(z).all() and np.isfinite(v).all()):
        raise DetectionError("heights and sharpness must be finite numbers")
    order = np.argsort(z)
    z, v = z[order], v[order]
    top = int(np.argmax(v))
    if top in (0, len(z) - 1):
        return BestFocus(float(z[top]), certain=False, reason="the sharpest frame is at the end of the range")
    near = slice(top - 1, top + 2)
    scale = float(z[top + 1] - z[top - 1])
    best = float(z[top])
    if v[near].min() > 0:
        # The area of a blur grows with the square of the defocus: the inverse of sharpness is a parabola.
        bend, tilt, _ = np.polyfit((z[near] - z[top]) / scale, 1 / v[near], 2)
        best -= scale * float(tilt / (2 * bend)) if bend > 0 else 0.0
    rise = float(v[top] - np.median(v))
    if rise <= _CLEAR * float(v[top]) or not _one_peak(v, top, rise):
        return BestFocus(best, certain=False, reason="no height is clearly sharper than the others")
    return BestFocus(best, certain=True, reason="")


def _one_peak(v: NDArray[np.float64], top: int, rise: float) -> bool:
    """Return True if values rise to the peak and fall after it, apart from steps of a third of its height."""
    up, down = np.diff(v[: top + 1]), np.diff(v[top:])
    return bool((up > -rise / 3).all() and (down < rise / 3).all())
