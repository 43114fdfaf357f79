"""Frames normalised for registration: without background, smoothed, of compressed contrast."""

import cv2
import numpy as np
from numpy.typing import NDArray

from detection.registration.section_frame import SectionFrame
from detection.registration.settings import SETTINGS

_SETTINGS = SETTINGS.normalisation


def smooth_background(values: NDArray[np.float32], pixel_size_um: float) -> NDArray[np.float32]:
    """Return a smooth surface along the darker parts of a frame: light path, resin, a share of crowded cells.

    It is coarse: it has to remove what belongs to the camera and not to the section.

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
    means = np.asarray(cv2.resize(values, small, interpolation=cv2.INTER_AREA), dtype=np.float32)
    block_um = block_px * pixel_size_um
    window = min(max(round(_SETTINGS.window_um / block_um) | 1, 3), 2 * min(means.shape) - 1)
    low = _percentile_filter(means, _SETTINGS.low_percent, window)
    smooth = cv2.GaussianBlur(low, (0, 0), _SETTINGS.smoothing_um / block_um, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.resize(smooth, (columns, rows), interpolation=cv2.INTER_LINEAR))


def _percentile_filter(values: NDArray[np.float32], percent: int, window: int) -> NDArray[np.float32]:
    """Return `scipy.ndimage.percentile_filter` of mode ``nearest``, several times faster; `window` is odd."""
    half = window // 2
    padded = np.asarray(cv2.copyMakeBorder(values, half, half, half, half, cv2.BORDER_REPLICATE))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (window, window))
    rank = window * window * percent // 100
    rows, columns = values.shape
    # A band of rows at a time: each window is copied.
    band = max(_SETTINGS.most_copied // (columns * window * window), 1)
    return np.concatenate(
        [
            np.partition(windows[row : row + band].reshape(-1, columns, window * window), rank)[..., rank]
            for row in range(0, rows, band)
        ]
    )


def smoothed(residual: NDArray[np.float32], pixel_size_um: float) -> NDArray[np.float32]:
    """Smooth a frame for `normalise_residual`, without hot pixels and cosmic rays."""
    # They would be the brightest spots of a dim frame.
    clean = np.asarray(cv2.medianBlur(residual, 3))
    sigma_px = max(_SETTINGS.sharp_um / pixel_size_um, _SETTINGS.least_sharp_px)
    return np.asarray(cv2.GaussianBlur(clean, (0, 0), sigma_px), dtype=np.float32)


def normalise_residual(
    residual: NDArray[np.float32],
    frame: SectionFrame,
    pixel_size_um: float,
    least_bright: float = 0.0,
    smooth: NDArray[np.float32] | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Smooth a frame, reduce it to a coarser grid and compress its contrast.

    Parameters
    ----------
    residual : (rows, columns) array of float32
        The frame without its background.
    frame : SectionFrame
    pixel_size_um : float
        Approximate pixel size of the result.
    least_bright : float
        Intensity above the background that becomes 1, at least: in a frame without cells, noise does not.
    smooth : (rows, columns) array of float32, optional
        The residual as `smoothed` returns it, where that is known already.

    Returns
    -------
    image : (rows, columns) array of float32
        About 0 on background and 1 in bright cells.
    mask : (rows, columns) array of bool
        True where the frame shows something.
    """
    if smooth is None:
        smooth = smoothed(residual, frame.pixel_size_um)
    small, mask = _reduced(smooth, frame, pixel_size_um)
    bright = max(_bright(small, mask), least_bright, 1e-6)
    relative = np.clip(small / np.float32(bright), *_SETTINGS.range_of_bright)
    compressed = np.arcsinh(_SETTINGS.compression * relative)
    image = np.asarray(compressed / np.float32(np.arcsinh(_SETTINGS.compression)), dtype=np.float32)
    image[~mask] = 0
    return image, mask


def brightness_of(residual: NDArray[np.float32], frame: SectionFrame, pixel_size_um: float) -> float:
    """Return the intensity above the background that `normalise_residual` takes for a bright cell's."""
    return _bright(*_reduced(smoothed(residual, frame.pixel_size_um), frame, pixel_size_um))


def _bright(small: NDArray[np.float32], mask: NDArray[np.bool_]) -> float:
    return float(np.percentile(small[mask], _SETTINGS.bright_percentile)) if mask.any() else 0.0


def _reduced(
    smooth: NDArray[np.float32], frame: SectionFrame, pixel_size_um: float
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return a smoothed frame on a coarser grid, and the pixels that it shows."""
    rows, columns = frame.shape
    few = max(pixel_size_um / frame.pixel_size_um, 1.0)
    size = (max(round(columns / few), 8), max(round(rows / few), 8))
    small = np.asarray(cv2.resize(smooth, size, interpolation=cv2.INTER_AREA))
    mask = np.ones(small.shape, dtype=np.bool_)
    if frame.mask is not None:
        shown = cv2.resize(frame.mask.astype(np.float32), size, interpolation=cv2.INTER_AREA)
        mask = np.asarray(shown) > 0.99
    return np.asarray(small, dtype=np.float32), np.asarray(mask, dtype=np.bool_)
