"""Conversions between pixels and stage positions, and between FM and SEM; done nowhere else.

Stage: metres, x right, y up. Images: column x to the right, row y downwards, pixel (0, 0) covers
[0, 1) x [0, 1), the centre of a frame of W x H pixels is at (W/2, H/2).
"""

import math
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from config.instrument import CalibrationConfig

RectM = tuple[float, float, float, float]
"""(x0, y0, x1, y1) in stage metres, x0 < x1, y0 < y1."""


@dataclass(frozen=True, slots=True)
class Pose:
    """Position, scale and orientation of a frame on the stage.

    Attributes
    ----------
    center_m : (float, float)
        Stage position of the centre of the frame, m.
    pixel_size_m : (float, float)
        Width and height of a pixel, m, both positive.
    rotation_rad : float
        Rotation of the frame on the stage, counter-clockwise, rad.
    flip_x, flip_y : bool
        The camera shows the specimen mirrored along this axis.
    """

    center_m: tuple[float, float]
    pixel_size_m: tuple[float, float]
    rotation_rad: float = 0.0
    flip_x: bool = False
    flip_y: bool = False

    def __post_init__(self) -> None:
        numbers = (*self.center_m, *self.pixel_size_m, self.rotation_rad)
        if not all(math.isfinite(v) for v in numbers):
            raise ValueError("a pose must have finite numbers")
        if min(self.pixel_size_m) <= 0:
            raise ValueError("a pixel size must be above zero")

    def _matrix(self) -> NDArray[np.float64]:
        """Return the 2 x 2 matrix from pixels off the centre to metres off the centre."""
        cos, sin = math.cos(self.rotation_rad), math.sin(self.rotation_rad)
        sx = self.pixel_size_m[0] * (-1 if self.flip_x else 1)
        sy = self.pixel_size_m[1] * (1 if self.flip_y else -1)
        return np.array([[cos * sx, -sin * sy], [sin * sx, cos * sy]])


def aligned(pose: Pose, rotation_rad: float, scale: tuple[float, float]) -> Pose:
    """Return the pose of a frame whose camera is turned and whose pixels are larger than it reports.

    Parameters
    ----------
    pose : Pose
    rotation_rad : float
        Of the frame about its centre, counter-clockwise, rad; added.
    scale : (float, float)
        True over reported pixel size, in x and y.
    """
    size = pose.pixel_size_m[0] * scale[0], pose.pixel_size_m[1] * scale[1]
    return replace(pose, pixel_size_m=size, rotation_rad=pose.rotation_rad + rotation_rad)


def to_stage(pose: Pose, shape: tuple[int, int], points_px: NDArray[np.float64]) -> NDArray[np.float64]:
    """Convert points of a frame to stage positions.

    Parameters
    ----------
    pose : Pose
    shape : (int, int)
        Rows and columns of the frame.
    points_px : (N, 2) array
        Column and row of each point, px; the centre of pixel (0, 0) is (0.5, 0.5).

    Returns
    -------
    (N, 2) array of float64
        x and y, m.
    """
    off = np.asarray(points_px, dtype=np.float64) - (shape[1] / 2, shape[0] / 2)
    return np.asarray(off @ pose._matrix().T + pose.center_m)


def to_pixels(pose: Pose, shape: tuple[int, int], points_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """Convert stage positions, m, to columns and rows, px: the inverse of `to_stage`."""
    off = np.asarray(points_m, dtype=np.float64) - pose.center_m
    return np.asarray(off @ np.linalg.inv(pose._matrix()).T + (shape[1] / 2, shape[0] / 2))


def box_to_rect(pose: Pose, shape: tuple[int, int], box_px: tuple[float, float, float, float]) -> RectM:
    """Return the smallest upright rectangle on the stage that holds a box of pixels.

    Parameters
    ----------
    pose : Pose
    shape : (int, int)
        Rows and columns of the frame.
    box_px : (x0, y0, x1, y1)
        Half-open box, px.

    Returns
    -------
    RectM
    """
    x0, y0, x1, y1 = box_px
    corners = to_stage(pose, shape, np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], dtype=np.float64))
    (left, bottom), (right, top) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    return left, bottom, right, top


