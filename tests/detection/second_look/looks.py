"""Second looks whose answers are known, and light to look at."""

import numpy as np

from detection.image.boxes import BoxPx
from detection.image.frames import check_frame
from detection.image.hits import Hit, SeenBy
from detection.image.working_grid import WorkingGrid, on_working_grid
from detection.network.inputs import WORKING_PIXEL_UM
from detection.second_look.model import SHAPES, SecondLook
from tests.detection.synthetic import PIXEL_SIZE_UM


def saying(chance: float) -> SecondLook:
    """Return a second look that gives every hit the same chance."""
    weights = {name: np.zeros(shape, np.float32) for name, shape in SHAPES.items()}
    weights["spread"][:] = 1
    weights["last.bias"][:] = np.log(chance / (1 - chance))
    return SecondLook(weights)


def random_look(seed: int = 5) -> SecondLook:
    rng = np.random.default_rng(seed)
    weights = {}
    for name, shape in SHAPES.items():
        # So that values stay of one size from layer to layer.
        weights[name] = rng.normal(0, shape[-1] ** -0.5, shape).astype(np.float32)
    weights["spread"][:] = 1
    return SecondLook(weights)


def empty_grid() -> WorkingGrid:
    """Return the working grid of a frame of 512 x 512 pixels of noise."""
    pixels = np.random.default_rng(3).normal(500, 20, (512, 512)).astype(np.uint16)
    return on_working_grid(check_frame(pixels, PIXEL_SIZE_UM, 100.0), WORKING_PIXEL_UM)


def hit(x_px: int, y_px: int, size_px: int = 60, confidence: float = 0.4) -> Hit:
    box = BoxPx(x_px, y_px, x_px + size_px, y_px + size_px)
    return Hit(box, confidence, outer=box.dilated(12, (512, 512)), seen_by=SeenBy.NETWORK)
