"""Correlation of two frames where a motion lays them on each other, and the search for the best motion."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
import scipy.fft
from numpy.typing import NDArray

from detection.registration.rigid import Rigid, pixels_of_plane, plane_of_pixels, warp_matrix
from detection.registration.settings import SETTINGS

_SETTINGS = SETTINGS.correlation


@dataclass(frozen=True, slots=True)
class Raster:
    """An image of a frame, ready to be correlated.

    Attributes
    ----------
    image : (rows, columns) array of float32
        Mean 0 where the mask is true, 0 elsewhere.
    mask : (rows, columns) array of bool
    pixel_size_um : float
    """

    image: NDArray[np.float32]
    mask: NDArray[np.bool_]
    pixel_size_um: float

    @property
    def grid(self) -> tuple[tuple[int, int], float]:
        """Shape and pixel size."""
        return (self.image.shape[0], self.image.shape[1]), self.pixel_size_um


@dataclass(frozen=True, slots=True)
class OverlapCorrelation:
    """Correlation of two frames under a motion.

    Attributes
    ----------
    correlation : float
        Pearson's, over the pixels that both show, -1..1; 0 where the overlap is too small.
    significance : float
        The correlation over its standard deviation for unrelated frames.
    overlap : float
        Shared area over the area of the smaller frame, 0..1.
    """

    correlation: float
    significance: float
    overlap: float


def raster(image: NDArray[np.float32], mask: NDArray[np.bool_], pixel_size_um: float) -> Raster:
    """Subtract slow changes from an image, so that cells are compared and not the light path."""
    sigma = _SETTINGS.broad_um / pixel_size_um
    weight = mask.astype(np.float32)
    slow = cv2.GaussianBlur(image * weight, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
    share = cv2.GaussianBlur(weight, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
    left = np.asarray(image - slow / np.maximum(share, np.float32(1e-3)), dtype=np.float32)
    if mask.any():
        left -= left[mask].mean()
    left[~mask] = 0
    return Raster(left, mask, pixel_size_um)


def correlate(source: Raster, target: Raster, motion: Rigid) -> OverlapCorrelation:
    """Correlate the source, moved, with the target."""
    size = target.image.shape[::-1]
    matrix = warp_matrix(motion, source.grid, target.grid)
    moved = np.asarray(cv2.warpAffine(source.image, matrix, size, flags=cv2.INTER_LINEAR))
    there = np.asarray(cv2.warpAffine(source.mask.astype(np.uint8), matrix, size, flags=cv2.INTER_NEAREST))
    both = (there > 0) & target.mask
    shared = int(both.sum())
    # Masks are counted in pixels of the target; both rasters are made of nearly the same pixel size.
    overlap = shared / max(min(int(source.mask.sum()), int(target.mask.sum())), 1)
    if overlap < _SETTINGS.least_overlap:
        return OverlapCorrelation(0.0, 0.0, overlap)
    a, b = moved[both], target.image[both]
    a, b = a - a.mean(), b - b.mean()
    scale = math.sqrt(float((a * a).sum()) * float((b * b).sum()))
    correlation = float((a * b).sum()) / scale if scale > 0 else 0.0
    left = np.where(both, moved, np.float32(0))
    right = np.where(both, target.image, np.float32(0))
    return OverlapCorrelation(correlation, correlation / _chance_sd(left, right, shared), overlap)


def _chance_sd(a: NDArray[np.float32], b: NDArray[np.float32], shared: int) -> float:
    """Standard deviation of the correlation of two unrelated images with these autocorrelations.

    Bartlett's formula in two dimensions: neighbouring pixels are not independent.
    """
    power_a, power_b = (np.abs(scipy.fft.rfft2(image)) ** 2 for image in (a, b))
    own_a, own_b = (scipy.fft.irfft2(power, a.shape) for power in (power_a, power_b))
    top = float(own_a.flat[0]) * float(own_b.flat[0])
    if top <= 0:
        return 1.0
    return math.sqrt(max(float((own_a * own_b).sum()) / top, 1.0) / max(shared, 1))


def search_rotations(source: Raster, target: Raster, start_rad: float | None = None) -> list[Rigid]:
    """Find the best motions by cross-correlation at all rotations, zero-padded so that nothing wraps around.

    Parameters
    ----------
    source, target : Raster
    start_rad : float, optional
        Only rotations within 16 degrees of it are tried; all without it.

    Returns
    -------
    list of Rigid
        The best few, best first.
    """
    half_range = math.pi if start_rad is None else _SETTINGS.start_rad
    count = math.ceil(half_range / _SETTINGS.step_rad)
    step = half_range / count
    rotations = [n * step + (start_rad or 0.0) for n in range(-count, count + (start_rad is not None))]
    side = math.ceil(math.hypot(*source.image.shape)) + 2
    shape = tuple(scipy.fft.next_fast_len(side + n, real=True) for n in target.image.shape)
    of_target = np.conj(scipy.fft.rfft2(target.image, shape))
    of_mask = np.conj(scipy.fft.rfft2(target.mask.astype(np.float32), shape))
    square = ((side, side), target.pixel_size_um)
    area = min(int(source.mask.sum()), int(target.mask.sum()))
    found: list[tuple[float, Rigid]] = []
    shared = np.zeros(shape)
    for number, rotation in enumerate(rotations):
        matrix = warp_matrix(Rigid(rotation), source.grid, square)
        turned = np.asarray(cv2.warpAffine(source.image, matrix, (side, side), flags=cv2.INTER_LINEAR))
        product = scipy.fft.irfft2(scipy.fft.rfft2(turned, shape) * of_target, shape)
        if number % _SETTINGS.mask_steps == 0:
            there = np.asarray(cv2.warpAffine(source.mask.astype(np.float32), matrix, (side, side)))
            shared = scipy.fft.irfft2(scipy.fft.rfft2(there, shape) * of_mask, shape)
        # Few shared pixels correlate by chance: the square root makes all shifts comparable.
        score = np.where(
            shared > _SETTINGS.least_overlap * area, product / np.sqrt(np.maximum(shared, 1.0)), 0
        )
        row, column = np.unravel_index(int(score.argmax()), score.shape)
        value = float(score[row, column])
        down = int(row) - (shape[0] if row > side else 0)
        right = int(column) - (shape[1] if column > side else 0)
        # The turned source, moved left by `right` and up by `down`, lies on the target.
        middle = np.array([[side / 2 - right, side / 2 - down]])
        x, y = plane_of_pixels(middle, *target.grid)[0]
        found.append((value, Rigid(rotation, (float(x), float(y)))))
    found.sort(key=lambda one: -one[0])
    return [motion for _, motion in found[: _SETTINGS.finalists]]


def refine(source: Raster, target: Raster, motion: Rigid) -> Rigid | None:
    """Refine a motion by enhanced correlation (Evangelidis and Psarakis, IEEE PAMI 30 (2008) 1858).

    Returns
    -------
    Rigid or None
        None where it does not converge.
    """
    # OpenCV takes the arc sine for the angle, so the source is turned by right angles first.
    quarters = round(motion.rotation_rad / (math.pi / 2))
    turn = Rigid(quarters * math.pi / 2)
    image = np.ascontiguousarray(np.rot90(source.image, quarters))
    mask = np.ascontiguousarray(np.rot90(source.mask, quarters))
    turned = Raster(image, mask, source.pixel_size_um)
    # OpenCV finds the motion from the template (the target) to the image (the source).
    matrix = warp_matrix(turn.after(motion.inverse()), target.grid, turned.grid).astype(np.float32)
    stop = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, _SETTINGS.iterations, _SETTINGS.tolerance)
    try:
        _, found = cv2.findTransformECC(
            target.image, image, matrix, cv2.MOTION_EUCLIDEAN, stop, mask.astype(np.uint8), 1
        )
    except cv2.error:
        return None
    return _motion_of(np.asarray(found, dtype=np.float64), target, turned).inverse().after(turn)


def _motion_of(matrix: NDArray[np.float64], source: Raster, target: Raster) -> Rigid:
    """Return the motion of a warp matrix; the inverse of `warp_matrix`."""
    turn = -math.atan2(matrix[1, 0], matrix[0, 0])
    middle = pixels_of_plane(np.zeros((1, 2)), *source.grid)[0] - 0.5
    to = matrix @ np.array([middle[0], middle[1], 1.0]) + 0.5
    x, y = plane_of_pixels(to[None], *target.grid)[0]
    return Rigid(turn, (float(x), float(y)))
