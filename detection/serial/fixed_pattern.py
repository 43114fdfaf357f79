"""What is fixed in the camera and not in the specimen: it stays where it is while the cells move.

Frames of the camera are compared pixel by pixel, each in its own coordinates, also where several of them make
the mosaic of a section.
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
from detection.tracking.tracker import Place

REASON = "not imaged: fixed in the camera"
FEWEST = 3
"""Other frames under which the ground has moved; where there are only two, the neighbours decide."""
FAR = 0.75
"""Of the diameter: what has moved less is at the same place either way."""
BLOCK_UM = 0.7
"""Light is compared in blocks of about this size."""
LEAST_SHOWN = 0.7
"""Of the light of a detection; a frame that shows less at the same pixels is not looked at further."""
MEAN_LEFT_SHARE, MEAN_LEFT_SD = 0.07, 3.0
"""What the mean light of a detection may have beyond the others: a share of it, and noise."""
LEAST_SD = 20.0
"""Of the mean light, in deviations of its noise: what is fainter cannot be told from the ground of others."""
LEFT_SHARE, LEFT_SD = 0.2, 5.0
"""The same of each block; edges are sampled anew in every mosaic."""
DARKEST = 4
"""One in so many of the others may be darker: sections are exposed anew, and stray light differs."""
SAME_CELL = 0.25
MOSTLY = 0.5
"""Of the sections that show the place to which the specimen moved: a cell is seen there in more."""


@dataclass(frozen=True, slots=True)
class _View:
    """One frame of the camera.

    Attributes
    ----------
    window : BoxPx
        Where it lies in the frame of its section.
    light : (rows, columns) array of float32
        Mean of blocks of it, without background.
    """

    window: BoxPx
    light: NDArray[np.float32]


@dataclass(frozen=True)
class Evidence:
    """What a section says about what is fixed.

    Attributes
    ----------
    place : Place
    boxes : tuple of BoxPx
        Detections of this section alone, without a margin.
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
    def sides(self) -> NDArray[np.int64]:
        """``x0, y0, x1, y1`` of the boxes, (4, N), px."""
        return np.array([box.as_tuple() for box in self.boxes], dtype=np.int64).reshape(-1, 4).T

    @cached_property
    def block_px(self) -> int:
        """Pixels on a side of a block."""
        return max(round(BLOCK_UM / self.pixel_size_um), 1)

    @cached_property
    def views(self) -> tuple[_View, ...]:
        """The frames of the camera, in the order of exposure."""
        result = []
        for window in self.layer.frame.windows:
            part = self.layer.residual[window.slices]
            rows, columns = (side // self.block_px for side in part.shape)
            whole = part[: rows * self.block_px, : columns * self.block_px]
            light = cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA)
            result.append(_View(window, np.asarray(light, dtype=np.float32)))
        return tuple(result)

    def view_of(self, box: BoxPx) -> _View | None:
        """Return the frame of the camera that shows a box; None where it takes several."""
        # The first one counts where they overlap.
        first = next((view for view in self.views if intersection_px(view.window, box)), None)
        return first if first is not None and first.window.contains(box) else None


