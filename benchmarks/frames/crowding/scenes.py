"""Frames with their true cells, from recipes."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects

from benchmarks.frames.crowding import camera
from benchmarks.frames.crowding.design import Recipe
from benchmarks.frames.crowding.shapes import Outlines, outlines
from detection.evaluation.truth import TrueCell

SIDE_PX = 512
LEAST_COUNTED_UM = 2.0
"""Cells whose box is narrower than this, cut at the border, may be found or not."""
LEAST_UM = 1.0
"""Narrower ones are left out of the truth."""
BLUR_UM = 0.2
"""Deviation of the point spread, about that of an objective of numerical aperture .7."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A frame and its truth.

    Attributes
    ----------
    recipe : Recipe
    pixels : (rows, columns) array of uint8 or uint16
    pixel_size_um : float
    offset_adu : float or None
        Grey level of no light, where it is known.
    cells : tuple of TrueCell
    stained : (rows, columns) array of bool
        Pixels of cells without their dark nuclei.
    """

    recipe: Recipe
    pixels: NDArray[np.uint8] | NDArray[np.uint16]
    pixel_size_um: float
    offset_adu: float | None
    cells: tuple[TrueCell, ...]
    stained: NDArray[np.bool_]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.pixels.shape[0], self.pixels.shape[1]


def scene(recipe: Recipe) -> Scene:
    """Make the frame of a recipe; the same recipe always gives the same frame."""
    rng = np.random.default_rng(recipe.seed)
    pixel_um = recipe.pixel_nm / 1000
    radius_px = recipe.radius_um / pixel_um
    shapes = outlines(rng, SIDE_PX, recipe.cover, radius_px)
    stain, stained = _stain(rng, shapes, recipe, pixel_um)
    sensor = camera.a_sensor(rng)
    bell = camera.illumination(rng, SIDE_PX)
    signal = np.asarray(cv2.GaussianBlur(stain * bell, (0, 0), BLUR_UM / pixel_um), np.float32)
    signal *= np.float32(recipe.contrast * sensor.noise_e / signal[stained].mean())
    uneven = camera.unevenness(rng, SIDE_PX, recipe.background, pixel_um)
    light = np.float32(sensor.background_e) * bell * uneven + signal
    pixels, offset = camera.digitised(rng, camera.exposed(rng, light, sensor), sensor, recipe.bits)
    if recipe.processed:
        pixels, offset = camera.processed(pixels, radius_px, recipe.bits), 0.0
    return Scene(
        recipe,
        pixels,
        pixel_um,
        offset if recipe.offset_known else None,
        _truth(shapes, stained, signal / np.float32(sensor.noise_e), pixel_um),
        stained,
    )


def _stain(
    rng: np.random.Generator, shapes: Outlines, recipe: Recipe, pixel_um: float
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the stain of every pixel, and a mask of those that are stained; brightness varies by cell."""
    brightness = np.clip(rng.lognormal(0.0, 0.4, shapes.count + 1), 0.4, 2.5).astype(np.float32)
    brightness[0] = 0
    stain, stained = brightness[shapes.owner], shapes.owner > 0
    if recipe.kind == "ring":
        nucleus = shapes.depth < rng.uniform(0.4, 0.6)
        stain[nucleus] *= np.float32(rng.uniform(0.05, 0.2))
        stained &= ~nucleus
    elif recipe.kind == "texture":
        patches = camera.random_field(rng, SIDE_PX, rng.uniform(0.4, 0.8) / pixel_um)
        stain *= np.exp(np.float32(0.6) * patches)
    return stain, stained


def _truth(
    shapes: Outlines, stained: NDArray[np.bool_], contrast: NDArray[np.float32], pixel_um: float
) -> tuple[TrueCell, ...]:
    cells = []
    numbers = np.unique(shapes.owner[shapes.owner > 0]).tolist()
    places = find_objects(shapes.owner)
    for number in numbers:
        place = places[number - 1]
        mask = shapes.owner[place] == number
        cell = TrueCell.of_mask(f"{number:04d}", mask, (place[1].start, place[0].start))
        across_um = min(cell.box.width_px, cell.box.height_px) * pixel_um
        if across_um < LEAST_UM:
            continue
        bright = mask & stained[place]
        level = float(contrast[place][bright if bright.any() else mask].mean())
        cells.append(TrueCell(cell.id, cell.box, cell.mask, level, counted=across_um >= LEAST_COUNTED_UM))
    return tuple(cells)
