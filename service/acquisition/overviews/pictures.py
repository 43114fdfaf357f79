"""Fluorescence and overview of a field as two pictures with one middle and the same axes."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from detection.alignment.values import Picture
from drivers.pose import FmToSem, Pose, RectM, to_pixels, to_stage
from planner.geometry.rects import centered

Pixels = NDArray[np.uint8] | NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two pictures of the same ground.

    Attributes
    ----------
    center_m : (float, float)
        Their middle, as fluorescence has it.
    fluorescence, overview : Picture
        Upright, as fluorescence has it: the overview is turned and scaled back by the calibration.
    """

    center_m: tuple[float, float]
    fluorescence: Picture
    overview: Picture

    @property
    def ground_m(self) -> RectM:
        """Ground of the fluorescence."""
        (rows, columns), pixel_um = self.fluorescence.grid
        return centered(self.center_m, (columns * pixel_um * 1e-6, rows * pixel_um * 1e-6))

    def box_px(self, rect_m: RectM) -> tuple[int, int, int, int]:
        """Return the whole pixels of the fluorescence around a rectangle: x0, y0, x1, y1."""
        (rows, columns), pixel_um = self.fluorescence.grid
        size_m = pixel_um * 1e-6
        x0, x1 = ((x - self.center_m[0]) / size_m + columns / 2 for x in (rect_m[0], rect_m[2]))
        y0, y1 = ((self.center_m[1] - y) / size_m + rows / 2 for y in (rect_m[3], rect_m[1]))
        return math.floor(x0 + 1e-6), math.floor(y0 + 1e-6), math.ceil(x1 - 1e-6), math.ceil(y1 - 1e-6)


def pair_of(
    fluorescence: Pixels, pose: Pose, overview: Pixels, scanned: Pose, calibration: FmToSem
) -> Pair | None:
    """Return both images of a stage position as a pair.

    The fluorescence is cut so that its middle is that of the overview, to within a pixel, and the overview
    is moved by the rest.

    Parameters
    ----------
    fluorescence : (rows, columns) array
    pose : Pose
    overview : (rows, columns) array
    scanned : Pose
        Of the overview, as the SEM has it.
    calibration : FmToSem

    Returns
    -------
    Pair or None
        None if the middle of the overview is not in the fluorescence.
    """
    upright, pose = _upright(fluorescence, pose)
    pixel_m = scanned.pixel_size_m[0]
    (x_m, y_m) = calibration.to_fm(np.array([scanned.center_m]))[0].tolist()
    rows, columns = upright.shape
    (x, y) = to_pixels(pose, (rows, columns), np.array([[x_m, y_m]]))[0].tolist()
    # Half pixels are middles of an odd number of pixels.
    middle_x, middle_y = round(2 * x) / 2, round(2 * y) / 2
    half_x, half_y = min(middle_x, columns - middle_x), min(middle_y, rows - middle_y)
    if min(half_x, half_y) < 1:
        return None
    left, right = round(middle_x - half_x), round(middle_x + half_x)
    top, bottom = round(middle_y - half_y), round(middle_y + half_y)
    size_m = pose.pixel_size_m[0]
    middle_m = (
        pose.center_m[0] + (middle_x - columns / 2) * size_m,
        pose.center_m[1] - (middle_y - rows / 2) * size_m,
    )
    return Pair(
        middle_m,
        Picture(upright[top:bottom, left:right], size_m * 1e6),
        Picture(_as_fluorescence_has_it(overview, scanned, middle_m, calibration), pixel_m * 1e6),
    )


def _upright(pixels: Pixels, pose: Pose) -> tuple[NDArray[np.generic], Pose]:
    """Return a frame without its rotation, mirroring, and difference between width and height of pixels."""
    size_m = min(pose.pixel_size_m)
    plain = Pose(pose.center_m, (size_m, size_m))
    if pose == plain:
        return pixels, pose
    shape = pixels.shape[0], pixels.shape[1]
    # Where the pixels of the upright frame lie in the one taken.
    corners_px = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    taken = to_pixels(pose, shape, to_stage(plain, shape, corners_px))
    return _warped(pixels, taken, shape), plain


def _as_fluorescence_has_it(
    overview: Pixels, scanned: Pose, middle_m: tuple[float, float], calibration: FmToSem
) -> NDArray[np.generic]:
    """Return an overview turned and scaled back by the calibration, with another middle, on its own grid."""
    shape = overview.shape[0], overview.shape[1]
    corners_px = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    plain = Pose(middle_m, scanned.pixel_size_m)
    taken = to_pixels(scanned, shape, calibration.to_sem(to_stage(plain, shape, corners_px)))
    if np.allclose(taken, corners_px, atol=1e-6):
        return overview
    return _warped(overview, taken, shape)


def _warped(pixels: Pixels, corners_px: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.generic]:
    """Return an image whose pixel corners (0, 0), (1, 0), (0, 1) lie at some places of another."""
    across, down = corners_px[1] - corners_px[0], corners_px[2] - corners_px[0]
    # OpenCV counts from the middles of pixels.
    origin = corners_px[0] + (across + down) / 2 - 0.5
    matrix = np.stack([across, down, origin], axis=1)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(
        cv2.warpAffine(pixels, matrix, shape[::-1], flags=flags, borderMode=cv2.BORDER_REPLICATE)
    )
