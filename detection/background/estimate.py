"""Background and noise of a frame, from its parts without cells."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import scipy.ndimage as ndi
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.sparse import csr_array

from detection.background.masked_smoothing import Smoother
from detection.background.polynomial_surface import lower_surface, surface_through
from detection.background.ranks import percentile, ranked
from detection.background.settings import BACKGROUND, BackgroundSettings
from detection.background.spikes import remove_spikes

MAX_SORTED = 2**21
"""Values of windows that are sorted at a time: 8 MB."""
QUANTISATION_SD = 12**-0.5
"""Standard deviation of rounding to whole grey levels, a uniform error of one level: noise is never less."""
_CURVATURE = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], dtype=np.float32)
"""Difference of two second differences (Immerkaer 1996)."""


@dataclass(frozen=True, slots=True)
class Background:
    """Frame without its cells, on a coarse grid of blocks over all of it.

    Attributes
    ----------
    level : (block rows, block columns) array of float32
        Grey levels.
    noise_sd : (block rows, block columns) array of float32
        Standard deviation of a pixel of the frame at that level, grey levels, above 0.
    empty : (block rows, block columns) array of bool
        True where no cell was suspected, so where the two were measured.
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


def average_blocks(
    image: NDArray[np.float32], pixel_size_um: float, settings: BackgroundSettings = BACKGROUND
) -> Blocks:
    """Average a frame and its noise over blocks of about 2 um.

    Noise is the mean size of the difference of two second differences, which vanishes on any smooth
    background (Immerkaer, 'Fast noise variance estimation', Comput. Vis. Image Underst. 64 (1996) 300).
    Single hot pixels are left out of both.

    Parameters
    ----------
    image : (rows, columns) array of float32
        Grey levels.
    pixel_size_um : float
    settings : BackgroundSettings
    """
    block_px = max(round(settings.block_um / pixel_size_um), 1)
    noise = _noise_of_blocks(image, block_px)
    usual = _middle(noise)
    if noise.max() > settings.hot_noise * usual:
        clean = remove_spikes(image, max(usual, QUANTISATION_SD), settings)
        if clean is not image:
            image, noise = clean, _noise_of_blocks(clean, block_px)
    return Blocks(_block_means(image, block_px), noise, block_px * pixel_size_um)


def _noise_of_blocks(image: NDArray[np.float32], block_px: int) -> NDArray[np.float32]:
    curvature = np.asarray(cv2.filter2D(image, cv2.CV_32F, _CURVATURE, borderType=cv2.BORDER_REFLECT_101))
    # The kernel multiplies the deviation of white noise by 6; mean size to deviation is sqrt(pi / 2).
    return _block_means(np.abs(curvature, out=curvature), block_px) * np.float32(np.sqrt(np.pi / 2) / 6)


def estimate_background(
    blocks: Blocks, *, linear: bool = True, settings: BackgroundSettings = BACKGROUND
) -> Background:
    """Estimate the smooth background under the cells of a frame, and its noise.

    A surface of sixth degree along the lower side of the blocks removes the bell of the illumination, and a
    low percentile of the surroundings starts the background off. Then, in several rounds, blocks well above
    it are left out as cells and the others are smoothed. Noise is that of the blocks that remain.

    Parameters
    ----------
    blocks : Blocks
    linear : bool
        Grey levels are proportional to intensity, so that the background limits its own unevenness.
    settings : BackgroundSettings
    """
    means = blocks.means
    trend = lower_surface(means)
    level = trend + _low_percentile(means - trend, blocks.block_um, settings)
    least = _spread(means)
    sigma = settings.smoothing_um / blocks.block_um
    for clip in settings.clips_sd:
        left = means - level
        # Autofluorescence varies by less than a quarter of itself; cells vary more.
        lumpy = lower_spread(left)
        if linear:
            lumpy = min(lumpy, settings.lumpy_share * _middle(level))
        smoother = Smoother(left < clip * max(least, lumpy), sigma)
        trend = surface_through(means, smoother.weight)
        level = trend + smoother(means - trend)
        if clip in settings.clips_sd[-2:]:
            # Smoothing cuts hills; smoothing the rest puts most of them back.
            level += smoother(means - level)
    return _measured(blocks, level, smoother)


def background_at(
    blocks: Blocks, level: NDArray[np.float32], settings: BackgroundSettings = BACKGROUND
) -> Background:
    """Measure the noise of a background whose level is known.

    Parameters
    ----------
    blocks : Blocks
    level : (block rows, block columns) array of float32
        Of the background; another number of blocks is interpolated.
    settings : BackgroundSettings
    """
    means = blocks.means
    level = enlarged(level, means.shape)
    left = means - level
    lumpy = min(lower_spread(left), settings.lumpy_share * _middle(level))
    empty = left < settings.clips_sd[-1] * max(_spread(means), lumpy)
    return _measured(blocks, level, Smoother(empty, settings.smoothing_um / blocks.block_um))


