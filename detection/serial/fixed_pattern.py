"""Detections that are fixed in the camera and not in the specimen: they stay while the cells move.

Camera frames are compared pixel by pixel, each in its own coordinates, also where several of them make the
mosaic of a section.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from detection.image.boxes import BoxPx, intersection_px, iou
from detection.registration.rigid import Ellipse, box_around, ellipse_in
from detection.serial.pooling import Layer
from detection.serial.settings import SETTINGS
from detection.tracking.tracker import Place

REASON = "not imaged: fixed in the camera"
_SETTINGS = SETTINGS.fixed_pattern


@dataclass(frozen=True, slots=True)
class _CameraFrame:
    """One frame of the camera.

    Attributes
    ----------
    window : BoxPx
        Its box in the frame of the section.
    intensity : (rows, columns) array of float32
        Means of blocks, without background.
    """

    window: BoxPx
    intensity: NDArray[np.float32]


@dataclass(frozen=True)
class CameraFrames:
    """The camera frames of a section and its detections, for the search for fixed pattern.

    Attributes
    ----------
    place : Place
    boxes : tuple of BoxPx
        Detections of the section by itself, without a margin.
    layer : Layer
    """

    place: Place
    boxes: tuple[BoxPx, ...]
    layer: Layer

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.layer.frame.shape

    @property
    def pixel_size_um(self) -> float:
        """Size of a pixel, um."""
        return self.layer.frame.pixel_size_um

    @cached_property
    def block_px(self) -> int:
        """Side of a block, px."""
        return max(round(_SETTINGS.block_um / self.pixel_size_um), 1)

    @cached_property
    def frames(self) -> tuple[_CameraFrame, ...]:
        """The camera frames, in the order of exposure."""
        result = []
        for window in self.layer.frame.windows:
            part = self.layer.residual[window.slices]
            rows, columns = (side // self.block_px for side in part.shape)
            whole = part[: rows * self.block_px, : columns * self.block_px]
            intensity = cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA)
            result.append(_CameraFrame(window, np.asarray(intensity, dtype=np.float32)))
        return tuple(result)

    def frame_of(self, box: BoxPx) -> _CameraFrame | None:
        """Return the camera frame that shows a box; None if the box spans several."""
        # The first one counts where they overlap.
        first = next((one for one in self.frames if intersection_px(one.window, box)), None)
        return first if first is not None and first.window.contains(box) else None


def find_fixed(own: CameraFrames, others: Sequence[CameraFrames]) -> tuple[BoxPx, ...]:
    """Find the detections of a section that are fixed in the camera.

    A detection is fixed if other camera frames, under which the specimen has moved, show all of its intensity
    at the same pixels: a cell there would leave some intensity unexplained. It is not fixed if most sections
    show something at the place to which the specimen has moved.

    Parameters
    ----------
    own : CameraFrames
    others : sequence of CameraFrames
        Those of its chain count.

    Returns
    -------
    tuple of BoxPx
    """
    comparable = [
        other
        for other in others
        if other.place.chain == own.place.chain
        and other.place.index != own.place.index
        and other.pixel_size_um == own.pixel_size_um
    ]
    found: list[BoxPx] = []
    for frame in own.frames:
        rest = [
            (other, theirs)
            for other in (own, *comparable)
            for theirs in other.frames
            if theirs is not frame and theirs.intensity.shape == frame.intensity.shape
        ]
        boxes = [box for box in own.boxes if own.frame_of(box) is frame]
        if boxes and len(rest) >= _SETTINGS.fewest - 1:
            intensities = np.stack([frame.intensity, *(theirs.intensity for _, theirs in rest)])
            found += [box for box in boxes if _is_fixed(box, frame, own, comparable, rest, intensities)]
    return tuple(found)


def _is_fixed(
    box: BoxPx,
    frame: _CameraFrame,
    own: CameraFrames,
    comparable: Sequence[CameraFrames],
    rest: Sequence[tuple[CameraFrames, _CameraFrame]],
    intensities: NDArray[np.float32],
) -> bool:
    """Return True if a box is fixed; `intensities` are of its camera frame and of the `rest`."""
    inside = _blocks(box, frame, own.block_px)
    if min(one.stop - one.start for one in inside) < 1:
        return False
    shown = intensities[(slice(None), *inside)]
    means = np.add.reduce(shown, axis=(1, 2)) / np.float32(shown[0].size)
    # Most detections end here or at the next: hardly any other frame shows the same at the same pixels.
    if (means[1:] >= _SETTINGS.least_shown * means[0]).sum() < _SETTINGS.fewest - 1:
        return False
    contrasts = _contrasts(intensities, inside)
    noise = own.layer.noise_adu / own.block_px
    if not _is_similar(contrasts[0], contrasts[1:], noise):
        return False
    ellipse = ellipse_in(box, own.shape, own.pixel_size_um)
    moved = [n for n, one in enumerate(rest, start=1) if _has_moved(box, ellipse, frame, own, *one)]
    if len(moved) < _SETTINGS.fewest - 1 or not _explained(contrasts[0], contrasts[moved], noise):
        return False
    seen, looked = _seen_moved(ellipse, own, comparable)
    if len(moved) < _SETTINGS.fewest:
        return looked > 0 and seen == 0
    return seen <= _SETTINGS.mostly * looked


def _blocks(box: BoxPx, frame: _CameraFrame, block_px: int) -> tuple[slice, slice]:
    """Return the blocks of a camera frame that lie wholly in a box."""
    left, top = frame.window.x0, frame.window.y0
    return (
        slice(-((top - box.y0) // block_px), (box.y1 - top) // block_px),
        slice(-((left - box.x0) // block_px), (box.x1 - left) // block_px),
    )


def _has_moved(
    box: BoxPx,
    ellipse: Ellipse,
    frame: _CameraFrame,
    own: CameraFrames,
    other: CameraFrames,
    theirs: _CameraFrame,
) -> bool:
    """Return True if another camera frame shows the pixels of a box, and other specimen there."""
    right, down = theirs.window.x0 - frame.window.x0, theirs.window.y0 - frame.window.y0
    same = BoxPx(*(max(side, 0) for side in (box.x0 + right, box.y0 + down, box.x1 + right, box.y1 + down)))
    if other.frame_of(same) is not theirs:
        return False
    there = ellipse_in(same, other.shape, own.pixel_size_um).center_um
    moved = ellipse.moved(own.place.onto(other.place)).center_um
    return any(
        abs(a - b) > 2 * _SETTINGS.far * half
        for a, b, half in zip(moved, there, ellipse.half_um, strict=True)
    )


def _contrasts(intensities: NDArray[np.float32], inside: tuple[slice, slice]) -> NDArray[np.float32]:
    """Return intensities in a box over those around it: the light path is fixed in the camera as well."""
    rows, columns = inside
    margin = max(rows.stop - rows.start, columns.stop - columns.start) // 2 + 1
    top, left = max(rows.start - margin, 0), max(columns.start - margin, 0)
    part = intensities[:, top : rows.stop + margin, left : columns.stop + margin]
    around = np.ones(part.shape[1:], dtype=np.bool_)
    around[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left] = False
    background = _middles(part[:, around]) if around.any() else np.zeros(len(part), np.float32)
    return np.asarray(intensities[(slice(None), *inside)] - background[:, None, None])


def _middles(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the median of each row, without the checks that take most of the time of numpy's."""
    low, high = (values.shape[1] - 1) // 2, values.shape[1] // 2
    ordered = np.partition(values, (low, high), axis=1)
    return np.asarray((ordered[:, low] + ordered[:, high]) / 2, np.float32)


