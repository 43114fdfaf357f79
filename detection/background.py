"""Background and noise of a frame, from its parts without cells."""

from dataclasses import dataclass

import cv2
import numpy as np
import scipy.ndimage as ndi
from numpy.typing import NDArray

BLOCK_UM = 1.4
WINDOW_UM = 25.0
SMOOTHING_UM = 7.0
START_PERCENT = 25
TREND_DEGREE = 6
TREND_ROUNDS = 6
TREND_UPPER_WEIGHT = 0.1
CLIPS_SD = (8.0, 5.0, 3.5, 3.0, 2.5, 2.5)
QUANTISATION_SD = 12**-0.5
"""Standard deviation of rounding to whole grey levels: noise is never taken to be less."""


@dataclass(frozen=True, slots=True)
class Background:
    """What a frame would be without cells.

    Attributes
    ----------
    level : (rows, columns) array of float32
        Grey levels.
    noise_sd : (rows, columns) array of float32
        Standard deviation of a pixel at that level, grey levels, above 0.
    empty : (rows, columns) array of bool
        Where no cell was suspected, so where the two were measured.
    """

    level: NDArray[np.float32]
    noise_sd: NDArray[np.float32]
    empty: NDArray[np.bool_]


def estimate_background(image: NDArray[np.float32], pixel_size_um: float) -> Background:
    """Estimate the smooth background under the cells of a frame, and the noise upon it.

    Blocks of 1.4 um are averaged. A surface of sixth degree along their lower side takes the bell of the
    illumination away, a low percentile of the surroundings starts the background off; then blocks well above
    it are put aside as cells and the others are smoothed, several times over. Noise is the
    mean size of second differences of pixels in the blocks that are left, which a smooth background does
    not touch.

    Parameters
    ----------
    image : (rows, columns) array of float32
        Grey levels.
    pixel_size_um : float
    """
    block_px = max(round(BLOCK_UM / pixel_size_um), 1)
    block_um = block_px * pixel_size_um
    means = _block_means(image, block_px)
    noise = _block_means(_second_differences(image), block_px)
    trend = _lower_trend(means)
    window = min(max(round(WINDOW_UM / block_um) | 1, 3), 2 * min(means.shape) - 1)
    start = ndi.percentile_filter(means - trend, START_PERCENT, window, mode="nearest")
    level = trend + np.asarray(start, dtype=np.float32)
    scale = _spread(means)
    sigma = SMOOTHING_UM / block_um
    kept = np.ones(means.shape, dtype=np.bool_)
    for clip in CLIPS_SD:
        kept = means < level + clip * scale
        trend = _surface_through(means, kept.astype(np.float64))
        rest = _smooth_where(means - trend, kept, sigma)
        # Smoothing cuts hills; smoothing what it left over puts most of them back.
        rest += _smooth_where(means - trend - rest, kept, sigma)
        level = trend + rest
    noise_sd = np.maximum(_smooth_where(noise, kept, sigma), QUANTISATION_SD)
    return Background(
        _enlarged(level, image.shape),
        np.maximum(_enlarged(noise_sd, image.shape), np.float32(QUANTISATION_SD)),
        _enlarged(kept.astype(np.float32), image.shape) > 0.5,
    )


def lowest_background(image: NDArray[np.float32], pixel_size_um: float) -> Background:
    """Take the darkest parts of the surroundings for the background: for frames crowded with cells.

    It errs on the low side, so that too much stands out rather than too little.

    Parameters
    ----------
    image : (rows, columns) array of float32
        Grey levels.
    pixel_size_um : float
    """
    block_px = max(round(BLOCK_UM / pixel_size_um), 1)
    block_um = block_px * pixel_size_um
    means = _block_means(image, block_px)
    noise = _block_means(_second_differences(image), block_px)
    window = min(max(round(WINDOW_UM / block_um) | 1, 3), 2 * min(means.shape) - 1)
    lowest = np.asarray(ndi.minimum_filter(means, window, mode="nearest"), dtype=np.float32)
    everywhere = np.ones(means.shape, dtype=np.bool_)
    level = np.minimum(_smooth_where(lowest, everywhere, SMOOTHING_UM / block_um), means.max())
    kept = means < level + CLIPS_SD[-1] * _spread(means)
    noise_sd = np.full_like(means, max(float(np.percentile(noise, START_PERCENT)), QUANTISATION_SD))
    return Background(
        _enlarged(level, image.shape),
        _enlarged(noise_sd, image.shape),
        _enlarged(kept.astype(np.float32), image.shape) > 0.5,
    )


