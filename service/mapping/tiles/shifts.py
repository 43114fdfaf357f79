"""True distances of neighbouring tiles, by what both show.

Electron images are compared elsewhere (`service.stitching.placing.shifts`), where a distance must be proven
by fine details. Optical tiles show few: of 34 overlaps of simulated ones that proves none, while all are
measured here, .6 um off in the median, less than a pixel.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.ndimage import shift as shifted
from skimage.registration import phase_cross_correlation

from drivers.pose import Pose, to_pixels, to_stage
from service.stitching.placing.positions import Shift

Floats = NDArray[np.float32]

_LEAST_PX = 8
"""Narrowest overlap that is compared. Chosen by hand."""
_SMOOTH_PX, _SLOPE_PX = 1.5, 5.0
"""Detail that is compared: finer is noise, coarser is the light. The best of five on simulated tiles."""
_LEAST_LIKENESS = 0.3
"""Correlation of two overlaps that show the same. Chosen by hand."""


def shift_between(
    numbers: tuple[int, int], pixels: Sequence[Floats], poses: Sequence[Pose], furthest_m: float
) -> Shift | None:
    """Return the distance of two overlapping tiles; None where the overlap does not show it.

    Parameters
    ----------
    numbers : (int, int)
        Indices of the tiles, for the result.
    pixels : two (rows, columns) arrays of float32
    poses : two Pose
        By the read-back of the stage; scale and rotation are alike.
    furthest_m : float
        Largest error of their distance that the stage can make, m.
    """
    shape = pixels[0].shape[0], pixels[0].shape[1]
    center = np.array([poses[1].center_m])
    dx, dy = np.rint(to_pixels(poses[0], shape, center)[0] - (shape[1] / 2, shape[0] / 2)).astype(int)
    one, other = _common(pixels[0], dx, dy), _common(pixels[1], -dx, -dy)
    if min(one.shape) < _LEAST_PX:
        return None
    one, other = _detail(one), _detail(other)
    if not (one.std() > 0 and other.std() > 0):
        return None
    found, *_ = phase_cross_correlation(  # type: ignore[no-untyped-call]
        one, other, upsample_factor=10, normalization=None
    )
    likeness = _likeness(one, other, found)
    here = np.array([[shape[1] / 2 + dx + found[1], shape[0] / 2 + dy + found[0]]])
    off = to_stage(poses[0], shape, here)[0] - poses[0].center_m
    error = float(np.hypot(*(off - (center[0] - poses[0].center_m))))
    if likeness < _LEAST_LIKENESS or error > furthest_m:
        return None
    return Shift(numbers[0], numbers[1], (float(off[0]), float(off[1])), likeness)


def _common(pixels: Floats, dx: int, dy: int) -> Floats:
    """Return the part of a tile that another, dx and dy px further, shows as well."""
    rows, columns = pixels.shape
    return pixels[max(0, dy) : rows + min(0, dy), max(0, dx) : columns + min(0, dx)]


def _detail(pixels: Floats) -> Floats:
    return np.asarray(gaussian_filter(pixels, _SMOOTH_PX) - gaussian_filter(pixels, _SLOPE_PX))


def _likeness(one: Floats, other: Floats, found: NDArray[np.float64]) -> float:
    moved = shifted(other, found, order=1, mode="constant", cval=np.nan)
    both = np.isfinite(moved)
    if both.sum() < _LEAST_PX**2:
        return 0.0
    return float(np.corrcoef(one[both], moved[both])[0, 1])
