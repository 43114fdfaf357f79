"""Places on the stage in drawings: um, y downwards, from the upper left corner of what is drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from drivers.pose import RectM, to_stage
from service.model.specimen import FramePlace
from service.pictures.overlay import SCALE_BARS_UM

_UM = 1e6
_FREE = 0.03
"""Free ground around what is drawn, part of its larger side; chosen by hand."""


@dataclass(frozen=True, slots=True)
class Box:
    """Rectangle in a drawing: upper left corner, width and height, um."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Drawing:
    """Part of the stage that a drawing shows.

    Attributes
    ----------
    left_um, top_um : float
        Stage position of its upper left corner.
    width_um, height_um : float
    """

    left_um: float
    top_um: float
    width_um: float
    height_um: float

    @classmethod
    def around(cls, rects_m: Sequence[RectM]) -> Self:
        """Return a drawing of all rectangles, with some free ground around them.

        Parameters
        ----------
        rects_m : sequence of RectM
            At least one.
        """
        table = np.asarray(rects_m, dtype=np.float64).reshape(-1, 4) * _UM
        (left, bottom), (right, top) = table[:, :2].min(axis=0).tolist(), table[:, 2:].max(axis=0).tolist()
        free = _FREE * max(right - left, top - bottom)
        return cls(left - free, top + free, right - left + 2 * free, top - bottom + 2 * free)

    @property
    def scale(self) -> Box:
        """Return a scale bar at the lower left, a fifth of the width at most, with the height of its text."""
        length = max((one for one in SCALE_BARS_UM if one <= self.width_um / 5), default=SCALE_BARS_UM[0])
        free = 0.02 * self.width_um
        return Box(free, self.height_um - free, length, 0.8 * free)

    def box(self, rect_m: RectM) -> Box:
        """Return the place of an upright rectangle."""
        x0, y0, x1, y1 = (side * _UM for side in rect_m)
        return Box(x0 - self.left_um, self.top_um - y1, x1 - x0, y1 - y0)

    def points(self, corners_m: Sequence[tuple[float, float]]) -> str:
        """Return the corners of a polygon as SVG writes them."""
        return " ".join(f"{x * _UM - self.left_um:.3f},{self.top_um - y * _UM:.3f}" for x, y in corners_m)

    def matrix(self, place: FramePlace) -> str:
        """Return the SVG matrix from the pixels of a frame to the drawing; the frame may be rotated."""
        points_px = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
        stage_m = to_stage(place.pose, place.shape, points_px)
        drawn = (stage_m * _UM - (self.left_um, self.top_um)) * (1, -1)
        (a, b), (c, d) = drawn[1] - drawn[0], drawn[2] - drawn[0]
        return "matrix(" + " ".join(f"{value:.9g}" for value in (a, b, c, d, *drawn[0])) + ")"
