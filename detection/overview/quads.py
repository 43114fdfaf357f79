"""Geometry of quadrilaterals: arrays of corners, (..., 4, 2), clockwise as seen on the screen."""

import math

import cv2
import numpy as np

from detection.overview.values import Corners


def area(corners: Corners) -> float:
    """Return the area, px^2."""
    x, y = corners[:, 0], corners[:, 1]
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)


def shared(one: Corners, other: Corners) -> float:
    """Return the area that two convex quadrilaterals share, px^2."""
    if not ((one.min(0) < other.max(0)) & (other.min(0) < one.max(0))).all():
        return 0.0
    return float(cv2.intersectConvexConvex(one.astype(np.float32), other.astype(np.float32))[0])


def overlap(one: Corners, other: Corners) -> float:
    """Return intersection over union."""
    common = shared(one, other)
    return common / max(area(one) + area(other) - common, 1e-9)


def sides(corners: Corners) -> Corners:
    """Return the lengths of the four sides, px."""
    return np.asarray(np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1))


def facing_deg(corners: Corners) -> float:
    """Return the direction in which the first side faces: see `Outline.angle_deg`."""
    # The mean of both pairs of sides that are about parallel.
    x, y = (corners[0] + corners[1] - corners[2] - corners[3]) / 2
    u, v = (corners[1] + corners[2] - corners[3] - corners[0]) / 2
    along = np.array([x, y]) / math.hypot(x, y) + np.array([v, -u]) / math.hypot(u, v)
    return math.degrees(math.atan2(-along[1], along[0]))


def clockwise(corners: Corners) -> Corners:
    """Return the corners clockwise as seen on the screen."""
    x, y = corners[:, 0], corners[:, 1]
    turned = np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))
    return corners if turned > 0 else corners[::-1].copy()


def placed(shape: Corners, x: float, y: float, turn_deg: float) -> Corners:
    """Turn a shape about its centre, clockwise on the screen, and move it."""
    cos, sin = math.cos(math.radians(turn_deg)), math.sin(math.radians(turn_deg))
    return np.asarray(shape @ np.array([[cos, sin], [-sin, cos]]) + (x, y))


def upright(corners: Corners) -> Corners:
    """Return the corners about their centre, turned until the first side faces up."""
    return placed(corners - corners.mean(0), 0, 0, facing_deg(corners) - 90)


def difference(one: Corners, other: Corners) -> float:
    """Return the largest distance between corresponding corners, px."""
    return float(np.linalg.norm(one - other, axis=1).max())


def grown(corners: Corners, factor: float) -> Corners:
    """Return the corners, moved away from their centre."""
    centre = corners.mean(axis=0)
    return np.asarray(centre + (corners - centre) * factor)


def in_overview(corners: Corners, scale: float) -> Corners:
    """Return working pixels, whole at the centres of pixels, as pixels of the overview, whole at corners."""
    return np.asarray((corners + 0.5) / scale)