def _measured(blocks: Blocks, level: NDArray[np.float32], smoother: Smoother) -> Background:
    noise_sd = np.maximum(smoother(blocks.noise_sd), np.float32(QUANTISATION_SD))
    return Background(level, noise_sd, smoother.where)


def lowest_background(blocks: Blocks, settings: BackgroundSettings = BACKGROUND) -> Background:
    """Return the darkest parts of the surroundings as the background of a frame crowded with cells.

    It errs on the low side, so that too much stands out rather than too little.
    """
    means = blocks.means
    window = _window(means, blocks.block_um, settings.window_um)
    lowest = np.asarray(ndi.minimum_filter(means, window, mode="nearest"), dtype=np.float32)
    everywhere = np.ones(means.shape, dtype=np.bool_)
    level = np.minimum(Smoother(everywhere, settings.smoothing_um / blocks.block_um)(lowest), means.max())
    kept = means < level + settings.clips_sd[-1] * _spread(means)
    noise = max(percentile(blocks.noise_sd, settings.start_percent), QUANTISATION_SD)
    return Background(level, np.full_like(means, noise), kept)


def _low_percentile(
    values: NDArray[np.float32], block_um: float, settings: BackgroundSettings
) -> NDArray[np.float32]:
    """Low percentile of the surroundings, at half the resolution for a sixteenth of the cost."""
    half = _block_means(values, 2)
    window = _window(half, 2 * block_um, settings.window_um)
    padded = np.pad(half, window // 2, mode="edge")
    rank = settings.start_percent * window**2 // 100
    # Some rows at a time: all windows of a large frame would not fit into memory.
    step = max(MAX_SORTED // (half.shape[1] * window**2), 1)
    low = np.empty_like(half)
    for first in range(0, half.shape[0], step):
        rows = sliding_window_view(padded[first : first + step + window - 1], (window, window))
        around = rows.reshape(*rows.shape[:2], window**2)
        low[first : first + step] = np.partition(around, rank, axis=-1)[..., rank]
    return enlarged(low, values.shape)


def _window(blocks: NDArray[np.float32], block_um: float, window_um: float) -> int:
    return int(min(max(round(window_um / block_um) | 1, 3), 2 * min(blocks.shape) - 1))


def _block_means(image: NDArray[np.float32], block_px: int) -> NDArray[np.float32]:
    """Means over a whole number of blocks each way; pixels on the border of two count for both in part."""
    rows, columns = (_averaging(n, max(round(n / block_px), 1)) for n in image.shape)
    return np.ascontiguousarray((columns @ (rows @ image).T).T, dtype=np.float32)


@lru_cache(maxsize=16)
def _averaging(pixels: int, blocks: int) -> csr_array:
    """Sparse matrix (blocks, pixels) of means over blocks; ten times as fast as `cv2.resize`."""
    cuts = np.union1d(np.arange(pixels + 1), np.arange(blocks + 1) * pixels / blocks)
    middle = (cuts[1:] + cuts[:-1]) / 2
    share = (np.diff(cuts) * blocks / pixels).astype(np.float32)
    place = (middle * blocks / pixels).astype(np.intp), middle.astype(np.intp)
    return csr_array((share, place), shape=(blocks, pixels))


def _spread(means: NDArray[np.float32]) -> float:
    """Standard deviation of blocks about their neighbours, by the median: cells are the minority of steps."""
    steps = np.concatenate([np.diff(means, n=2, axis=axis).ravel() for axis in (0, 1)])
    if steps.size == 0:
        return float(means.std())
    return 1.4826 * _middle(np.abs(steps)) / 6**0.5


def lower_spread(values: NDArray[np.float32]) -> float:
    """Return the standard deviation of the background among values of which the higher may be cells.

    It follows from two percentiles that both lie in the background while cells cover less than half.
    """
    low, high = (ranked(values, int(share * values.size)) for share in (0.1, 0.4))
    # 1.028: the same distance in a Gaussian of unit deviation.
    return (high - low) / 1.028


def _middle(values: NDArray[np.float32]) -> float:
    """Median; for an even number the upper of the two in the middle."""
    return ranked(values, values.size // 2)


def enlarged(small: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Interpolate a coarse grid to a finer one over the same area."""
    return np.asarray(cv2.resize(small, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR))
