"""Frames turned upright, for formats that know scales and translations only."""

from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np

from service.export.places import Affine
from service.image_files.images import Pixels

_ALL_CORNERS = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])


@dataclass(frozen=True, slots=True)
class Upright:
    """Upright grid of pixels around a frame.

    Attributes
    ----------
    size_px : (int, int)
        Width and height.
    pixel_size_um : (float, float)
    offset_um : (float, float)
        Place of the corner of the first pixel.
    from_frame : (2, 3) tuple
        From columns and rows of the frame to those of the grid, the corner of the first pixel at (0, 0).
    resampled : bool
        False where the frame is upright or mirrored: grey levels stay as they are.
    """

    size_px: tuple[int, int]
    pixel_size_um: tuple[float, float]
    offset_um: tuple[float, float]
    from_frame: tuple[tuple[float, float, float], tuple[float, float, float]]
    resampled: bool

    def pixels(self, frame: Pixels) -> Pixels:
        """Return the frame on this grid: linear between its pixels, 0 outside; mirrored without a change."""
        (a, _, _), (_, d, _) = self.from_frame
        if not self.resampled:
            return frame[:: 1 if d > 0 else -1, :: 1 if a > 0 else -1]
        matrix = np.array(self.from_frame)
        # Of centres of pixels, as OpenCV counts.
        matrix[:, 2] += matrix[:, :2] @ (0.5, 0.5) - 0.5
        return cast("Pixels", cv2.warpAffine(frame, matrix, self.size_px, flags=cv2.INTER_LINEAR))

    def corners_px(
        self, box_px: tuple[float, float, float, float]
    ) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        """Return the corners, (4, 2), of a box of the frame on this grid."""
        x0, y0, x1, y1 = box_px
        matrix = np.array(self.from_frame)
        corners = _ALL_CORNERS * (x1 - x0, y1 - y0) + (x0, y0)
        return np.asarray(corners @ matrix[:, :2].T + matrix[:, 2])


def upright_grid(place: Affine, size_px: tuple[int, int]) -> Upright:
    """Return the upright grid around a frame, with pixels of its size.

    Parameters
    ----------
    place : Affine
    size_px : (int, int)
        Width and height of the frame.
    """
    matrix = np.array(place.matrix)
    pixel_um = np.hypot(*matrix).round(10)
    mirrored = np.abs(matrix[[0, 1], [1, 0]]).max() < 1e-7 * pixel_um.min()
    corners = place(_ALL_CORNERS * size_px)
    low, high = corners.min(axis=0).round(10), corners.max(axis=0)
    # 1e-6: a frame that is a whole number of pixels wide stays so.
    width, height = size_px if mirrored else np.ceil((high - low) / pixel_um - 1e-6).astype(int).tolist()
    linear = matrix / pixel_um[:, None]
    offset = (np.array(place.offset_um) - low) / pixel_um
    (a, b), (c, d) = linear.tolist()
    return Upright(
        (width, height),
        (float(pixel_um[0]), float(pixel_um[1])),
        (float(low[0]), float(low[1])),
        ((a, b, float(offset[0])), (c, d, float(offset[1]))),
        not mirrored,
    )
