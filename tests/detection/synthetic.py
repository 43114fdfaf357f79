"""Synthetic sections after the paper's text: hollow spheres cut by planes, a bell of background, noise."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detection.image.boxes import BoxPx

PIXEL_SIZE_UM = 0.178


@dataclass(frozen=True)
class Section:
    pixels: NDArray[np.uint16]
    masks: list[NDArray[np.bool_]]
    boxes: list[BoxPx]


def make_section(
    seed: int,
    cells: int = 15,
    noise_sd: float = 20.0,
    size_px: int = 512,
    radius_um: tuple[float, float] = (5.5, 0.8),
    brightness: tuple[float, float] = (120.0, 30.0),
    bell: float = 80.0,
    offset: float = 500.0,
    pixel_size_um: float = PIXEL_SIZE_UM,
    nucleus_share: float = 0.55,
) -> Section:
    """Cells are cut at a random height of the sphere; ground truth is the visible disc, nucleus included."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size_px, :size_px] + 0.5
    image = offset + bell * np.exp(-((x - size_px / 2) ** 2 + (y - size_px / 2) ** 2) / (0.5 * size_px) ** 2)
    masks = []
    for _ in range(cells):
        radius = max(rng.normal(*radius_um), 1.0) / pixel_size_um
        height = rng.uniform(-0.9, 0.9) * radius
        level = max(rng.normal(*brightness), 40.0)
        cx, cy = rng.uniform(0, size_px, 2)
        squared = (x - cx) ** 2 + (y - cy) ** 2 + height**2
        image[(squared <= radius**2) & (squared > (nucleus_share * radius) ** 2)] += level
        disc = squared <= radius**2
        if disc.any():
            masks.append(disc)
    image += rng.normal(0, noise_sd, image.shape)
    boxes = []
    for mask in masks:
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        boxes.append(BoxPx(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1))
    return Section(np.clip(np.rint(image), 0, 65535).astype(np.uint16), masks, boxes)
