"""Fluorescence and overview of a field as two pictures with one middle and the same axes."""

import numpy as np
import pytest
from numpy.typing import NDArray

from detection.registration.rigid import plane_of_pixels
from drivers.pose import FmToSem, Pose, to_pixels
from service.acquisition.overviews.pictures import pair_of

POINTS_M = np.array([[-8e-6, 5e-6], [9e-6, 7e-6], [2e-6, -11e-6]])
CALIBRATION = FmToSem((2e-6, -1e-6), 0.02, 1.005, 0.004)


def blobs(pose: Pose, shape: tuple[int, int], points_m: NDArray[np.float64]) -> NDArray[np.uint16]:
    """Return an image of points, each a blob of 0.5 um."""
    rows, columns = np.indices(shape) + 0.5
    image = np.zeros(shape)
    for x, y in to_pixels(pose, shape, points_m):
        radius_px = 0.5e-6 / pose.pixel_size_m[0]
        image += np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * radius_px**2))
    return (image * 40000).astype(np.uint16)


def found_um(pixels: NDArray[np.generic], pixel_um: float, near_um: NDArray[np.float64]) -> list[float]:
    """Return how far blobs lie from where they should be in the plane of an image, um."""
    off = []
    values = pixels.astype(float)
    shape = pixels.shape[0], pixels.shape[1]
    columns, rows = np.meshgrid(np.arange(shape[1]) + 0.5, np.arange(shape[0]) + 0.5)
    plane = plane_of_pixels(np.stack([columns.ravel(), rows.ravel()], axis=1), shape, pixel_um)
    for point in near_um:
        weight = np.where(np.hypot(*(plane - point).T) < 2, values.ravel(), 0)
        off.append(float(np.hypot(*((weight[:, None] * plane).sum(axis=0) / weight.sum() - point))))
    return off


@pytest.mark.parametrize(
    "pose",
    [
        Pose((1e-3, 2e-3), (178e-9, 178e-9)),
        Pose((1e-3, 2e-3), (178e-9, 179e-9), 0.05),
        Pose((1e-3, 2e-3), (178e-9, 178e-9), -0.02, True, False),
        Pose((1e-3, 2e-3), (178e-9, 178e-9), 0.0, False, True),
    ],
)
@pytest.mark.parametrize("calibration", [FmToSem(), CALIBRATION])
def test_both_pictures_show_the_same_at_the_same_place(pose: Pose, calibration: FmToSem) -> None:
    middle_m = np.array([1e-3 + 1.3e-6, 2e-3 - 0.7e-6])
    points_m = middle_m + POINTS_M
    x, y = calibration.to_sem(middle_m[None])[0].tolist()
    scanned = Pose((x, y), (100e-9, 100e-9))
    light = blobs(pose, (256, 240), points_m)
    electrons = blobs(scanned, (320, 320), calibration.to_sem(points_m))
    pair = pair_of(light, pose, electrons, scanned, calibration)
    assert pair is not None
    assert np.hypot(*(np.array(pair.center_m) - middle_m)) < 178e-9
    near_um = (points_m - pair.center_m) * 1e6
    for picture in (pair.fluorescence, pair.overview):
        assert max(found_um(picture.pixels, picture.pixel_size_um, near_um)) < 0.02


def test_boxes_are_whole_pixels_around_cells() -> None:
    pose = Pose((0.0, 0.0), (2e-7, 2e-7))
    light = np.zeros((100, 100), np.uint16)
    pair = pair_of(light, pose, np.zeros((80, 80), np.uint8), Pose((0.0, 0.0), (1e-7, 1e-7)), FmToSem())
    assert pair is not None
    assert pair.box_px((-4e-6, -2e-6, 2.1e-6, 6e-6)) == (30, 20, 61, 60)
    assert pair.ground_m == pytest.approx((-1e-5, -1e-5, 1e-5, 1e-5))


def test_an_overview_beside_the_field_makes_no_pair() -> None:
    pose = Pose((0.0, 0.0), (2e-7, 2e-7))
    beside = Pose((5e-5, 0.0), (1e-7, 1e-7))
    assert pair_of(np.zeros((99, 99), np.uint16), pose, np.zeros((9, 9), np.uint8), beside, FmToSem()) is None
