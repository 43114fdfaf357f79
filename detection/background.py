"""Background and noise of a frame, from its parts without cells."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
import scipy.ndimage as ndi
from numpy.typing import NDArray

BLOCK_UM = 2.0
WINDOW_UM = 25.0
SMOOTHING_UM = 4.0
START_PERCENT = 25
TREND_DEGREE = 6
TREND_ROUNDS = 4
TREND_UPPER_WEIGHT = 0.1
LUMPY_SHARE = 0.25
CLIPS_SD = (8.0, 5.0, 3.5, 3.0, 2.5)
QUANTISATION_SD = 12**-0.5
"""Standard deviation of rounding to whole grey levels: noise is never taken to be less."""
_CURVATURE = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Background:
    """What a frame would be without cells, on a coarse grid of blocks over the whole of it.

    Attributes
    ----------
    level : (block rows, block columns) array of float32
        Grey levels.
    noise_sd : (block rows, block columns) array of float32
        Standard deviation of a pixel of the frame at that level, grey levels, above 0.
    empty : (block rows, block columns) array of bool
        Where no cell was suspected, so where the two were measured.
    """

    level: NDArray[np.float32]
    noise_sd: NDArray[np.float32]
    empty: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Blocks:
    """A frame averaged over blocks.

    Attributes
    ----------
    means : (block rows, block columns) array of float32
        Grey levels.
    noise_sd : (block rows, block columns) array of float32
        Standard deviation of the noise of single pixels, by the size of their curvature.
    block_um : float
        Side of a block.
    """

    means: NDArray[np.float32]
    noise_sd: NDArray[np.float32]
    block_um: float


def average_blocks(image: NDArray[np.float32], pixel_size_um: float) -> Blocks:
    """Average a frame and its noise over blocks of about 2 um.

    Noise is the mean size of the difference of two second differences, which vanishes on any smooth ground
    (Immerkaer, 'Fast noise variance estimation', Comput. Vis. Image Underst. 64 (1996) 300).

    Parameters
    ----------
    image : (rows, columns) array of float32
        Grey levels.
    pixel_size_um : float
    """
    block_px = max(round(BLOCK_UM / pixel_size_um), 1)
    curvature = np.asarray(cv2.filter2D(image, cv2.CV_32F, _CURVATURE, borderType=cv2.BORDER_REFLECT_101))
    # The kernel multiplies the deviation of white noise by 6; mean size to deviation is sqrt(pi / 2).
    noise = _block_means(np.abs(curvature), block_px) * np.float32(np.sqrt(np.pi / 2) / 6)
    return Blocks(_block_means(image, block_px), noise, block_px * pixel_size_um)


def estimate_background(blocks: Blocks, *, linear: bool = True) -> Background:
    """Estimate the smooth background under the cells of a frame, and the noise upon it.

    A surface of sixth degree along the lower side of the blocks takes the bell of the illumination away, a
    low percentile of the surroundings starts the background off; then blocks well above it are put aside as
    cells and the others are smoothed, several times over. Noise is that of the blocks that are left.

    Parameters
    ----------
    blocks : Blocks
    linear : bool
        Grey levels are proportional to light, so that the background says how uneven it may be.
    """
    means = blocks.means
    trend = _lower_trend(means)
    level = trend + _low_percentile(means - trend, blocks.block_um)
    least = _spread(means)
    sigma = SMOOTHING_UM / blocks.block_um
    kept = np.ones(means.shape, dtype=np.bool_)
    for clip in CLIPS_SD:
        left = means - level
        # Autofluorescence varies by less than a quarter of itself; what varies more is cells.
        lumpy = lower_spread(left)
        if linear:
            lumpy = min(lumpy, LUMPY_SHARE * float(np.median(level)))
        kept = left < clip * max(least, lumpy)
        trend = _surface_through(means, kept.astype(np.float64))
        level = trend + _smooth_where(means - trend, kept, sigma)
        if clip in CLIPS_SD[-2:]:
            # Smoothing cuts hills; smoothing what it left over puts most of them back.
            level += _smooth_where(means - level, kept, sigma)
    noise_sd = np.maximum(_smooth_where(blocks.noise_sd, kept, sigma), np.float32(QUANTISATION_SD))
    return Background(level, noise_sd, kept)


def lowest_background(blocks: Blocks) -> Background:
    """Take the darkest parts of the surroundings for the background: for frames crowded with cells.

    It errs on the low side, so that too much stands out rather than too little.
    """
    means = blocks.means
    window = _window(means, blocks.block_um)
    lowest = np.asarray(ndi.minimum_filter(means, window, mode="nearest"), dtype=np.float32)
    everywhere = np.ones(means.shape, dtype=np.bool_)
    level = np.minimum(_smooth_where(lowest, everywhere, SMOOTHING_UM / blocks.block_um), means.max())
    kept = means < level + CLIPS_SD[-1] * _spread(means)
    noise = max(float(np.percentile(blocks.noise_sd, START_PERCENT)), QUANTISATION_SD)
    return Background(level, np.full_like(means, noise), kept)


def _low_percentile(values: NDArray[np.float32], block_um: float) -> NDArray[np.float32]:
    """A low percentile of the surroundings, at half the resolution, where it costs a sixteenth."""
    half = _block_means(values, 2)
    low = ndi.percentile_filter(half, START_PERCENT, _window(half, 2 * block_um), mode="nearest")
    return enlarged(np.asarray(low, dtype=np.float32), values.shape)


def _window(blocks: NDArray[np.float32], block_um: float) -> int:
    return int(min(max(round(WINDOW_UM / block_um) | 1, 3), 2 * min(blocks.shape) - 1))


def _surface_through(means: NDArray[np.float32], weight: NDArray[np.floating]) -> NDArray[np.float32]:
    """Polynomial surface of sixth degree by weighted least squares.

    Sums run over one axis at a time by einsum: the matrix library would start threads for products of this
    size, which on a busy machine costs thirty times what they save.
    """
    y, x, along_y, along_x, i, j = _polynomials(means.shape[0], means.shape[1])
    products = np.einsum("ikx,xjl->ijkl", np.einsum("yik,yx->ikx", along_y, weight), along_x)
    right = np.einsum("ix,xj->ij", np.einsum("yi,yx->ix", y, weight * means), x)
    factors, *_ = np.linalg.lstsq(products[i[:, None], j[:, None], i, j], right[i, j], rcond=None)
    square = np.zeros(right.shape)
    square[i, j] = factors
    surface = np.einsum("yj,xj->yx", np.einsum("yi,ij->yj", y, square), x)
    return np.asarray(surface, dtype=np.float32)


@lru_cache(maxsize=8)
def _polynomials(rows: int, columns: int) -> tuple[NDArray[Any], ...]:
    """Chebyshev polynomials along both axes, their products, and the orders of the terms of low degree."""
    y, x = (
        np.polynomial.chebyshev.chebvander((2 * np.arange(n) + 1) / n - 1, min(TREND_DEGREE, n - 1))
        for n in (rows, columns)
    )
    i, j = (
        order.ravel() for order in np.meshgrid(np.arange(y.shape[1]), np.arange(x.shape[1]), indexing="ij")
    )
    low = i + j <= TREND_DEGREE
    return y, x, y[:, :, None] * y[:, None, :], x[:, :, None] * x[:, None, :], i[low], j[low]


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


def _block_means(image: NDArray[np.float32], block_px: int) -> NDArray[np.float32]:
    rows, columns = (max(round(n / block_px), 1) for n in image.shape)
    return np.asarray(cv2.resize(image, (columns, rows), interpolation=cv2.INTER_AREA))


def _spread(means: NDArray[np.float32]) -> float:
    """Standard deviation of blocks about their neighbours, by the median: cells are the minority of steps."""
    steps = np.concatenate([np.diff(means, n=2, axis=axis).ravel() for axis in (0, 1)])
    if steps.size == 0:
        return float(means.std())
    return 1.4826 * float(np.median(np.abs(steps))) / 6**0.5


def lower_spread(values: NDArray[np.float32]) -> float:
    """Standard deviation of the ground among values of which the higher may be cells.

    From the distance of two percentiles that both lie in the ground while cells cover less than half.
    """
    ranks = int(0.1 * values.size), int(0.4 * values.size)
    low, high = np.partition(values, ranks, axis=None)[list(ranks)]
    # 1.028: the same distance in a Gaussian of unit deviation.
    return float(high - low) / 1.028


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


def enlarged(small: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Interpolate a coarse grid to a finer one over the same ground."""
    return np.asarray(cv2.resize(small, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR))
