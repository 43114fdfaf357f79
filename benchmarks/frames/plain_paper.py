"""The peer of the cost figures: the paper's chain as one writes it down with scikit-image.

Every step is a library call with its defaults where the paper gives no number; nothing is tuned for speed,
and nothing for the quirks of the authors' program.
"""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import convolve, distance_transform_edt
from skimage.exposure import equalize_adapthist, rescale_intensity
from skimage.filters import sobel
from skimage.measure import label, regionprops
from skimage.restoration import rolling_ball
from skimage.segmentation import watershed

from detection.image.boxes import BoxPx
from detection.paper.merging import merge_boxes

BALL_RADIUS_PX = 50
SIGMA_PX = 7.0
QUANTILE = 0.92
MERGE_SHARE = 0.33
SMALLEST_PX, LARGEST_PX = 30.0, 90.0


def find_boxes(pixels: NDArray[np.generic]) -> list[BoxPx]:
    """Find cells by the steps of Delpiano et al., J. Microsc. 271 (2018) 109.

    Parameters
    ----------
    pixels : (rows, columns) array of uint8 or uint16

    Returns
    -------
    list of BoxPx
    """
    image = np.asarray(pixels, dtype=np.float64)
    flat = image - rolling_ball(image, radius=BALL_RADIUS_PX)
    even = equalize_adapthist(_unit(flat))
    feature = _unit(-convolve(even, _log_kernel(SIGMA_PX), mode="nearest"))
    cells = feature > np.quantile(feature, QUANTILE)
    apart = distance_transform_edt(~cells)
    lines = watershed(apart, label(cells), watershed_line=True) == 0  # type: ignore[no-untyped-call]
    markers = label(cells | lines)  # type: ignore[no-untyped-call]
    gradient = sobel(equalize_adapthist(feature))  # type: ignore[no-untyped-call]
    regions = watershed(gradient, markers, watershed_line=True)  # type: ignore[no-untyped-call]
    found = [
        (BoxPx(box[1], box[0], box[3], box[2]), area)
        for box, area in ((region.bbox, region.area) for region in regionprops(regions))  # type: ignore[no-untyped-call]
        if area <= math.pi / 4 * LARGEST_PX**2
    ]
    return [
        left.box
        for left in merge_boxes([box for box, _ in found], MERGE_SHARE)
        if left.merged or found[left.index][1] >= math.pi / 4 * SMALLEST_PX**2
    ]


def _unit(image: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(rescale_intensity(image, out_range=(0.0, 1.0)))  # type: ignore[no-untyped-call]


def _log_kernel(sigma_px: float) -> NDArray[np.float64]:
    """Laplacian of Gaussian, 6 sigma on a side, of zero sum."""
    x = np.arange(round(6 * sigma_px)) - (round(6 * sigma_px) - 1) / 2
    squared = x[:, None] ** 2 + x**2
    gauss = np.exp(-squared / (2 * sigma_px**2))
    kernel = (squared - 2 * sigma_px**2) / sigma_px**4 * gauss / gauss.sum()
    return np.asarray(kernel - kernel.mean())
