"""Outlines of detections: the pixels of each, so that merged cells can be split."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import scipy.ndimage as ndi
from numpy.typing import NDArray

from detection.image.boxes import BoxPx
from detection.serial.separation.coarse_image import CoarseImage
from detection.serial.separation.settings import SETTINGS

_SETTINGS = SETTINGS.outlines


@dataclass(frozen=True, slots=True)
class Outlines:
    """Detections as numbered pixels, on a grid of about 0.36 um.

    Attributes
    ----------
    labels : (rows, columns) array of int32
        0 for background, n for detection n, counted from 1.
    shrink : int
        Pixels of the frame on the side of one of its pixels.
    pixel_um : float
        Size of one of its pixels.
    sightings : tuple of int
        For each, the number of sections so far that show it as a detection of its own.
    """

    labels: NDArray[np.int32]
    shrink: int
    pixel_um: float
    sightings: tuple[int, ...] = ()

    @property
    def grid(self) -> tuple[tuple[int, int], float]:
        """Shape and pixel size, um."""
        return (self.labels.shape[0], self.labels.shape[1]), self.pixel_um

    def of(self, detections: Sequence[int]) -> "Outlines":
        """Return the outlines of some of the detections, counted from 0, numbered in that order."""
        numbers = np.zeros(len(self.sightings) + 1, dtype=np.int32)
        numbers[np.array(detections, dtype=np.intp) + 1] = np.arange(1, len(detections) + 1)
        kept = tuple(self.sightings[n] for n in detections)
        return Outlines(numbers[self.labels], self.shrink, self.pixel_um, kept)

    def areas_um2(self, count: int) -> list[float]:
        """Return the areas of the first `count` detections."""
        pixels = np.bincount(self.labels.ravel(), minlength=count + 1)[1 : count + 1]
        return [float(n) * self.pixel_um**2 for n in pixels]


def find_outlines(coarse: CoarseImage, boxes: Sequence[BoxPx]) -> Outlines:
    """Find the pixels of detections: the bright ones in their boxes, holes filled.

    Where boxes overlap, a pixel belongs to the smaller one.

    Parameters
    ----------
    coarse : CoarseImage
    boxes : sequence of BoxPx
        As found, without a margin.
    """
    shrink = coarse.shrink
    labels = np.zeros(coarse.intensity.shape, dtype=np.int32)
    result = Outlines(labels, shrink, coarse.pixel_um, (1,) * len(boxes))
    certain = _SETTINGS.certain_sd * coarse.noise_adu
    for number in sorted(range(len(boxes)), key=lambda n: (-boxes[n].area_px, n)):
        box = boxes[number]
        place = (
            slice(box.y0 // shrink, -(-box.y1 // shrink)),
            slice(box.x0 // shrink, -(-box.x1 // shrink)),
        )
        labels[place][_bright_pixels(coarse.intensity[place], certain)] = number + 1
    return result


def _bright_pixels(intensity: NDArray[np.float32], certain: float) -> NDArray[np.bool_]:
    mask = intensity > certain
    if mask.any():
        mask &= intensity > _SETTINGS.intensity_share * float(np.median(intensity[mask]))
        mask = fill_holes(mask)
    rows, columns = intensity.shape
    y, x = np.ogrid[:rows, :columns]
    ellipse = ((x + 0.5) / columns - 0.5) ** 2 + ((y + 0.5) / rows - 0.5) ** 2 <= 0.25
    return mask if mask.sum() >= _SETTINGS.least_filled * ellipse.sum() else np.asarray(ellipse)


def fill_holes(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Fill the holes of a mask: pixels not connected to its surroundings by their sides."""
    # From the corner of a margin, so that all surroundings are reached.
    flooded = np.pad(mask.astype(np.uint8), 1)
    cv2.floodFill(flooded, None, (0, 0), (2,), flags=4)
    return np.asarray(flooded[1:-1, 1:-1] != 2, dtype=np.bool_)


def assign_to_nearest(seeds: NDArray[np.int32], mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Give each pixel of a mask the number of the nearest seed within it; 0 outside."""
    inside = np.where(mask, seeds, 0)
    nearest = ndi.distance_transform_edt(inside == 0, return_distances=False, return_indices=True)
    return np.asarray(np.where(mask, inside[tuple(nearest)], 0), dtype=np.int32)
