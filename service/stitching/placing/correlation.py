"""Shifts between two overlapping images, each with what proves it.

Cross-correlation, normalised by what each shift really has in common (Lewis, Vision Interface 1995): overlaps
are narrow, so that a shift changes much of what is compared.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
import scipy.fft
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_ELSEWHERE = 0.75
"""Distance between two peaks, in the coarse blur of the filter: nearer ones are one. Chosen by hand."""
_LEAST_RELIABLE = 1e-3
"""Least share of the variance that is not noise; less would divide by rounding."""
_LAPLACIAN = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
"""Shows noise and little of the image (Immerkaer, Comput. Vis. Image Underst. 64 (1996) 300); of white noise
of unit variance it has a standard deviation of 6."""
_MEDIAN_OF_GAUSSIAN = 0.6745
"""Median of the absolute values of a Gaussian of unit variance."""


@dataclass(frozen=True, slots=True)
class Band:
    """Details that are compared.

    Attributes
    ----------
    fine_px, coarse_px : float
        Standard deviations of two blurs, px, whose difference is taken.
    """

    fine_px: float
    coarse_px: float

    def of(self, image: NDArray[np.generic]) -> Floats:
        """Return the details of an image, of mean about 0."""
        values = image.astype(np.float32)
        fine = cv2.GaussianBlur(values, (0, 0), self.fine_px, borderType=cv2.BORDER_REFLECT)
        coarse = cv2.GaussianBlur(values, (0, 0), self.coarse_px, borderType=cv2.BORDER_REFLECT)
        return np.asarray(cv2.subtract(fine, coarse), dtype=np.float32)

    def reliability(self, image: NDArray[np.generic], details: Floats) -> float:
        """Return the correlation that another image of the same ground, as noisy, can have: 0 to 1.

        Parameters
        ----------
        image : (rows, columns) array
        details : (rows, columns) array of float32
            Those of the image.
        """
        laplacian = np.abs(cv2.filter2D(image.astype(np.float32), -1, _LAPLACIAN))
        noise = float(np.median(laplacian[::3, ::3])) / _MEDIAN_OF_GAUSSIAN / 6
        fine, coarse = self.fine_px**2, self.coarse_px**2
        # Variance of white noise after the two blurs.
        passed = (1 / (4 * fine) + 1 / (4 * coarse) - 1 / (fine + coarse)) / math.pi
        variance = float(details.var())
        return max(1 - noise**2 * passed / variance, _LEAST_RELIABLE) if variance > 0 else _LEAST_RELIABLE

    def places(self, details: Floats) -> float:
        """Return over how many places details are spread; 1 for a single object on empty ground.

        A participation ratio: the square of the sum of the energies of all blocks over the sum of their
        squares.
        """
        side = max(round(2 * self.coarse_px), 1)
        rows, columns = (max(1, size // side) for size in details.shape)
        blocks = cv2.resize(details**2, (columns, rows), interpolation=cv2.INTER_AREA)
        energy = np.maximum(np.atleast_2d(blocks).astype(np.float64) - np.median(blocks), 0)
        squares = float((energy**2).sum())
        return float(energy.sum()) ** 2 / squares if squares > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Search:
    """Shifts that are tried.

    Attributes
    ----------
    apart_px : (int, int)
        Believed distance of the upper left corners of both images, right and down, px.
    reach_px : int
        Largest shift on each axis.
    least_px : int
        Least width and height of what both must show.
    most : int
        Number of peaks that are returned.
    """

    apart_px: tuple[int, int]
    reach_px: int
    least_px: int
    most: int = 1


@dataclass(frozen=True, slots=True)
class Peak:
    """A shift at which two images agree.

    Attributes
    ----------
    shift_px : (float, float)
        Right and down: by so much the second image lies further than believed.
    correlation : float
        Pearson's, over what both show at that shift.
    significance : float
        The correlation over its standard deviation for unrelated images.
    """

    shift_px: tuple[float, float]
    correlation: float
    significance: float


def peaks(a: Floats, b: Floats, search: Search, coarse_px: float) -> tuple[Peak, ...]:
    """Find the shifts at which two images agree best.

    Parameters
    ----------
    a, b : (rows, columns) arrays of float32
        Details of the first and of the second image, of any sizes.
    search : Search
    coarse_px : float
        Standard deviation of their coarser blur.

    Returns
    -------
    tuple of Peak
        The most significant first, between pixels by a parabola; none where no shift leaves enough in common.
    """
    (dx, dy), reach, least = search.apart_px, search.reach_px, search.least_px
    columns = _distances(a.shape[1], b.shape[1], dx, reach, least)
    rows = _distances(a.shape[0], b.shape[0], dy, reach, least)
    if not (len(columns) and len(rows)):
        return ()
    shape = (
        _without_wrapping(a.shape[0], b.shape[0], rows),
        _without_wrapping(a.shape[1], b.shape[1], columns),
    )
    of_a, of_b = scipy.fft.rfft2(a, shape), scipy.fft.rfft2(b, shape)
    product = scipy.fft.irfft2(of_a * np.conj(of_b), shape)[np.ix_(rows % shape[0], columns % shape[1])]
    correlation, count = _normalised(a, b, product, rows, columns)
    score = correlation * np.sqrt(count / _pixels_that_count_as_one(of_a, of_b, shape))
    apart = max(round(_ELSEWHERE * coarse_px), 1)
    found: list[Peak] = []
    for _ in range(search.most):
        row, column = (int(n) for n in np.unravel_index(int(score.argmax()), score.shape))
        significance = float(score[row, column])
        if significance <= 0:
            break
        x = float(columns[column] - dx) + _between(correlation[row, :], column)
        y = float(rows[row] - dy) + _between(correlation[:, column], row)
        found.append(Peak((x, y), float(correlation[row, column]), significance))
        score[max(row - apart, 0) : row + apart + 1, max(column - apart, 0) : column + apart + 1] = 0
    return tuple(found)


def _distances(size: int, other: int, apart: int, reach: int, least: int) -> NDArray[np.int64]:
    """Return distances of two corners along an axis that leave `least` pixels in common."""
    return np.arange(max(apart - reach, least - other), min(apart + reach, size - least) + 1)


def _without_wrapping(size: int, other: int, distances: NDArray[np.int64]) -> int:
    """Return the length of a transform in which none of these distances is mixed up with another."""
    needed = max(size, other, size - int(distances[0]), other + int(distances[-1]))
    return scipy.fft.next_fast_len(needed, real=True)


def _normalised(
    a: Floats, b: Floats, product: NDArray[np.floating], rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return Pearson's correlation for each distance of the corners, and the pixels in common."""
    (ha, wa), (hb, wb) = a.shape, b.shape
    in_a = (
        np.maximum(rows, 0),
        np.minimum(ha, hb + rows),
        np.maximum(columns, 0),
        np.minimum(wa, wb + columns),
    )
    in_b = (in_a[0] - rows, in_a[1] - rows, in_a[2] - columns, in_a[3] - columns)
    count = np.outer(in_a[1] - in_a[0], in_a[3] - in_a[2]).astype(np.float64)
    sums_a, sums_b = _sums(a, *in_a), _sums(b, *in_b)
    spread_a = np.maximum(_sums(a * a, *in_a) - sums_a * sums_a / count, 0)
    spread_b = np.maximum(_sums(b * b, *in_b) - sums_b * sums_b / count, 0)
    scale = np.sqrt(spread_a * spread_b)
    # Below this an image is flat but for rounding.
    good = scale > 1e-6 * count
    shared = product - sums_a * sums_b / count
    return np.where(good, shared / np.where(good, scale, 1), 0).clip(-1, 1), count


