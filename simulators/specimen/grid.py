"""Regular grids of sample points on the stage or in the plane of a section."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from drivers.pose import Pose, to_stage

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Grid:
    """A regular grid of pixels in a plane.

    Attributes
    ----------
    matrix_um : (2, 3) array of float64
        Converts (column, row, 1), px, pixel (0, 0) covering [0, 1) x [0, 1), to a position in the plane, um.
    shape : (int, int)
        Rows and columns.
    """

    matrix_um: NDArray[np.float64]
    shape: tuple[int, int]

    @classmethod
    def of_pose(cls, pose: Pose, shape: tuple[int, int]) -> Self:
        """Return the grid of the pixels of a frame, in stage micrometres."""
        corners = to_stage(pose, shape, np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])) * 1e6
        return cls(_through(corners), shape)

    def mapped(self, function: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> "Grid":
        """Return the grid with the positions of this one mapped by an affine `function` of (N, 2), um."""
        origin = self.matrix_um[:, 2]
        corners = np.array([origin, origin + self.matrix_um[:, 0], origin + self.matrix_um[:, 1]])
        return Grid(_through(function(corners)), self.shape)

    @property
    def pitch_um(self) -> float:
        """Distance of neighbouring pixels, um; the geometric mean if they are not square."""
        return math.sqrt(abs(np.linalg.det(self.matrix_um[:, :2])))

    @property
    def center_um(self) -> NDArray[np.float64]:
        """Position of the centre of the grid, (2,), um."""
        half = np.array([self.shape[1] / 2, self.shape[0] / 2, 1.0])
        return np.asarray(self.matrix_um @ half)

    @property
    def radius_um(self) -> float:
        """Distance from the centre to the furthest corner, um."""
        turn = self.matrix_um[:, :2]
        width, height = turn[:, 0] * self.shape[1] / 2, turn[:, 1] * self.shape[0] / 2
        return float(max(np.linalg.norm(width + height), np.linalg.norm(width - height)))

    def points_um(self) -> tuple[Floats, Floats]:
        """Return the positions of the pixel centres, two arrays of `shape`, um."""
        column = np.arange(self.shape[1], dtype=np.float32) + np.float32(0.5)
        row = (np.arange(self.shape[0], dtype=np.float32) + np.float32(0.5))[:, None]
        m = self.matrix_um.astype(np.float32)
        return m[0, 0] * column + (m[0, 1] * row + m[0, 2]), m[1, 0] * column + (m[1, 1] * row + m[1, 2])

    def coarse(self, step_um: float) -> "Grid":
        """Return a grid over the same area with pixels of about `step_um`, never finer than this one."""
        rows, columns = self.shape
        few = max(1.0, step_um / self.pitch_um)
        shape = max(2, math.ceil(rows / few)), max(2, math.ceil(columns / few))
        matrix = self.matrix_um * (columns / shape[1], rows / shape[0], 1.0)
        return Grid(matrix, shape)

    def window(
        self, center_um: NDArray[np.float64], radius_um: float
    ) -> tuple[tuple[slice, slice], "Grid"] | None:
        """Return the part that may lie within `radius_um` of a position.

        Returns
        -------
        (slice of rows, slice of columns), Grid
            The part, and its own grid; None where the disc misses the grid. At least 2 x 2 pixels.
        """
        inverse = np.linalg.inv(self.matrix_um[:, :2])
        column, row = inverse @ (center_um - self.matrix_um[:, 2])
        half_size = np.abs(inverse).sum(axis=1) * radius_um
        x0, x1 = _clip(column - half_size[0], column + half_size[0], self.shape[1])
        y0, y1 = _clip(row - half_size[1], row + half_size[1], self.shape[0])
        if x0 >= x1 or y0 >= y1:
            return None
        matrix = self.matrix_um.copy()
        matrix[:, 2] += matrix[:, 0] * x0 + matrix[:, 1] * y0
        return (slice(y0, y1), slice(x0, x1)), Grid(matrix, (y1 - y0, x1 - x0))


def _clip(low: float, high: float, size: int) -> tuple[int, int]:
    """Return a range of whole pixels within [0, size), at least two; (0, 0) if it is empty."""
    if high <= 0 or low >= size:
        return 0, 0
    start, stop = max(0, math.floor(low)), min(size, math.ceil(high))
    if stop - start < 2:
        start = max(0, min(start, size - 2))
        stop = min(size, start + 2)
    return start, stop


def _through(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the matrix that maps (0, 0), (1, 0), (0, 1) to three positions."""
    origin, right, down = corners
    return np.stack([right - origin, down - origin, origin], axis=1)


def refined(field: Floats, shape: tuple[int, int]) -> Floats:
    """Interpolate a smooth field from a coarse grid to a finer one over the same area."""
    if field.shape == shape:
        return field
    return np.asarray(cv2.resize(field, shape[::-1], interpolation=cv2.INTER_LINEAR), dtype=np.float32)
