"""Fit of a similarity to the edges of the cells, with its precision from the scatter between their parts."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from detection.alignment.edges import Edges
from detection.alignment.settings import SETTINGS
from detection.alignment.values import Similarity
from detection.registration.rigid import pixels_of_plane, plane_of_pixels

Floats = NDArray[np.float64]

_FLAT = 1e-3
"""Slope of the correlation, per um, at its maximum: it falls by about 0.1 within 0.3 um."""
_COLUMNS = 256
_EVERY = 2
"""Step between the pixels that take part: neighbours on the scale of the edges say the same."""
_STEP_UM = 0.05
"""Step of the differences that give the curvature; the edges change over 0.35 um."""


@dataclass(frozen=True, slots=True)
class Outlines:
    """Pixels of the fluorescence that take part.

    Attributes
    ----------
    points_um : (N, 2) array
        Positions in the plane of the frame.
    edges : (N,) array of complex64
    parts : (N,) array of int
        Number of the part of a cell to which each belongs, from 0.
    """

    points_um: Floats
    edges: Edges
    parts: NDArray[np.intp]

    def chosen(self, kept: NDArray[np.bool_]) -> "Outlines":
        """Return some of the pixels."""
        return Outlines(self.points_um[kept], self.edges[kept], self.parts[kept])


@dataclass(frozen=True, slots=True)
class Best:
    """Maximum of a fit.

    Attributes
    ----------
    parameters : (4,) array
    covariance : (4, 4) array or None
        um2; None where there is no maximum.
    """

    parameters: Floats
    covariance: Floats | None


class Fit:
    """The correlation of outlines with an overview, as a function of a similarity, and its maximum.

    The parameters are lengths in um: the shift, and what rotation and scale move at the mean distance of the
    outlines from their middle. So all have about the same curvature.

    Parameters
    ----------
    target : (rows, columns) array of complex64
        Edges of the overview.
    pixel_um : float
        Pixel size of the overview.
    outlines : Outlines
    """

    def __init__(self, target: Edges, pixel_um: float, outlines: Outlines) -> None:
        self._shape = target.shape[0], target.shape[1]
        self._pixel_um = pixel_um
        values = np.ascontiguousarray(target).view(np.float32).reshape(*self._shape, 2)
        across = cv2.Scharr(values, cv2.CV_32F, 1, 0, scale=1 / 32 / pixel_um)
        # Rows go down, Y goes up.
        upward = cv2.Scharr(values, cv2.CV_32F, 0, 1, scale=-1 / 32 / pixel_um)
        self._layers = values, np.asarray(across), np.asarray(upward)
        self._outlines = outlines
        weight = np.abs(outlines.edges)
        self._middle = np.average(outlines.points_um, axis=0, weights=weight)
        self._off = outlines.points_um - self._middle
        self._radius = max(float(np.average(np.hypot(*self._off.T), weights=weight)), 1.0)
        turn = np.stack([-self._off[:, 1], self._off[:, 0]], axis=1)
        self._turn, self._growth = turn / self._radius, self._off / self._radius
        self._total = max(float(weight.sum()), 1e-9)

    def motion(self, p: Floats) -> Similarity:
        """Return the similarity of parameters."""
        turned = Similarity((0.0, 0.0), float(p[2]) / self._radius, 1 + float(p[3]) / self._radius)
        x, y = self._middle + p[:2] - turned.apply(self._middle[None])[0]
        return Similarity((float(x), float(y)), turned.rotation_rad, turned.scale)

    def parameters(self, motion: Similarity) -> Floats:
        """Return the parameters of a similarity; the inverse of `motion`."""
        shift = motion.apply(self._middle[None])[0] - self._middle
        turn, scale = motion.rotation_rad * self._radius, (motion.scale - 1) * self._radius
        return np.array([shift[0], shift[1], turn, scale])

    def slope(self, p: Floats) -> tuple[float, Floats]:
        """Return the correlation and its gradient, (4,)."""
        value, pull = self._pull(p)
        turn, growth = float((pull * self._turn).sum()), float((pull * self._growth).sum())
        return value, np.array([*pull.sum(axis=0), turn, growth])

    def _pull(self, p: Floats) -> tuple[float, Floats]:
        """Return the correlation, and its change with the place of each pixel, (N, 2)."""
        plane = self.motion(p).apply(self._outlines.points_um)
        value, across, upward = self._seen(pixels_of_plane(plane, self._shape, self._pixel_um) - 0.5)
        real, imaginary = self._outlines.edges.real, self._outlines.edges.imag
        pull = [real * one[:, 0] + imaginary * one[:, 1] for one in (across, upward)]
        total = float((real * value[:, 0] + imaginary * value[:, 1]).sum())
        return total / self._total, np.stack(pull, axis=1).astype(np.float64) / self._total

    def _seen(self, place_px: Floats) -> list[NDArray[np.float32]]:
        """Interpolate the layers at places (N, 2), column and row from the middle of the first pixel."""
        # OpenCV takes no more than 32767 rows.
        rows = -(-len(place_px) // _COLUMNS)
        padded = np.full((rows * _COLUMNS, 2), -10, np.float32)
        padded[: len(place_px)] = place_px
        place = padded.reshape(rows, _COLUMNS, 2)
        nothing = np.empty(0, np.float32)
        seen = []
        for pair in self._layers:
            one = cv2.remap(pair, place, nothing, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
            seen.append(np.asarray(one, dtype=np.float32).reshape(-1, 2)[: len(place_px)])
        return seen

    def best(self, start: Similarity) -> "Best":
        """Return the maximum near a similarity, drawn towards the usual rotation and scale.

        The maximum of the outlines alone, with its covariance, is combined with what is known before: no
        rotation and no scale, each with the standard error in the settings. Few cells close together show
        neither.
        """

        def negative(p: Floats) -> tuple[float, Floats]:
            value, gradient = self.slope(p)
            return -value, -gradient

        found = minimize(negative, self.parameters(start), jac=True, method="BFGS", options={"gtol": _FLAT})
        p = np.asarray(found.x, dtype=np.float64)
        covariance = self._covariance(p)
        if covariance is None:
            return Best(p, None)
        known = (
            np.diag([0, 0, 1 / SETTINGS.usual_rotation_rad**2, 1 / SETTINGS.usual_scale**2]) / self._radius**2
        )
        shown = np.linalg.inv(covariance)
        both = np.linalg.inv(shown + known)
        return Best(both @ shown @ p, np.asarray(both, dtype=np.float64))

    def _covariance(self, p: Floats) -> Floats | None:
        """Return the covariance of the parameters at the maximum, (4, 4), um2; None if it is no maximum.

        The gradients of the parts add up to zero there; their scatter, over the curvature, is that of the
        maximum (Huber, Proc. 5th Berkeley Symp. 1 (1967) 221: the sandwich).
        """
        steps = np.eye(4) * _STEP_UM
        curvature = np.array(
            [(self.slope(p + step)[1] - self.slope(p - step)[1]) / (2 * _STEP_UM) for step in steps]
        )
        curvature = (curvature + curvature.T) / 2
        if not np.linalg.eigvalsh(curvature).max() < 0:
            return None
        _, pull = self._pull(p)
        each = [pull[:, 0], pull[:, 1], (pull * self._turn).sum(axis=1), (pull * self._growth).sum(axis=1)]
        by_part = np.stack([np.bincount(self._outlines.parts, weights=one) for one in each], axis=1)
        used = len(np.unique(self._outlines.parts))
        scatter = by_part.T @ by_part * (used / max(used - 4, 1))
        inverse = np.linalg.inv(curvature)
        return np.asarray(inverse @ scatter @ inverse)

    def errors_um(self, best: "Best", points_um: Floats) -> Floats:
        """Return the standard error of points (N, 2) along their worst direction, um."""
        if best.covariance is None:
            return np.full(len(points_um), np.inf)
        off = (points_um - self._middle) / self._radius
        moves = np.zeros((len(off), 2, 4))
        moves[:, 0, 0] = moves[:, 1, 1] = 1
        moves[:, 0, 2], moves[:, 1, 2] = -off[:, 1], off[:, 0]
        moves[:, :, 3] = off
        spread = np.einsum("nij,jk,nlk->nil", moves, best.covariance, moves)
        return np.asarray(np.sqrt(np.linalg.eigvalsh(spread)[:, -1].clip(0)))


def outlines_of(source: Edges, part_of: NDArray[np.intp], pixel_um: float) -> Outlines:
    """Return the pixels that belong to a part, 0 and more.

    Parameters
    ----------
    source : (rows, columns) array of complex64
    part_of : array of int, same shape
        Number of the part of each pixel, negative outside the cells.
    pixel_um : float
    """
    row, column = (_EVERY * found for found in np.nonzero(part_of[::_EVERY, ::_EVERY] >= 0))
    place = np.stack([column + 0.5, row + 0.5], axis=1)
    shape = source.shape[0], source.shape[1]
    return Outlines(plane_of_pixels(place, shape, pixel_um), source[row, column], part_of[row, column])
