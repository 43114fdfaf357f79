"""Motion between two sections by their electron images."""

import math

import cv2
import numpy as np
import pytest

from detection.registration.rigid import Rigid, warp_matrix
from service.stitching.serial.registration import (
    SIGNIFICANT,
    closely,
    find_rotation,
    rotation_closely,
    shift_at,
)
from service.stitching.serial.views import CellView, view_of
from tests.service.stitching.textures import ground

PIXEL_UM = 0.05
SIZE = ((280, 320), PIXEL_UM)


def views(seed: int, motion: Rigid, noise: float = 20.0) -> tuple[CellView, CellView]:
    """Views of some ground, and of the same after a motion, neither quite the same as the other."""
    rng = np.random.default_rng(seed)
    whole, other = ground(seed, 900), ground(seed + 100, 900)
    at = ((900, 900), PIXEL_UM)
    first = cv2.warpAffine(whole, warp_matrix(Rigid(), at, SIZE), SIZE[0][::-1], flags=cv2.INTER_CUBIC)
    changed = np.asarray(0.7 * whole + 0.3 * other, dtype=np.float32)
    second = cv2.warpAffine(changed, warp_matrix(motion, at, SIZE), SIZE[0][::-1], flags=cv2.INTER_CUBIC)
    images = [
        np.clip(one + noise * rng.standard_normal(one.shape), 1, 255).astype(np.uint8)
        for one in (first, second)
    ]
    middle = motion.apply(np.zeros((1, 2)))[0] + (0.8, -0.6)
    return view_of(images[0], PIXEL_UM, (0.0, 0.0)), view_of(
        images[1], PIXEL_UM, (float(middle[0]), float(middle[1]))
    )


@pytest.mark.parametrize("degrees", [1.3, -40.0, 172.0])
def test_rotation_and_shift_are_found_where_nothing_is_known(degrees: float) -> None:
    motion = Rigid(math.radians(degrees), (1.24, -0.87))
    pair = views(3, motion)
    rotation = find_rotation([pair], None)
    assert math.degrees(abs(math.remainder(rotation - motion.rotation_rad, math.tau))) < 0.2
    found = shift_at(*pair, rotation)
    assert found is not None
    assert found.peak.significance > SIGNIFICANT
    assert found.motion.distance_um(motion, 5.0) < 0.06


def test_a_known_rotation_is_refined() -> None:
    motion = Rigid(math.radians(31.6), (-2.0, 0.4))
    pair = views(4, motion)
    rotation = find_rotation([pair], math.radians(28))
    assert math.degrees(abs(rotation - motion.rotation_rad)) < 0.2


def test_an_outline_that_shrinks_does_not_pull_the_image_along() -> None:
    inside = ground(6, 900)[: SIZE[0][0], : SIZE[0][1]]
    images = []
    for seed, radius_px in ((1, 230), (2, 224)):
        image = inside + 20 * np.random.default_rng(seed).standard_normal(inside.shape)
        # The lower half of two outlines: of the cell and, fainter, of its nucleus.
        for radius, width in ((radius_px, 8), (radius_px - 70, 8)):
            cv2.circle(image, (160, 20), radius, 10.0, width)
        images.append(view_of(np.clip(image, 1, 255).astype(np.uint8), PIXEL_UM, (0.0, 0.0)))
    coarse = shift_at(images[1], images[0], 0.0)
    assert coarse is not None
    close = closely(images[1], images[0], coarse.motion)
    assert close is not None
    off_um = [math.hypot(*one.motion.shift_um) for one in (coarse, close)]
    assert off_um[1] < min(0.02, off_um[0])


def test_the_rotation_of_proven_cells_is_measured() -> None:
    motion = Rigid(math.radians(12.2), (0.6, -0.3))
    pairs = [views(seed, motion) for seed in (3, 4, 5)]
    begun = math.radians(13.1)
    found = [shift_at(*pair, begun) for pair in pairs]
    rotation = rotation_closely(pairs, [one.motion for one in found if one is not None])
    assert math.degrees(abs(rotation - motion.rotation_rad)) < 0.1


@pytest.mark.parametrize("start_rad", [None, 0.4])
def test_other_ground_is_not_significant(start_rad: float | None) -> None:
    one, _ = views(5, Rigid())
    _, other = views(15, Rigid())
    found = shift_at(one, other, find_rotation([(one, other)], start_rad))
    assert found is None or found.peak.significance < SIGNIFICANT


def test_an_image_of_nothing_is_no_error() -> None:
    empty = view_of(np.zeros((400, 300), np.uint8), PIXEL_UM, (0.0, 0.0))
    one, _ = views(8, Rigid())
    assert shift_at(empty, one, 0.3) is None
    assert shift_at(one, empty, 0.3) is None
    tiny = view_of(np.ones((2, 1), np.uint8), PIXEL_UM, (0.0, 0.0))
    assert shift_at(tiny, one, 0.0) is None
    assert closely(tiny, one, Rigid()) is None
    assert find_rotation([(empty, tiny)], 0.1) == pytest.approx(0.1, abs=math.radians(9))