def _is_similar(own: NDArray[np.float32], others: NDArray[np.float32], noise: float) -> bool:
    """Return True if a detection is bright enough to compare, and some other frames show it and no more.

    Parameters
    ----------
    own, others : (rows, columns), (N, rows, columns) array of float32
        Contrasts of blocks.
    noise : float
        Standard deviation of a block.
    """
    level = float(own.mean())
    most_apart = math.sqrt(2) * (_SETTINGS.left_share * level + _SETTINGS.left_sd * noise)
    alike = np.abs(others - own).max(axis=(1, 2)) <= most_apart
    return (
        level >= _SETTINGS.least_sd * noise / math.sqrt(own.size) and int(alike.sum()) >= _SETTINGS.fewest - 1
    )


def _explained(own: NDArray[np.float32], others: NDArray[np.float32], noise: float) -> bool:
    """Return True if other frames show all the intensity of a detection, but for noise; see `_is_similar`."""
    rank, level = len(others) // _SETTINGS.darkest, float(own.mean())
    mean_left = level - float(np.sort(others.mean(axis=(1, 2)))[rank])
    left = float((own - np.partition(others, rank, axis=0)[rank]).max())
    return (
        mean_left <= _SETTINGS.mean_left_share * level + _SETTINGS.mean_left_sd * noise / math.sqrt(own.size)
        and left <= _SETTINGS.left_share * level + _SETTINGS.left_sd * noise
        and _is_similar(own, others, noise)
    )


def _seen_moved(ellipse: Ellipse, own: CameraFrames, comparable: Sequence[CameraFrames]) -> tuple[int, int]:
    """Count the sections with a detection at the moved place, and the sections that show that place."""
    seen = looked = 0
    for other in comparable:
        motion = own.place.onto(other.place)
        center = np.array([ellipse.center_um])
        if (np.abs(motion.apply(center) - center) <= 2 * _SETTINGS.far * np.array(ellipse.half_um)).all():
            continue
        box = box_around(ellipse.moved(motion), other.shape, other.pixel_size_um)
        if box is not None:
            looked += 1
            seen += any(iou(box, one) >= _SETTINGS.same_cell for one in other.boxes)
    return seen, looked