def grown_rect(pose: Pose, rect_m: RectM, grown_px: tuple[float, float, float, float]) -> RectM:
    """Return the upright rectangle around a box of pixels after the box has grown.

    Parameters
    ----------
    pose : Pose
    rect_m : RectM
        Around the box before, as `box_to_rect` gives it.
    grown_px : (left, top, right, bottom)
        Distances by which the sides of the box move outwards, px; negative ones inwards.

    Returns
    -------
    RectM
        That of `box_to_rect` for the grown box, but for rounding; exactly `rect_m` where nothing grows.
    """
    left, top, right, bottom = grown_px
    low, high = [0.0, 0.0], [0.0, 0.0]
    matrix = pose._matrix().tolist()
    for axis in (0, 1):
        for along, first, last in ((matrix[axis][0], left, right), (matrix[axis][1], top, bottom)):
            low[axis] += abs(along) * (first if along > 0 else last)
            high[axis] += abs(along) * (last if along > 0 else first)
    x0, y0, x1, y1 = rect_m
    return x0 - low[0], y0 - low[1], x1 + high[0], y1 + high[1]


def frame_rect(pose: Pose, shape: tuple[int, int]) -> RectM:
    """Return the smallest upright rectangle on the stage that holds the whole frame."""
    return box_to_rect(pose, shape, (0, 0, shape[1], shape[0]))


def inner_rect(pose: Pose, shape: tuple[int, int]) -> RectM:
    """Return an upright rectangle about the centre that lies wholly inside the frame.

    It is the frame itself if that is not rotated; otherwise it has the proportions of the frame.
    """
    width, height = shape[1] * pose.pixel_size_m[0], shape[0] * pose.pixel_size_m[1]
    cos, sin = abs(math.cos(pose.rotation_rad)), abs(math.sin(pose.rotation_rad))
    shrink = min(width / (width * cos + height * sin), height / (width * sin + height * cos))
    x, y = pose.center_m
    dx, dy = width * shrink / 2, height * shrink / 2
    return x - dx, y - dy, x + dx, y + dy


@dataclass(frozen=True, slots=True)
class FmToSem:
    """FM to SEM calibration: from the FM stage position of a point to that at which the SEM shows it.

    ``sem = shift + R(rotation) @ [[1, shear], [0, 1]] @ (scale * fm)``

    Attributes
    ----------
    shift_m : (float, float)
    rotation_rad : float
        Counter-clockwise.
    scale, shear : float
        Unitless.
    """

    shift_m: tuple[float, float] = (0.0, 0.0)
    rotation_rad: float = 0.0
    scale: float = 1.0
    shear: float = 0.0

    @classmethod
    def of(cls, config: CalibrationConfig) -> Self:
        """Return the calibration that a configuration describes, in SI units."""
        return cls(
            shift_m=(config.shift_um[0] * 1e-6, config.shift_um[1] * 1e-6),
            rotation_rad=config.rotation_mrad * 1e-3,
            scale=config.scale,
            shear=config.shear,
        )

    def _matrix(self) -> NDArray[np.float64]:
        cos, sin = math.cos(self.rotation_rad), math.sin(self.rotation_rad)
        turn = np.array([[cos, -sin], [sin, cos]])
        return np.asarray(self.scale * turn @ np.array([[1.0, self.shear], [0.0, 1.0]]))

    def to_sem(self, points_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the stage positions (N, 2) at which the SEM shows FM positions (N, 2), m."""
        return np.asarray(np.asarray(points_m) @ self._matrix().T + self.shift_m)

    def to_fm(self, points_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the FM positions of SEM positions (N, 2), m: the inverse of `to_sem`."""
        return np.asarray((np.asarray(points_m) - self.shift_m) @ np.linalg.inv(self._matrix()).T)
