"""Spots that two frames show at the same pixels of the camera: dust, unless the specimen has not moved."""

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from detection.registration.correlation import Raster
from detection.registration.landmarks import Landmarks
from detection.registration.rigid import pixels_of_plane
from detection.registration.settings import SETTINGS

_SETTINGS = SETTINGS.camera_spots


def fixed_spots(one: Raster, other: Raster) -> NDArray[np.bool_]:
    """Find the spots that two frames of one shape show at the same pixels.

    Returns
    -------
    (rows, columns) array of bool
    """
    return np.asarray(_bright(one) & _shown(one, other) | _bright(other) & _shown(other, one))


def same_specimen(one: Raster, other: Raster) -> bool:
    """Return True if most bright spots of either of two frames lie at the same pixels in both."""
    return min(_same_share(one, other), _same_share(other, one)) >= _SETTINGS.same_specimen


def raster_without(image: Raster, excluded: NDArray[np.bool_]) -> Raster:
    """Blank some pixels of an image and those around them."""
    return replace(image, image=np.where(_dilated(excluded), np.float32(0), image.image))


def landmarks_without(found: Landmarks, excluded: NDArray[np.bool_], image: Raster) -> Landmarks:
    """Drop the landmarks of a frame at and around some pixels of its image."""
    shape, pixel_um = image.grid
    column, row = np.floor(pixels_of_plane(found.positions_um, shape, pixel_um)).astype(np.intp).T
    kept = ~_dilated(excluded)[np.clip(row, 0, shape[0] - 1), np.clip(column, 0, shape[1] - 1)]
    return Landmarks(found.positions_um[kept], found.directions_rad[kept], found.descriptors[kept])


def _same_share(one: Raster, other: Raster) -> float:
    """Share of the bright spots of a frame that another one shows at the same pixels, 0..1."""
    bright = _bright(one)
    count, labels = cv2.connectedComponents(bright.astype(np.uint8))
    numbers = np.asarray(labels).ravel()
    area = np.bincount(numbers, minlength=count)[1:]
    shown = np.bincount(numbers[(bright & _shown(one, other)).ravel()], minlength=count)[1:]
    large = area >= _SETTINGS.fewest_px
    return float((2 * shown >= area)[large].mean()) if large.any() else 1.0


def _bright(image: Raster) -> NDArray[np.bool_]:
    values = _smooth(image)
    low, middle = np.percentile(values[image.mask], (16, 50)) if image.mask.any() else (0.0, 0.0)
    return np.asarray(
        image.mask & (values > max(_SETTINGS.bright, _SETTINGS.bright_sd * float(middle - low)))
    )


def _shown(one: Raster, other: Raster) -> NDArray[np.bool_]:
    """Mask the pixels where another frame is bright as well, or shows nothing."""
    return np.asarray(~other.mask | (_smooth(other) >= _SETTINGS.shown_share * _smooth(one)))


def _smooth(image: Raster) -> NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(image.image, (0, 0), _SETTINGS.smoothing_px), dtype=np.float32)


def _dilated(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    kernel = np.ones((2 * _SETTINGS.extent_px + 1,) * 2, np.uint8)
    return np.asarray(cv2.dilate(mask.astype(np.uint8), kernel)) > 0
