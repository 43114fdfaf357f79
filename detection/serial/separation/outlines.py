"""Which pixels of a frame belong to which detection, so that merged cells can be taken apart."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import scipy.ndimage as ndi
from numpy.typing import NDArray

from detection.image.boxes import BoxPx
from detection.serial.separation.coarse_image import CoarseLight

CERTAIN_SD = 2.5
LIGHT_SHARE = 0.3
"""Of the usual light of a detection: what has less is its blur."""
LEAST_FILLED = 0.3
"""Of the ellipse in its box; where so little stands out the detection is taken for that ellipse."""


@dataclass(frozen=True, slots=True)
class Outlines:
    """Detections as numbered pixels, on a grid of about 0.36 um.

    Attributes
    ----------
    labels : (rows, columns) array of int32
        0 for ground, n for detection n, counted from 1.
    shrink : int
        Pixels of the frame on a side of one of these.
    pixel_um : float
        Size of one of these.
    alone : tuple of int
        For each, in how many sections it was seen as a detection of its own so far.
    """

    labels: NDArray[np.int32]
    shrink: int
    pixel_um: float
    alone: tuple[int, ...] = ()

    @property
    def grid(self) -> tuple[tuple[int, int], float]:
        """Shape and pixel size, um."""
        return (self.labels.shape[0], self.labels.shape[1]), self.pixel_um

    def areas_um2(self, count: int) -> list[float]:
        """Areas of the first `count` detections."""
        pixels = np.bincount(self.labels.ravel(), minlength=count + 1)[1 : count + 1]
        return [float(n) * self.pixel_um**2 for n in pixels]


def outlines(light: CoarseLight, boxes: Sequence[BoxPx]) -> Outlines:
    """Find the pixels of detections: what stands out in their boxes, holes filled.

    Where boxes overlap, a pixel belongs to the smaller one.

    Parameters
    ----------
    light : CoarseLight
    boxes : sequence of BoxPx
        As found, without a margin.
    """
    shrink = light.shrink
    labels = np.zeros(light.light.shape, dtype=np.int32)
    result = Outlines(labels, shrink, light.pixel_um, (1,) * len(boxes))
    certain = CERTAIN_SD * light.noise_adu
    for number in sorted(range(len(boxes)), key=lambda n: (-boxes[n].area_px, n)):
        box = boxes[number]
        place = (
            slice(box.y0 // shrink, -(-box.y1 // shrink)),
            slice(box.x0 // shrink, -(-box.x1 // shrink)),
        )
        labels[place][_stands_out(light.light[place], certain)] = number + 1
    return result


def _stands_out(light: NDArray[np.float32], certain: float) -> NDArray[np.bool_]:
    mask = light > certain
    if mask.any():
        mask &= light > LIGHT_SHARE * float(np.median(light[mask]))
        mask = filled(mask)
    rows, columns = light.shape
    y, x = np.ogrid[:rows, :columns]
    oval = ((x + 0.5) / columns - 0.5) ** 2 + ((y + 0.5) / rows - 0.5) ** 2 <= 0.25
    return mask if mask.sum() >= LEAST_FILLED * oval.sum() else np.asarray(oval)


def filled(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Fill holes: what is not in a mask and not joined to its surroundings by the sides of pixels."""
    # From a corner of a margin, so that all ground round the mask is reached.
    flooded = np.pad(mask.astype(np.uint8), 1)
    cv2.floodFill(flooded, None, (0, 0), (2,), flags=4)
    return np.asarray(flooded[1:-1, 1:-1] != 2, dtype=np.bool_)


def spread(seeds: NDArray[np.int32], mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Give each pixel of a mask the number of the nearest seed within it; 0 outside."""
    inside = np.where(mask, seeds, 0)
    nearest = ndi.distance_transform_edt(inside == 0, return_distances=False, return_indices=True)
    return np.asarray(np.where(mask, inside[tuple(nearest)], 0), dtype=np.int32)
