"""Places of images in an export: micrometres, x to the right and y downwards, as image viewers have it.

The stage has y upwards: y of an export is minus y of the stage, and x is the same.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from drivers.pose import FmToSem, Pose, to_stage


@dataclass(frozen=True, slots=True)
class Affine:
    """Map from columns and rows of an image, px, to micrometres of an export.

    The corner of the first pixel is at (0, 0), its centre at (0.5, 0.5).

    Attributes
    ----------
    matrix : ((float, float), (float, float))
        um per pixel: rows x and y, columns for columns and rows of the image.
    offset_um : (float, float)
        Place of the corner of the first pixel.
    """

    matrix: tuple[tuple[float, float], tuple[float, float]]
    offset_um: tuple[float, float]

    def __call__(self, points_px: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the places, (N, 2) um, of points of the image, (N, 2) px."""
        return np.asarray(points_px @ np.array(self.matrix).T + self.offset_um)

    @property
    def is_upright(self) -> bool:
        """True if columns run to the right and rows downwards, without a rotation that moves a corner."""
        (a, b), (c, d) = self.matrix
        return a > 0 and d > 0 and max(abs(b), abs(c)) < _UPRIGHT * min(a, d)


_UPRIGHT = 1e-7
"""Sine below which no corner of a frame of 100,000 pixels moves by a hundredth of a pixel."""


def frame_affine(pose: Pose, size_px: tuple[int, int]) -> Affine:
    """Return where a fluorescence frame of a width and height lies."""
    shape = size_px[1], size_px[0]
    return _through(to_stage(replace(pose, center_m=(0.0, 0.0)), shape, _CORNER_PX), pose.center_m)


def image_affine(
    center_m: tuple[float, float],
    size_px: tuple[int, int],
    pixel_size_m: float,
    fm_to_sem: FmToSem | None = None,
) -> Affine:
    """Return where an electron image lies.

    Parameters
    ----------
    center_m : (float, float)
        Of its ground, as fluorescence sees it.
    size_px : (int, int)
        Width and height.
    pixel_size_m : float
    fm_to_sem : FmToSem, optional
        With it the image is turned, stretched and sheared as the calibration says, else upright.
    """
    off_px = _CORNER_PX - np.array(size_px) / 2
    off_m = off_px * (pixel_size_m, -pixel_size_m)
    if fm_to_sem is not None:
        off_m = fm_to_sem.to_fm(off_m) - fm_to_sem.to_fm(np.zeros((1, 2)))
    return _through(off_m, center_m)


_CORNER_PX = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
"""Corner of the first pixel, and its neighbours along columns and rows."""


def _through(off_m: NDArray[np.float64], center_m: tuple[float, float]) -> Affine:
    """Return the map that takes `_CORNER_PX` to these places off a stage position."""
    origin, right, below = off_m * (1e6, -1e6)
    (a, c), (b, d) = (_clean(right - origin), _clean(below - origin))
    x, y = _clean(origin + np.array(center_m) * (1e6, -1e6))
    return Affine(((a, b), (c, d)), (x, y))


def _clean(numbers: NDArray[np.float64]) -> list[float]:
    """Return numbers in um without the digits of rounding errors, which are smaller than an atom."""
    # Not -0.0.
    return [round(float(one), _DIGITS) + 0.0 for one in numbers]


_DIGITS = 10
"""Decimals of places and pixel sizes, um."""
