"""Frames made alike for comparing sections: background off, noise smoothed, bright and dim brought nearer."""

import cv2
import numpy as np
from numpy.typing import NDArray

from detection.registration.section_frame import SectionFrame

BLOCK_UM = 1.4
WINDOW_UM = 25.0
LOW_PERCENT = 20
SMOOTHING_UM = 9.0
SHARP_UM = 0.35
BROAD_UM = 6.0
BRIGHT_PERCENTILE = 99.0
MOST_COPIED = 4_000_000
"""Values at a time, 16 MB."""


def smooth_background(values: NDArray[np.float32], pixel_size_um: float) -> NDArray[np.float32]:
    """A smooth surface along the darker parts of a frame: light path, resin, a share of crowded cells.

    Coarse, and the same for frames that show the same: what matters is that it takes away what belongs to
    the camera and not to the section.

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
    means = np.asarray(cv2.resize(values, small, interpolation=cv2.INTER_AREA), dtype=np.float32)
    block_um = block_px * pixel_size_um
    window = min(max(round(WINDOW_UM / block_um) | 1, 3), 2 * min(means.shape) - 1)
    low = _percentile_filter(means, LOW_PERCENT, window)
    smooth = cv2.GaussianBlur(low, (0, 0), SMOOTHING_UM / block_um, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.resize(smooth, (columns, rows), interpolation=cv2.INTER_LINEAR))


def _percentile_filter(values: NDArray[np.float32], percent: int, window: int) -> NDArray[np.float32]:
    """As `scipy.ndimage.percentile_filter` of mode ``nearest``, several times faster; `window` is odd."""
    half = window // 2
    padded = np.asarray(cv2.copyMakeBorder(values, half, half, half, half, cv2.BORDER_REPLICATE))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (window, window))
    rank = window * window * percent // 100
    rows, columns = values.shape
    # A band of rows at a time, since each window is copied.
    band = max(MOST_COPIED // (columns * window * window), 1)
    return np.concatenate(
        [
            np.partition(windows[row : row + band].reshape(-1, columns, window * window), rank)[..., rank]
            for row in range(0, rows, band)
        ]
    )


def comparable(frame: SectionFrame, pixel_size_um: float) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Frame on a coarser grid, free of background, of compressed contrast.

    Parameters
    ----------
    frame : SectionFrame
    pixel_size_um : float
        Of the result, about.

    Returns
    -------
    image : (rows, columns) array of float32
        About 0 on empty ground and 1 in bright cells.
    mask : (rows, columns) array of bool
        Where the frame shows something.
    """
    values = np.asarray(frame.pixels, dtype=np.float32)
    residual = values - smooth_background(values, frame.pixel_size_um)
    return coarser(residual, frame, pixel_size_um)


def coarser(
    residual: NDArray[np.float32], frame: SectionFrame, pixel_size_um: float
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Do the second half of `comparable`, for a background that was taken off before."""
    rows, columns = frame.shape
    # Single pixels of a detector or a cosmic ray would be the brightest things of a dim frame.
    clean = np.asarray(cv2.medianBlur(residual, 3))
    smooth = np.asarray(cv2.GaussianBlur(clean, (0, 0), max(SHARP_UM / frame.pixel_size_um, 0.5)))
    few = max(pixel_size_um / frame.pixel_size_um, 1.0)
    size = (max(round(columns / few), 8), max(round(rows / few), 8))
    small = np.asarray(cv2.resize(smooth, size, interpolation=cv2.INTER_AREA))
    mask = np.ones(small.shape, dtype=np.bool_)
    if frame.mask is not None:
        shown = cv2.resize(frame.mask.astype(np.float32), size, interpolation=cv2.INTER_AREA)
        mask = np.asarray(shown) > 0.99
    bright = float(np.percentile(small[mask], BRIGHT_PERCENTILE)) if mask.any() else 0.0
    image = np.arcsinh(4 * np.clip(small / np.float32(max(bright, 1e-6)), -0.25, 4))
    image = np.asarray(image / np.float32(np.arcsinh(4)), dtype=np.float32)
    image[~mask] = 0
    return image, mask