def _sums(
    values: Floats,
    top: NDArray[np.int64],
    bottom: NDArray[np.int64],
    left: NDArray[np.int64],
    right: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Return the sum of each rectangle of some rows and some columns."""
    table = cv2.integral(values, sdepth=cv2.CV_64F)
    upper = table[np.ix_(top, right)] - table[np.ix_(top, left)]
    return np.asarray(table[np.ix_(bottom, right)] - table[np.ix_(bottom, left)] - upper)


def _pixels_that_count_as_one(
    of_a: NDArray[np.complexfloating], of_b: NDArray[np.complexfloating], shape: tuple[int, int]
) -> float:
    """Return how many neighbouring pixels tell no more than one: Bartlett's formula in two dimensions."""
    twice = np.full(of_a.shape[1], 2.0)
    twice[0] = 1.0
    if shape[1] % 2 == 0:
        twice[-1] = 1.0
    a, b = np.abs(of_a) ** 2, np.abs(of_b) ** 2
    total = float((a * twice).sum()) * float((b * twice).sum())
    return max(shape[0] * shape[1] * float((a * b * twice).sum()) / total, 1.0) if total > 0 else 1.0


def between(before: float, here: float, after: float) -> float:
    """Return the top of the parabola through a peak and its neighbours, at most half a step off it."""
    bend = before - 2 * here + after
    return min(max((before - after) / (2 * bend), -0.5), 0.5) if bend < 0 else 0.0


def _between(values: NDArray[np.float64], at: int) -> float:
    return between(*values[at - 1 : at + 2].tolist()) if 0 < at < len(values) - 1 else 0.0
