"""What two frames show at the same pixels of the camera: dust, unless the specimen has not moved."""

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from detection.registration.correlation import Raster
from detection.registration.landmarks import Landmarks
from detection.registration.rigid import pixels_of_plane

SMOOTHING_PX = 0.8
BRIGHT, BRIGHT_SD = 0.1, 3.0
"""Of a bright cell, and of the ground: what is compared."""
SHOWN_SHARE = 0.3
"""Of that light, which the other frame must show at the same pixels for it to be the same spot."""
FEWEST_PX = 2
REACH_PX = 2
"""Light of a spot reaches beyond its bright pixels."""
SAME_SPECIMEN = 0.6
"""Of the bright spots of either frame, which the other must show too. Simulated pairs show more where the
specimen has not moved (most .9), and less where a dozen spots of dust lie on other cells (most .2 to .4)."""


def spots(one: Raster, other: Raster) -> NDArray[np.bool_]:
    """Find what two frames of one shape show at the same pixels.

    Returns
    -------
    (rows, columns) array of bool
    """
    return np.asarray(_bright(one) & _shown(one, other) | _bright(other) & _shown(other, one))


def same_specimen(one: Raster, other: Raster) -> bool:
    """Whether most that is bright in either of two frames of one shape lies at the same pixels in both."""
    return min(_same_share(one, other), _same_share(other, one)) >= SAME_SPECIMEN


def raster_without(image: Raster, left_out: NDArray[np.bool_]) -> Raster:
    """Return an image with nothing at some pixels and around them."""
    return replace(image, image=np.where(_wider(left_out), np.float32(0), image.image))


def landmarks_without(found: Landmarks, left_out: NDArray[np.bool_], image: Raster) -> Landmarks:
    """Return the landmarks of a frame that lie elsewhere than at and around some pixels of its image."""
    shape, pixel_um = image.grid
    column, row = np.floor(pixels_of_plane(found.places_um, shape, pixel_um)).astype(np.intp).T
    kept = ~_wider(left_out)[np.clip(row, 0, shape[0] - 1), np.clip(column, 0, shape[1] - 1)]
    return Landmarks(found.places_um[kept], found.directions_rad[kept], found.descriptors[kept])


def _same_share(one: Raster, other: Raster) -> float:
    """Share of the bright spots of a frame that another one shows at the same pixels, 0..1."""
    bright = _bright(one)
    count, labels = cv2.connectedComponents(bright.astype(np.uint8))
    numbers = np.asarray(labels).ravel()
    area = np.bincount(numbers, minlength=count)[1:]
    shown = np.bincount(numbers[(bright & _shown(one, other)).ravel()], minlength=count)[1:]
    large = area >= FEWEST_PX
    return float((2 * shown >= area)[large].mean()) if large.any() else 1.0


def _bright(image: Raster) -> NDArray[np.bool_]:
    values = _smooth(image)
    low, middle = np.percentile(values[image.mask], (16, 50)) if image.mask.any() else (0.0, 0.0)
    return np.asarray(image.mask & (values > max(BRIGHT, BRIGHT_SD * float(middle - low))))


def _shown(one: Raster, other: Raster) -> NDArray[np.bool_]:
    """Where another frame shows the light of this one too, or does not show the place."""
    return np.asarray(~other.mask | (_smooth(other) >= SHOWN_SHARE * _smooth(one)))


def _smooth(image: Raster) -> NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(image.image, (0, 0), SMOOTHING_PX), dtype=np.float32)


def _wider(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    kernel = np.ones((2 * REACH_PX + 1,) * 2, np.uint8)
    return np.asarray(cv2.dilate(mask.astype(np.uint8), kernel)) > 0
