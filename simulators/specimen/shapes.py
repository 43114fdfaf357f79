"""Ellipsoids with irregular surfaces: the outlines of cells and nuclei in three dimensions."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulators.specimen.grid import Floats, Grid

AXIS_SCATTER = 0.16
"""Standard deviation of the logarithm of an axis over the radius; chosen by hand."""
AXIS_RANGE = (0.7, 1.35)
WOBBLE_LIMIT = 0.25
"""Largest irregularity of an outline, as a fraction of its radius; chosen by hand."""
WHOLE = (slice(None), slice(None))
"""All rows and columns of a grid."""


@dataclass(frozen=True, slots=True)
class Blob:
    """An ellipsoid whose radius varies smoothly with direction.

    Attributes
    ----------
    center_um : (3,) array
        In the block: u, v in the plane of the section, w across it.
    axes_um : (3,) array
        Half axes.
    yaw_rad : float
        Rotation about w.
    waves : (N, 4) array
        Wave vector over the unit sphere, and phase, of each irregularity.
    amplitudes : (N,) array
        Fractions of the radius.
    """

    center_um: NDArray[np.float64]
    axes_um: NDArray[np.float64]
    yaw_rad: float
    waves: NDArray[np.float64]
    amplitudes: NDArray[np.float64]

    def cut_radius_um(self, w_um: float) -> float:
        """Return the largest distance of the cut at depth `w_um` from the centre, um; 0 for no cut."""
        most = 1 + WOBBLE_LIMIT
        height = (w_um - self.center_um[2]) / (self.axes_um[2] * most)
        return float(self.axes_um[:2].max() * most * math.sqrt(max(0.0, 1 - height * height)))

    def depth_inside_um(self, grid: Grid, w_um: float, part: tuple[slice, slice] = WHOLE) -> Floats:
        """Return the depth of each point of a cut inside the outline, um; negative outside.

        To first order: the level function over its gradient, exact at the outline, capped at 5 um.

        Parameters
        ----------
        grid : Grid
            Grid in the plane of the section, at least 2 x 2 pixels.
        w_um : float
            Depth of the cut in the block.
        part : (slice, slice)
            Rows and columns of the grid to return; the values there are the same as without it.
        """
        # The gradient takes one pixel more on each side.
        rows, columns = _widened(part[0], grid.shape[0]), _widened(part[1], grid.shape[1])
        u, v = grid.points_um()
        level = self._level(u[rows, columns], v[rows, columns], w_um)
        down, right = np.gradient(level)
        slope = np.sqrt(down * down + right * right) / np.float32(grid.pitch_um)
        # The slope vanishes at the centre, where a grazing cut is shallow nevertheless.
        slope = np.maximum(slope, np.float32(0.2 / self.axes_um.max()))
        inner = _within(part[0], rows, grid.shape[0]), _within(part[1], columns, grid.shape[1])
        return np.asarray(np.clip(level / slope, -5, 5)[inner], dtype=np.float32)

    def _level(self, u: Floats, v: Floats, w_um: float) -> Floats:
        """Return 1 minus the distance from the centre over that of the outline, for points of a cut."""
        u, v = u - np.float32(self.center_um[0]), v - np.float32(self.center_um[1])
        cos, sin = np.float32(np.cos(self.yaw_rad)), np.float32(np.sin(self.yaw_rad))
        a, b, c = (np.float32(x) for x in self.axes_um)
        x, y, z = (u * cos + v * sin) / a, (v * cos - u * sin) / b, np.float32(w_um - self.center_um[2]) / c
        radius = np.maximum(np.sqrt(x * x + y * y + z * z), np.float32(1e-4))
        outline = np.ones_like(radius)
        inverse = 1 / radius
        angle, of_y = np.empty_like(radius), np.empty_like(radius)
        for (kx, ky, kz, phase), amplitude in zip(
            self.waves.astype(np.float32), self.amplitudes.astype(np.float32), strict=True
        ):
            # amplitude * cos((kx * x + ky * y + kz * z) / radius + phase), without an array for each step.
            np.multiply(kx, x, out=angle)
            angle += np.multiply(ky, y, out=of_y)
            angle += kz * z
            angle *= inverse
            angle += phase
            np.cos(angle, out=angle)
            angle *= amplitude
            outline += angle
        return np.asarray(1 - radius / outline)


def _widened(part: slice, size: int) -> slice:
    """Return a part of an axis with one pixel more on each side, as far as there is one; two at least."""
    start, stop, _ = part.indices(size)
    return slice(max(start - 1, 0), min(stop + 1, size))


def _within(part: slice, wider: slice, size: int) -> slice:
    start, stop, _ = part.indices(size)
    return slice(start - wider.start, stop - wider.start)


def draw_blob(
    rng: np.random.Generator, center_um: NDArray[np.float64], radius_um: float, wobble: float
) -> Blob:
    """Draw a blob of a mean radius; `wobble` is the typical amplitude as a fraction of the radius."""
    axes = radius_um * np.clip(np.exp(rng.normal(0, AXIS_SCATTER, 3)), *AXIS_RANGE)
    waves = np.column_stack([rng.normal(0, 2.2, (7, 3)), rng.uniform(0, 2 * np.pi, 7)])
    amplitudes = rng.normal(0, wobble, 7)
    amplitudes *= min(1.0, WOBBLE_LIMIT / max(float(np.abs(amplitudes).sum()), 1e-9))
    return Blob(center_um, axes, float(rng.uniform(0, np.pi)), waves, amplitudes)