def fixed_boxes(own: Evidence, others: Sequence[Evidence]) -> tuple[BoxPx, ...]:
    """Find the detections of a section that are fixed in the camera.

    A detection is one if other frames of the camera under which the ground has moved show all of its light at
    the same pixels: were there a cell too, some of the light would be left. It is none if most sections show
    something where the specimen has moved it.

    Parameters
    ----------
    own : Evidence
    others : sequence of Evidence
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
    for view in own.views:
        rest = [
            (other, theirs)
            for other in (own, *comparable)
            for theirs in other.views
            if theirs is not view and theirs.light.shape == view.light.shape
        ]
        boxes = [box for box in own.boxes if own.view_of(box) is view]
        if boxes and len(rest) >= FEWEST - 1:
            lights = np.stack([view.light, *(theirs.light for _, theirs in rest)])
            found += [box for box in boxes if _is_fixed(box, view, own, comparable, rest, lights)]
    return tuple(found)


def _is_fixed(
    box: BoxPx,
    view: _View,
    own: Evidence,
    comparable: Sequence[Evidence],
    rest: Sequence[tuple[Evidence, _View]],
    lights: NDArray[np.float32],
) -> bool:
    """Whether a box is fixed; `lights` are those of its frame of the camera and of the `rest`."""
    inside = _blocks(box, view, own.block_px)
    if min(one.stop - one.start for one in inside) < 1:
        return False
    means = lights[(slice(None), *inside)].mean(axis=(1, 2))
    # Most detections end here or at the next: hardly any other frame shows the same at the same pixels.
    if (means[1:] >= LEAST_SHOWN * means[0]).sum() < FEWEST - 1:
        return False
    contrasts = _contrasts(lights, inside)
    noise = own.layer.noise_adu / own.block_px
    if not _alike(contrasts[0], contrasts[1:], noise):
        return False
    ellipse = ellipse_in(box, own.shape, own.pixel_size_um)
    moved = [n for n, one in enumerate(rest, start=1) if _has_moved(box, ellipse, view, own, *one)]
    if len(moved) < FEWEST - 1 or not _explained(contrasts[0], contrasts[moved], noise):
        return False
    seen, looked = _seen_moved(ellipse, own, comparable)
    if len(moved) < FEWEST:
        return looked > 0 and seen == 0
    return seen <= MOSTLY * looked


def _blocks(box: BoxPx, view: _View, block_px: int) -> tuple[slice, slice]:
    """Blocks of a frame of the camera that lie wholly in a box."""
    left, top = view.window.x0, view.window.y0
    return (
        slice(-((top - box.y0) // block_px), (box.y1 - top) // block_px),
        slice(-((left - box.x0) // block_px), (box.x1 - left) // block_px),
    )


def _has_moved(
    box: BoxPx, ellipse: Ellipse, view: _View, own: Evidence, other: Evidence, theirs: _View
) -> bool:
    """Whether another frame of the camera shows the pixels of a box, and other ground there."""
    right, down = theirs.window.x0 - view.window.x0, theirs.window.y0 - view.window.y0
    same = BoxPx(*(max(side, 0) for side in (box.x0 + right, box.y0 + down, box.x1 + right, box.y1 + down)))
    if other.view_of(same) is not theirs:
        return False
    there = ellipse_in(same, other.shape, own.pixel_size_um).center_um
    ground = ellipse.moved(own.place.onto(other.place)).center_um
    return any(abs(a - b) > 2 * FAR * half for a, b, half in zip(ground, there, ellipse.half_um, strict=True))


def _contrasts(lights: NDArray[np.float32], inside: tuple[slice, slice]) -> NDArray[np.float32]:
    """Light of frames inside a box over that around it: the light path is fixed in the camera as well."""
    rows, columns = inside
    margin = max(rows.stop - rows.start, columns.stop - columns.start) // 2 + 1
    top, left = max(rows.start - margin, 0), max(columns.start - margin, 0)
    part = lights[:, top : rows.stop + margin, left : columns.stop + margin]
    around = np.ones(part.shape[1:], dtype=np.bool_)
    around[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left] = False
    ground = np.median(part[:, around], axis=1) if around.any() else np.zeros(len(part), np.float32)
    return np.asarray(lights[(slice(None), *inside)] - ground[:, None, None])


def _alike(own: NDArray[np.float32], others: NDArray[np.float32], noise: float) -> bool:
    """Whether a detection is bright enough to be told, and some other frames show it and no more.

    Parameters
    ----------
    own, others : (rows, columns), (N, rows, columns) array of float32
        Contrasts of blocks.
    noise : float
        Standard deviation of a block.
    """
    level = float(own.mean())
    most_apart = math.sqrt(2) * (LEFT_SHARE * level + LEFT_SD * noise)
    alike = np.abs(others - own).max(axis=(1, 2)) <= most_apart
    return level >= LEAST_SD * noise / math.sqrt(own.size) and int(alike.sum()) >= FEWEST - 1


def _explained(own: NDArray[np.float32], others: NDArray[np.float32], noise: float) -> bool:
    """Whether other frames show all the light of a detection, but for noise; arguments as of `_alike`."""
    rank, level = len(others) // DARKEST, float(own.mean())
    mean_left = level - float(np.sort(others.mean(axis=(1, 2)))[rank])
    left = float((own - np.partition(others, rank, axis=0)[rank]).max())
    return (
        mean_left <= MEAN_LEFT_SHARE * level + MEAN_LEFT_SD * noise / math.sqrt(own.size)
        and left <= LEFT_SHARE * level + LEFT_SD * noise
        and _alike(own, others, noise)
    )


def _seen_moved(ellipse: Ellipse, own: Evidence, comparable: Sequence[Evidence]) -> tuple[int, int]:
    """In how many sections a detection is seen where the specimen has moved it, of how many that show it."""
    seen = looked = 0
    for other in comparable:
        motion = own.place.onto(other.place)
        center = np.array([ellipse.center_um])
        if (np.abs(motion.apply(center) - center) <= 2 * FAR * np.array(ellipse.half_um)).all():
            continue
        box = box_around(ellipse.moved(motion), other.shape, other.pixel_size_um)
        if box is not None:
            looked += 1
            seen += any(iou(box, one) >= SAME_CELL for one in other.boxes)
    return seen, looked
