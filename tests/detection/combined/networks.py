"""Networks whose answers are known: with weights made by hand, or that show what they are given."""

from dataclasses import dataclass

import numpy as np

from detection.image.frames import Frame
from detection.image.hit_table import table_of
from detection.image.hits import Hit
from detection.image.working_grid import on_working_grid
from detection.network.detector import Network, Steps
from detection.network.graph import FINER, WIDTHS, shapes
from detection.network.inputs import STRIDE, WORKING_PIXEL_UM
from detection.network.model import Calibration, NetworkModel, TrainingNote

ABOVE_DARKEST = STRIDE**2 + 3
"""Plane of the input: the frame above its darkest ground, in deviations of its noise, compressed."""
FROM_SD = 2.5


def seeing_network(sees: bool = True) -> Network:
    """Return a network to which every place brighter than the darkest ground is a cell, or none.

    Each place has a box of about 4 um, and an outer one 1 um wider on each side.
    """
    weights = {name: np.zeros(shape, np.float32) for name, shape in shapes().items()}
    # One channel is carried through all layers: what exceeds a threshold.
    weights["stem.weight"][0, ABOVE_DARKEST, 1, 1] = 1
    weights["stem.bias"][0] = -np.log1p(FROM_SD) / 2
    if sees:
        weights["head.weight"][: FINER**2, 0] = 10
    weights["head.bias"][: FINER**2] = -3
    sides = weights["head.bias"][FINER**2 :].reshape(4, -1, FINER**2)
    # Softplus of these, in units of 8 px of .36 um: 2 um, and half a micrometre for each larger quantile.
    sides[:, 0], sides[:, 1:] = 0.0, -1.6
    return Network(NetworkModel(weights, Calibration(), TrainingNote(1, 1, "by hand")))


@dataclass
class Shows:
    """Network that shows what it is given."""

    hits: tuple[Hit, ...]

    def steps(self, frame: Frame) -> Steps:
        grid = on_working_grid(frame, WORKING_PIXEL_UM)
        nothing = np.zeros((0, 16, 16), np.float32)
        features = np.zeros((WIDTHS[0], 64, 64), np.float32)
        return Steps(grid, np.zeros((64, 64), np.float32), table_of(self.hits), nothing, features)
