"""A specimen derived from recorded fluorescence frames, for the simulated SEM of a replay."""

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_fill_holes
from scipy.spatial import cKDTree

from drivers.pose import to_pixels
from drivers.recorded.devices import PlacedFrame
from simulators.specimen.grid import Floats, Grid
from simulators.specimen.specimen import Face, TruthCell
from simulators.specimen.textures import Sampling, Texture
from simulators.specimen.ultrastructure import paint, paint_resin

_SAMPLING = Sampling((13.0, 29.0, 41.0), 0.7)
_SMOOTH_UM = 0.6
"""Standard deviation of the blur before cells are separated from background, um; chosen by hand."""


class RecordedSpecimen:
    """Ultrastructure where recorded frames show cells. Implements `Specimen`; the truth is unknown.

    A bright area is a cell, a dark hole in it a nucleus; the brighter, the heavier the stain. The images are
    for the eye only, not for measurements.

    Parameters
    ----------
    frames : sequence of PlacedFrame
        Frames; each is analysed when first needed.
    """

    def __init__(self, frames: Sequence[PlacedFrame]) -> None:
        self._frames = tuple(frames)
        self._sections = frozenset(frame.section for frame in frames)
        self._tree = cKDTree(np.array([frame.center_m for frame in frames]) * 1e6)
        self._radius_um = max(Grid.of_pose(f.pose, _shape(f)).radius_um for f in frames)
        self._texture = Texture(0)
        self._last: tuple[PlacedFrame, tuple[Floats, Floats, Floats]] | None = None

    def fluorescence(self, grid: Grid) -> Floats:
        """Return the recorded grey levels above the background, on a grid on the stage."""
        image = np.zeros(grid.shape, np.float32)
        for frame in self._near(grid):
            _paste(image, grid, frame, _above_background(frame))
        return image

    def faces(self, grid: Grid) -> Iterator[Face]:  # noqa: ARG002
        """Yield nothing: recorded fluorescence does not show where the sections end."""
        return iter(())

    def stain(self, grid: Grid) -> Floats:
        """Return the heavy-metal stain on a grid on the stage: 0 none, 1 the heaviest."""
        image = paint_resin(grid, 0.0, self._texture)
        for frame in self._near(grid):
            to_cell, to_nucleus, relative = self._analysed(frame)
            inside = np.full(grid.shape, -5, np.float32)
            inside_nucleus = inside.copy()
            bright = np.zeros(grid.shape, np.float32)
            _paste(inside, grid, frame, to_cell)
            _paste(inside_nucleus, grid, frame, to_nucleus)
            _paste(bright, grid, frame, relative)
            if inside.max() <= 0:
                continue
            depth = float(sum(map(ord, frame.section)))
            paint(image, grid, depth, inside, inside_nucleus, self._texture, _SAMPLING)
            heavier = np.clip(bright, 0, 1) * np.clip(inside / np.float32(0.2), 0, 1)
            image += np.float32(0.18) * heavier * (1 - image)
        return image

    def truth(self, section_id: str) -> tuple[TruthCell, ...]:
        """Return nothing: the true cells of a recorded frame are unknown."""
        if section_id not in self._sections:
            raise KeyError(section_id)
        return ()

    def _analysed(self, frame: PlacedFrame) -> tuple[Floats, Floats, Floats]:
        """Return the depth in cells and in nuclei, um, and the relative brightness; caches the last frame."""
        if self._last is None or self._last[0] is not frame:
            signal = _above_background(frame)
            um = frame.frame.pixel_size_m[0] * 1e6
            cell, nucleus = _outlines(signal, um)
            relative = signal / max(float(np.percentile(signal, 99.5)), 1.0)
            self._last = (frame, (_signed_distance(cell, um), _signed_distance(nucleus, um), relative))
        return self._last[1]

    def _near(self, grid: Grid) -> list[PlacedFrame]:
        found = self._tree.query_ball_point(grid.center_um, grid.radius_um + self._radius_um)
        return [self._frames[n] for n in sorted(found)]


def _shape(frame: PlacedFrame) -> tuple[int, int]:
    rows, columns = frame.frame.pixels.shape
    return rows, columns


def _above_background(frame: PlacedFrame) -> Floats:
    pixels = frame.frame.pixels.astype(np.float32)
    return np.asarray(np.maximum(pixels - np.float32(np.median(pixels)), 0))


def _outlines(signal: Floats, um: float) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return masks of cells, nuclei included, and of nuclei."""
    smooth = np.sqrt(cv2.GaussianBlur(signal, (0, 0), _SMOOTH_UM / um))
    grey = (smooth * (255 / max(float(smooth.max()), 1.0))).astype(np.uint8)
    _, bright = cv2.threshold(grey, 0, 1, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * round(0.7 / um) + 1,) * 2)
    filled = binary_fill_holes(cv2.morphologyEx(bright, cv2.MORPH_CLOSE, kernel)).astype(np.uint8)
    cell = np.asarray(cv2.morphologyEx(filled, cv2.MORPH_OPEN, kernel), dtype=np.uint8)
    nucleus = cv2.morphologyEx(np.asarray(cell * (bright == 0), dtype=np.uint8), cv2.MORPH_OPEN, kernel)
    return cell, np.asarray(nucleus, dtype=np.uint8)


def _signed_distance(mask: NDArray[np.uint8], um: float) -> Floats:
    """Return the distance to the edge of a mask, um, positive inside, smoothed for enlargement."""
    inside = cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    outside = cv2.distanceTransform(1 - mask, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    distance = np.clip((inside - outside) * um, -5, 5)
    return np.asarray(cv2.GaussianBlur(distance, (0, 0), 1.2), dtype=np.float32)


def _paste(image: Floats, grid: Grid, frame: PlacedFrame, values: Floats) -> None:
    """Resample values on the pixels of a frame onto a grid, in place, where the frame lies."""
    to_frame = grid.mapped(lambda um: to_pixels(frame.pose, _shape(frame), um * 1e-6))
    matrix = to_frame.matrix_um.copy()
    # warpAffine counts from pixel centres.
    matrix[:, 2] += matrix[:, :2] @ (0.5, 0.5) - 0.5
    cv2.warpAffine(
        values,
        matrix,
        (grid.shape[1], grid.shape[0]),
        dst=image,
        flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_TRANSPARENT,
    )
