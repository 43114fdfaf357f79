"""Landmarks of a frame (SIFT), and the rigid motion on which most of the matches of two frames agree.

SIFT: Lowe, Int. J. Comput. Vision 60 (2004) 91. The consensus is that of RANSAC (Fischler and Bolles,
Commun. ACM 24 (1981) 381), but every pair of good matches is tried and none is drawn, so that it is the same
each time.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from detection.registration.rigid import Rigid, fit_rigid, plane_of_pixels
from detection.registration.section_frame import SectionFrame

MOST_LANDMARKS = 500
CONTRAST_THRESHOLD = 0.02
RATIO = 0.85
MOST_MATCHES = 250
LEADING_MATCHES = 110
NEAREST_PAIR_UM = 6.0
STRETCH_UM = 1.2
DIRECTION_RAD = math.radians(25)
INLIER_UM = 1.0
MOST_HYPOTHESES = 1500


@dataclass(frozen=True, slots=True)
class Landmarks:
    """Points of a frame that can be found again.

    Attributes
    ----------
    places_um : (N, 2) array of float64
        In the plane of the frame.
    directions_rad : (N,) array of float64
        Counter-clockwise.
    descriptors : (N, 128) array of float32
        Of unit length.
    """

    places_um: NDArray[np.float64]
    directions_rad: NDArray[np.float64]
    descriptors: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Consensus:
    """A motion, and how many matches of how many agree on it."""

    motion: Rigid
    inliers: int
    matches: int


def find_landmarks(image: NDArray[np.float32], frame: SectionFrame) -> Landmarks:
    """Find the landmarks of a frame normalised by `normalisation.comparable`."""
    sift = cv2.SIFT.create(nfeatures=MOST_LANDMARKS, contrastThreshold=CONTRAST_THRESHOLD, edgeThreshold=20)
    eight_bits = np.clip(image * 160 + 40, 0, 255).astype(np.uint8)
    points, descriptors = sift.detectAndCompute(eight_bits, None)
    if not points:
        return Landmarks(np.zeros((0, 2)), np.zeros(0), np.zeros((0, 128), dtype=np.float32))
    pixel_um = frame.pixel_size_um * frame.shape[1] / image.shape[1]
    places = np.array([point.pt for point in points]) + 0.5
    # Angles of OpenCV run clockwise as seen on the screen.
    directions = -np.radians([point.angle for point in points])
    # The square root of a histogram compares better (Arandjelovic and Zisserman, CVPR 2012).
    sums = np.maximum(descriptors.sum(axis=1, keepdims=True), 1e-6)
    return Landmarks(
        plane_of_pixels(places, (image.shape[0], image.shape[1]), pixel_um),
        directions,
        np.sqrt(descriptors / sums).astype(np.float32),
    )


def agree(source: Landmarks, target: Landmarks, start_rad: float | None = None) -> Consensus | None:
    """Find the motion from source to target on which most matches agree.

    Each landmark of the source is matched to the nearest of the target by its description, if that is clearly
    nearer than the second: so the way back is another measurement.

    Parameters
    ----------
    source, target : Landmarks
    start_rad : float, optional
        Rotation that is expected; only rotations within 30 degrees of it are tried.

    Returns
    -------
    Consensus or None
        None where fewer than three matches agree on any motion.
    """
    pairs = _matches(source, target)
    if len(pairs) < 3:
        return None
    a, b = source.places_um[pairs[:, 0]], target.places_um[pairs[:, 1]]
    turned = target.directions_rad[pairs[:, 1]] - source.directions_rad[pairs[:, 0]]
    angles, shifts = _hypotheses(a, b, turned, start_rad)
    if len(angles) == 0:
        return None
    counts = np.zeros(len(angles), dtype=np.int64)
    cos, sin = np.cos(angles)[:, None], np.sin(angles)[:, None]
    dx = a[:, 0] * cos - a[:, 1] * sin + shifts[:, :1] - b[:, 0]
    dy = a[:, 0] * sin + a[:, 1] * cos + shifts[:, 1:] - b[:, 1]
    counts = (dx * dx + dy * dy < (2 * INLIER_UM) ** 2).sum(axis=1)
    best = int(counts.argmax())
    motion = Rigid(float(angles[best]), (float(shifts[best, 0]), float(shifts[best, 1])))
    return _refined(motion, a, b)


def _matches(source: Landmarks, target: Landmarks) -> NDArray[np.int64]:
    """Matched indices (M, 2), the clearest first."""
    if len(source.places_um) == 0 or len(target.places_um) < 2:
        return np.zeros((0, 2), dtype=np.int64)
    nearest = cv2.BFMatcher(cv2.NORM_L2).knnMatch(source.descriptors, target.descriptors, k=2)
    ratios = [(one.distance / max(two.distance, 1e-9), one.queryIdx, one.trainIdx) for one, two in nearest]
    kept = sorted(found for found in ratios if found[0] < RATIO)[:MOST_MATCHES]
    return np.array([found[1:] for found in kept], dtype=np.int64).reshape(-1, 2)


def _hypotheses(
    a: NDArray[np.float64], b: NDArray[np.float64], turned: NDArray[np.float64], start_rad: float | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Motions by two matches each, that keep their distance and turn as their own directions do."""
    i, j = np.triu_indices(min(len(a), LEADING_MATCHES), 1)
    before, after = a[j] - a[i], b[j] - b[i]
    distance = np.hypot(*before.T)
    angles = np.arctan2(after[:, 1], after[:, 0]) - np.arctan2(before[:, 1], before[:, 0])
    good = (distance > NEAREST_PAIR_UM) & (np.abs(np.hypot(*after.T) - distance) < STRETCH_UM)
    for one in (i, j):
        good &= np.abs(_wrapped(angles - turned[one])) < DIRECTION_RAD
    if start_rad is not None:
        good &= np.abs(_wrapped(angles - start_rad)) < math.radians(30)
    chosen = np.flatnonzero(good)[:MOST_HYPOTHESES]
    angles = angles[chosen]
    middle, to = (a[i] + a[j])[chosen] / 2, (b[i] + b[j])[chosen] / 2
    cos, sin = np.cos(angles), np.sin(angles)
    x = to[:, 0] - middle[:, 0] * cos + middle[:, 1] * sin
    y = to[:, 1] - middle[:, 0] * sin - middle[:, 1] * cos
    return angles, np.column_stack([x, y])


def _refined(motion: Rigid, a: NDArray[np.float64], b: NDArray[np.float64]) -> Consensus | None:
    inliers = np.zeros(len(a), dtype=np.bool_)
    for reach_um in (2 * INLIER_UM, 1.5 * INLIER_UM, INLIER_UM, INLIER_UM):
        inliers = np.hypot(*(motion.apply(a) - b).T) < reach_um
        if inliers.sum() < 3:
            return None
        motion = fit_rigid(a[inliers], b[inliers])
    # Several descriptions of one place are one witness.
    witnesses = len({(round(x), round(y)) for x, y in a[inliers].tolist()})
    return Consensus(motion, witnesses, len(a)) if witnesses >= 3 else None


def _wrapped(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    return (angles + math.pi) % math.tau - math.pi
