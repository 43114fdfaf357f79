"""Rigid motions of the plane: a rotation, then a shift, in micrometres.

Plane coordinates of a frame: micrometres from its middle, X right, Y up, as on the stage.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detection.errors import DetectionError
from detection.image.boxes import BoxPx


@dataclass(frozen=True, slots=True)
class Rigid:
    """A rotation about the origin, then a shift.

    Attributes
    ----------
    rotation_rad : float
        Counter-clockwise.
    shift_um : (float, float)
        X and Y.
    """

    rotation_rad: float = 0.0
    shift_um: tuple[float, float] = (0.0, 0.0)

    @property
    def rotation_matrix(self) -> NDArray[np.float64]:
        """Rotation matrix, (2, 2)."""
        cos, sin = math.cos(self.rotation_rad), math.sin(self.rotation_rad)
        return np.array([[cos, -sin], [sin, cos]])

    def apply(self, points_um: NDArray[np.floating]) -> NDArray[np.float64]:
        """Move points (N, 2), um."""
        return np.asarray(points_um @ self.rotation_matrix.T + self.shift_um, dtype=np.float64)

    def inverse(self) -> "Rigid":
        """Return the motion that undoes this one."""
        x, y = -(np.array(self.shift_um) @ self.rotation_matrix)
        return Rigid(-self.rotation_rad, (float(x), float(y)))

    def after(self, first: "Rigid") -> "Rigid":
        """Return the motion that does `first`, then this one."""
        x, y = self.apply(np.array([first.shift_um]))[0]
        angle = math.remainder(self.rotation_rad + first.rotation_rad, math.tau)
        return Rigid(angle, (float(x), float(y)))

    def distance_um(self, other: "Rigid", radius_um: float) -> float:
        """Upper bound of the distance between the images of one point within `radius_um` of the origin."""
        turned = abs(math.remainder(self.rotation_rad - other.rotation_rad, math.tau))
        return math.dist(self.shift_um, other.shift_um) + 2 * radius_um * math.sin(turned / 2)


def fit_rigid(source_um: NDArray[np.floating], target_um: NDArray[np.floating]) -> Rigid:
    """Fit the motion that takes points to points, by least squares (Kabsch, Acta Cryst. A32 (1976) 922).

    Parameters
    ----------
    source_um, target_um : (N, 2) array
        Two pairs at least.

    Raises
    ------
    DetectionError
        Raised when there are fewer than two pairs.
    """
    if len(source_um) < 2:
        raise DetectionError(f"{len(source_um)} pairs of points do not make a rotation; 2 are needed")
    a, b = source_um.mean(axis=0), target_um.mean(axis=0)
    # Sums, not the matrix library: it would start threads for nothing.
    ax, ay = (source_um - a).T
    bx, by = (target_um - b).T
    angle = math.atan2(float((ax * by - ay * bx).sum()), float((ax * bx + ay * by).sum()))
    x, y = b - Rigid(angle).apply(a[None])[0]
    return Rigid(angle, (float(x), float(y)))


def plane_of_pixels(
    points_px: NDArray[np.floating], shape: tuple[int, int], pixel_size_um: float
) -> NDArray[np.float64]:
    """Convert positions (N, 2) in a frame, column and row, to its plane, um; pixel (0, 0) covers [0, 1)."""
    middle = np.array([shape[1] / 2, shape[0] / 2])
    return np.asarray((points_px - middle) * (pixel_size_um, -pixel_size_um), dtype=np.float64)


def pixels_of_plane(
    points_um: NDArray[np.floating], shape: tuple[int, int], pixel_size_um: float
) -> NDArray[np.float64]:
    """Convert positions in the plane of a frame to column and row; the inverse of `plane_of_pixels`."""
    middle = np.array([shape[1] / 2, shape[0] / 2])
    return np.asarray(points_um / (pixel_size_um, -pixel_size_um) + middle, dtype=np.float64)


def warp_matrix(
    motion: Rigid,
    source: tuple[tuple[int, int], float],
    target: tuple[tuple[int, int], float],
) -> NDArray[np.float64]:
    """Return the matrix (2, 3) for `cv2.warpAffine`, which counts from the middle of the first pixel.

    Parameters
    ----------
    motion : Rigid
        From the plane of the source to that of the target.
    source, target : ((int, int), float)
        Rows and columns, and pixel size in um, of both frames.
    """
    corners = np.array([[0.5, 0.5], [1.5, 0.5], [0.5, 1.5]])
    moved = pixels_of_plane(motion.apply(plane_of_pixels(corners, *source)), *target) - 0.5
    return np.stack([moved[1] - moved[0], moved[2] - moved[0], moved[0]], axis=1)


@dataclass(frozen=True, slots=True)
class Ellipse:
    """A cell in the plane of a frame: the ellipse that fills its box.

    Attributes
    ----------
    center_um : (float, float)
    half_um : (float, float)
        Half of its width and height, um.
    """

    center_um: tuple[float, float]
    half_um: tuple[float, float]

    @property
    def area_um2(self) -> float:
        """Area of the ellipse."""
        return math.pi * self.half_um[0] * self.half_um[1]

    def moved(self, motion: Rigid) -> "Ellipse":
        """Return the upright ellipse around this one after a motion.

        A turned box needs a larger box around it; a round ellipse does not grow by a turn.
        """
        x, y = motion.apply(np.array([self.center_um]))[0]
        cos, sin = math.cos(motion.rotation_rad), math.sin(motion.rotation_rad)
        a, b = self.half_um
        half = math.hypot(a * cos, b * sin), math.hypot(a * sin, b * cos)
        return Ellipse((float(x), float(y)), half)


def ellipse_in(box: BoxPx, shape: tuple[int, int], pixel_size_um: float) -> Ellipse:
    """Return the ellipse in a box."""
    corners = np.array([[box.x0, box.y0], [box.x1, box.y1]], dtype=np.float64)
    (x0, y0), (x1, y1) = plane_of_pixels(corners, shape, pixel_size_um).tolist()
    return Ellipse(((x0 + x1) / 2, (y0 + y1) / 2), (abs(x1 - x0) / 2, abs(y1 - y0) / 2))


def ellipse_at(
    center_px: tuple[float, float],
    half_px: tuple[float, float],
    shape: tuple[int, int],
    pixel_size_um: float,
) -> Ellipse:
    """Return an ellipse of a frame by its centre, column and row, and its half axes."""
    (x, y), (a, b) = center_px, half_px
    return Ellipse(
        ((x - shape[1] / 2) * pixel_size_um, (shape[0] / 2 - y) * pixel_size_um),
        (a * pixel_size_um, b * pixel_size_um),
    )


def box_around(ellipse: Ellipse, shape: tuple[int, int], pixel_size_um: float) -> BoxPx | None:
    """Return the box of whole pixels around an ellipse, cut at the edges of a frame; None if none is left."""
    (x, y), (a, b) = ellipse.center_um, ellipse.half_um
    corners = np.array([[x - a, y + b], [x + a, y - b]])
    (x0, y0), (x1, y1) = pixels_of_plane(corners, shape, pixel_size_um).tolist()
    # 1e-6: whole pixels stay whole after conversion to micrometres and back.
    left, top = max(math.floor(x0 + 1e-6), 0), max(math.floor(y0 + 1e-6), 0)
    right, bottom = min(math.ceil(x1 - 1e-6), shape[1]), min(math.ceil(y1 - 1e-6), shape[0])
    return BoxPx(left, top, right, bottom) if left < right and top < bottom else None
