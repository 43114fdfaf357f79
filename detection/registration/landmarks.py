"""SIFT landmarks of a frame, and the rigid motion on which most matches of two frames agree.

SIFT: Lowe, Int. J. Comput. Vision 60 (2004) 91. The consensus is that of RANSAC (Fischler and Bolles,
Commun. ACM 24 (1981) 381), but it tries every pair of good matches instead of a random sample, so that the
result is the same each time.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from detection.registration.rigid import Rigid, fit_rigid, plane_of_pixels
from detection.registration.section_frame import SectionFrame
from detection.registration.settings import SETTINGS

_SETTINGS = SETTINGS.landmarks


@dataclass(frozen=True, slots=True)
class Landmarks:
    """Points of a frame that can be recognised in another.

    Attributes
    ----------
    positions_um : (N, 2) array of float64
        In the plane of the frame.
    directions_rad : (N,) array of float64
        Counter-clockwise.
    descriptors : (N, 128) array of float32
        Of unit length.
    """

    positions_um: NDArray[np.float64]
    directions_rad: NDArray[np.float64]
    descriptors: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Consensus:
    """A motion, the matches that agree on it (`inliers`), and all matches."""

    motion: Rigid
    inliers: int
    matches: int


def find_landmarks(image: NDArray[np.float32], frame: SectionFrame) -> Landmarks:
    """Find the landmarks of a frame that `normalisation.normalise_residual` has normalised."""
    sift = cv2.SIFT.create(
        nfeatures=_SETTINGS.most,
        contrastThreshold=_SETTINGS.contrast_threshold,
        edgeThreshold=_SETTINGS.edge_threshold,
    )
    grey = image * _SETTINGS.grey_of_bright + _SETTINGS.grey_of_background
    eight_bits = np.clip(grey, 0, 255).astype(np.uint8)
    points, descriptors = sift.detectAndCompute(eight_bits, None)
    if not points:
        return Landmarks(np.zeros((0, 2)), np.zeros(0), np.zeros((0, 128), dtype=np.float32))
    pixel_um = frame.pixel_size_um * frame.shape[1] / image.shape[1]
    positions = np.array([point.pt for point in points]) + 0.5
    # Angles of OpenCV run clockwise on the screen.
    directions = -np.radians([point.angle for point in points])
    # The square root of a histogram compares better (Arandjelovic and Zisserman, CVPR 2012).
    sums = np.maximum(descriptors.sum(axis=1, keepdims=True), 1e-6)
    return Landmarks(
        plane_of_pixels(positions, (image.shape[0], image.shape[1]), pixel_um),
        directions,
        np.sqrt(descriptors / sums).astype(np.float32),
    )


def find_consensus(source: Landmarks, target: Landmarks, start_rad: float | None = None) -> Consensus | None:
    """Find the motion from source to target on which most matches agree.

    Each landmark of the source is matched to the one of the target with the nearest descriptor, if that is
    clearly nearer than the second. The motion from target to source is therefore an independent measurement.

    Parameters
    ----------
    source, target : Landmarks
    start_rad : float, optional
        Expected rotation; only rotations within 30 degrees of it are tried.

    Returns
    -------
    Consensus or None
        None where fewer than three matches agree on any motion.
    """
    first, second = _matches(source, target)
    if len(first) < _SETTINGS.fewest:
        return None
    a, b = source.positions_um[first], target.positions_um[second]
    turned = target.directions_rad[second] - source.directions_rad[first]
    angles, shifts = _hypotheses(a, b, turned, start_rad)
    if len(angles) == 0:
        return None
    cos, sin = np.cos(angles)[:, None], np.sin(angles)[:, None]
    off = _squared(a[:, 0] * cos, -a[:, 1] * sin, shifts[:, :1], -b[:, 0])
    off += _squared(a[:, 0] * sin, a[:, 1] * cos, shifts[:, 1:], -b[:, 1])
    counts = np.count_nonzero(off < (2 * _SETTINGS.inlier_um) ** 2, axis=1)
    best = int(counts.argmax())
    motion = Rigid(float(angles[best]), (float(shifts[best, 0]), float(shifts[best, 1])))
    return _refined(motion, a, b)


def _squared(total: NDArray[np.float64], *others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the square of a sum, in place of its first array."""
    for other in others:
        total += other
    total *= total
    return total


def _matches(source: Landmarks, target: Landmarks) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return numbers of landmarks of both frames that match, the clearest first."""
    if len(source.positions_um) == 0 or len(target.positions_um) < 2:
        return np.zeros(0, np.intp), np.zeros(0, np.intp)
    distances, nearest = cv2.batchDistance(
        source.descriptors, target.descriptors, cv2.CV_32F, normType=cv2.NORM_L2, K=2
    )
    one, two = np.asarray(distances, np.float64).T
    ratios = one / np.maximum(two, 1e-9)
    clear = np.flatnonzero(ratios < _SETTINGS.ratio)
    kept = clear[np.argsort(ratios[clear], kind="stable")][: _SETTINGS.most_matches]
    return kept, np.asarray(nearest, np.intp)[kept, 0]


def _hypotheses(
    a: NDArray[np.float64], b: NDArray[np.float64], turned: NDArray[np.float64], start_rad: float | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return rotations and shifts by pairs of matches that keep distance and direction."""
    i, j = np.triu_indices(min(len(a), _SETTINGS.leading_matches), 1)
    before, after = a[j] - a[i], b[j] - b[i]
    distance = np.hypot(*before.T)
    angles = np.arctan2(after[:, 1], after[:, 0]) - np.arctan2(before[:, 1], before[:, 0])
    good = (distance > _SETTINGS.nearest_pair_um) & (
        np.abs(np.hypot(*after.T) - distance) < _SETTINGS.stretch_um
    )
    for one in (i, j):
        good &= np.abs(_wrapped(angles - turned[one])) < _SETTINGS.direction_rad
    if start_rad is not None:
        good &= np.abs(_wrapped(angles - start_rad)) < _SETTINGS.start_rad
    chosen = np.flatnonzero(good)[: _SETTINGS.most_hypotheses]
    angles = angles[chosen]
    middle, to = (a[i] + a[j])[chosen] / 2, (b[i] + b[j])[chosen] / 2
    cos, sin = np.cos(angles), np.sin(angles)
    x = to[:, 0] - middle[:, 0] * cos + middle[:, 1] * sin
    y = to[:, 1] - middle[:, 0] * sin - middle[:, 1] * cos
    return angles, np.column_stack([x, y])


def _refined(motion: Rigid, a: NDArray[np.float64], b: NDArray[np.float64]) -> Consensus | None:
    inliers = np.zeros(len(a), dtype=np.bool_)
    for share in (2, 1.5, 1, 1):
        inliers = np.hypot(*(motion.apply(a) - b).T) < share * _SETTINGS.inlier_um
        if inliers.sum() < _SETTINGS.fewest:
            return None
        motion = fit_rigid(a[inliers], b[inliers])
    # Several descriptors of one position count once.
    count = len({(round(x), round(y)) for x, y in a[inliers].tolist()})
    return Consensus(motion, count, len(a)) if count >= _SETTINGS.fewest else None


def _wrapped(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    return (angles + math.pi) % math.tau - math.pi