def _surface_through(means: NDArray[np.float32], weight: NDArray[np.floating]) -> NDArray[np.float32]:
    """Polynomial surface of sixth degree by weighted least squares.

    Sums run over one axis at a time by einsum: the matrix library would start threads for products of this
    size, which on a busy machine costs thirty times what they save.
    """
    y, x = (
        np.polynomial.chebyshev.chebvander((2 * np.arange(n) + 1) / n - 1, min(TREND_DEGREE, n - 1))
        for n in means.shape
    )
    i, j = (
        order.ravel() for order in np.meshgrid(np.arange(y.shape[1]), np.arange(x.shape[1]), indexing="ij")
    )
    low = i + j <= TREND_DEGREE
    i, j = i[low], j[low]
    along_x = x[:, :, None] * x[:, None, :]
    along_y = y[:, :, None] * y[:, None, :]
    products = np.einsum("ikx,xjl->ijkl", np.einsum("yik,yx->ikx", along_y, weight), along_x)
    right = np.einsum("ix,xj->ij", np.einsum("yi,yx->ix", y, weight * means), x)
    factors, *_ = np.linalg.lstsq(products[i[:, None], j[:, None], i, j], right[i, j], rcond=None)
    square = np.zeros(right.shape)
    square[i, j] = factors
    surface = np.einsum("yj,xj->yx", np.einsum("yi,ij->yj", y, square), x)
    return np.asarray(surface, dtype=np.float32)


def _lower_trend(means: NDArray[np.float32]) -> NDArray[np.float32]:
    """Polynomial surface along the lower side of the blocks, by asymmetric least squares.

    Source: Eilers, 'Parametric time warping', Anal. Chem. 76 (2004) 404 (asymmetric weights).
    """
    weight = np.ones(means.shape)
    trend = means
    for _ in range(TREND_ROUNDS):
        trend = _surface_through(means, weight)
        weight = np.where(means > trend, TREND_UPPER_WEIGHT, 1 - TREND_UPPER_WEIGHT)
    return trend


def _second_differences(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Size of the second differences along both axes, scaled so that white noise gives its deviation."""
    kernel = np.array([1, -2, 1], dtype=np.float32)
    one = np.ones(1, dtype=np.float32)
    along_x = cv2.sepFilter2D(image, cv2.CV_32F, kernel, one, borderType=cv2.BORDER_REFLECT_101)
    along_y = cv2.sepFilter2D(image, cv2.CV_32F, one, kernel, borderType=cv2.BORDER_REFLECT_101)
    # A second difference of white noise has 6 times its variance; mean size to deviation is sqrt(pi / 2).
    scale = np.float32(np.sqrt(np.pi / 2 / 6) / 2)
    return np.asarray((np.abs(along_x) + np.abs(along_y)) * scale, dtype=np.float32)


def _block_means(image: NDArray[np.float32], block_px: int) -> NDArray[np.float32]:
    rows, columns = (max(round(n / block_px), 1) for n in image.shape)
    return np.asarray(cv2.resize(image, (columns, rows), interpolation=cv2.INTER_AREA))


def _spread(means: NDArray[np.float32]) -> float:
    """Standard deviation of blocks about their neighbours, by the median: cells are the minority of steps."""
    steps = np.concatenate([np.diff(means, n=2, axis=axis).ravel() for axis in (0, 1)])
    if steps.size == 0:
        return float(means.std())
    return 1.4826 * float(np.median(np.abs(steps))) / 6**0.5


def _smooth_where(values: NDArray[np.float32], where: NDArray[np.bool_], sigma: float) -> NDArray[np.float32]:
    """Smooth the values where `where` holds, and carry them into the gaps from ever further away."""
    weight = where.astype(np.float32)
    if not where.any():
        return np.full_like(values, float(np.median(values)))
    result = np.full_like(values, float(values[where].mean()))
    for widening in (4.0, 2.0, 1.0):
        wide = sigma * widening
        total = cv2.GaussianBlur(values * weight, (0, 0), wide, borderType=cv2.BORDER_REFLECT)
        share = cv2.GaussianBlur(weight, (0, 0), wide, borderType=cv2.BORDER_REFLECT)
        # A tenth of the surroundings is little to go by: there the wider average has its say.
        trust = np.float32(0.1 / widening)
        result = np.asarray((total + trust * result) / (share + trust), dtype=np.float32)
    return result


def _enlarged(small: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float32]:
    return np.asarray(cv2.resize(small, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR))
