"""Networks of random weights, so that tests need no trained one."""

from dataclasses import replace
from functools import cache

import numpy as np

from detection.network.detector import Network
from detection.network.graph import FINER, shapes
from detection.network.inputs import STRIDE
from detection.network.model import Calibration, NetworkModel, TrainingNote


@cache
def random_model(seed: int = 0) -> NetworkModel:
    rng = np.random.default_rng(seed)
    weights = {
        name: (
            rng.normal(0, np.sqrt(1 / np.prod(shape[1:])), shape)
            if name.endswith("weight")
            else rng.normal(0, 0.1, shape)
        ).astype(np.float32)
        for name, shape in shapes().items()
    }
    return NetworkModel(weights, Calibration(0.1, 0.9, 0.2, 1.1), TrainingNote(10, 1000, "0 to 9"))


@cache
def random_network(seed: int = 0) -> Network:
    return Network(random_model(seed))


@cache
def blind_network() -> Network:
    """A network with simple features, whose last layer sees no cell anywhere.

    Features are the smoothed brightness at each place, and its slopes and levels on all four sides.
    """
    model = random_model()
    weights = {name: np.zeros_like(array) for name, array in model.weights.items()}
    stem = weights["stem.weight"]
    near, far, level = STRIDE**2 + 1, STRIDE**2 + 2, STRIDE**2 + 3
    number = 0
    for channel in (near, far, level):
        stem[number, channel, 1, 1] = 1
        number += 1
    for row, column in ((1, 0), (0, 1), (1, 2), (2, 1)):
        for channel in (near, far):
            stem[number, channel, row, column] = 1
            stem[number + 1, channel, row, column] = 1
            stem[number + 1, channel, 1, 1] = -1
            number += 2
    bias = model.weights["head.bias"].copy()
    bias[: FINER**2] = -4
    return Network(replace(model, weights={**weights, "head.bias": bias}))
