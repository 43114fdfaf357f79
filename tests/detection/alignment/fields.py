"""Small fields with an overview, drawn by plain code that shares nothing with the simulators."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from detection.alignment.values import Picture, Similarity
from detection.image.boxes import BoxPx
from detection.registration.rigid import plane_of_pixels

FM_PX, FM_UM = 256, 0.178
EM_PX, EM_UM = 440, 0.1
FIELD_UM = FM_PX * FM_UM


@dataclass(frozen=True, slots=True)
class Discs:
    """Cells of a field: dented discs.

    Attributes
    ----------
    centers_um : (N, 2) array
    radii_um, phases : (N,) arrays
    """

    centers_um: NDArray[np.float64]
    radii_um: NDArray[np.float64]
    phases: NDArray[np.float64]

    def depth_um(self, points_um: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the depth of points (N, 2) in the nearest cell, negative outside."""
        deepest = np.full(len(points_um), -9.0)
        for center, radius, phase in zip(self.centers_um, self.radii_um, self.phases, strict=True):
            x, y = (points_um - center).T
            outline = radius * (1 + 0.15 * np.cos(2 * np.arctan2(y, x) + phase))
            deepest = np.maximum(deepest, outline - np.hypot(x, y))
        return deepest


def cells(seed: int, count: int) -> Discs:
    """Draw cells that do not touch."""
    rng = np.random.default_rng(seed)
    centers: list[NDArray[np.float64]] = []
    while len(centers) < count:
        point = rng.uniform(-FIELD_UM / 2 + 2, FIELD_UM / 2 - 2, 2)
        if all(np.hypot(*(point - other)) > 9 for other in centers):
            centers.append(point)
    return Discs(np.array(centers), rng.uniform(2.5, 4, count), rng.uniform(0, 6, count))


def lit(shown: Discs, seed: int = 0) -> tuple[Picture, list[BoxPx]]:
    """Return a fluorescence frame of cells, and their boxes."""
    rng = np.random.default_rng([seed, 1])
    depth = shown.depth_um(_grid(FM_PX, FM_UM)).reshape(FM_PX, FM_PX)
    light = cv2.GaussianBlur(np.clip(depth / FM_UM + 0.5, 0, 1).astype(np.float32), (0, 0), 0.2 / FM_UM)
    pixels = rng.poisson(40 + 60 * np.asarray(light)).astype(np.uint16) + 100
    middles = shown.centers_um / (FM_UM, -FM_UM) + FM_PX / 2
    reach = shown.radii_um * 1.15 / FM_UM
    sides = np.column_stack([middles - reach[:, None], middles + reach[:, None]])
    corners = np.clip(np.rint(sides), 0, FM_PX)
    return Picture(pixels, FM_UM), [BoxPx(*(int(n) for n in row)) for row in corners]


def scanned(
    shown: Discs, truth: Similarity, grey: float = 0.35, seed: int = 0, size_px: int = EM_PX
) -> Picture:
    """Return an overview: cells of a grey on resin of .6, with dark membranes, under noise."""
    rng = np.random.default_rng([seed, 2])
    back = (_grid(size_px, EM_UM) - truth.shift_um) / truth.scale
    cos, sin = math.cos(truth.rotation_rad), math.sin(truth.rotation_rad)
    depth = shown.depth_um(back @ np.array([[cos, -sin], [sin, cos]])).reshape(size_px, size_px)
    image = np.where(depth > 0, grey, 0.6)
    image[np.abs(depth) < 0.1] = 0.2
    image = image + 0.2 * rng.standard_normal(image.shape)
    return Picture(np.clip(np.rint(image * 255), 1, 254).astype(np.uint8), EM_UM)


def _grid(size_px: int, pixel_um: float) -> NDArray[np.float64]:
    row, column = np.indices((size_px, size_px)) + 0.5
    place = np.column_stack([column.ravel(), row.ravel()])
    return plane_of_pixels(place, (size_px, size_px), pixel_um)
