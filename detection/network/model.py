"""Values of a trained network."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Weights = Mapping[str, NDArray[np.float32]]
"""Arrays by the name of their layer, `stem.weight` and so on; see `detection.network.graph.shapes`."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """From what the network says of a hit to the chance that it is a cell.

    The log-odds are ``base + per_score * score + per_size * size``, with the log-odds of the score of the hit
    and the logarithm of its size over 5 um.

    Attributes
    ----------
    base, per_score, per_size : float
    side_stretch : float
        Factor on the spread of the four sides, so that their quantiles hold what they say.
    """

    base: float = 0.0
    per_score: float = 1.0
    per_size: float = 0.0
    side_stretch: float = 1.0


@dataclass(frozen=True, slots=True)
class TrainingNote:
    """Training of a network, for people.

    Attributes
    ----------
    frames, presentations : int
        Different frames, and frames shown in all.
    seeds : str
        Seeds of the frames.
    tuned_cells : int
        Marked cells that it was fine-tuned on; 0 for the network of the package.
    """

    frames: int
    presentations: int
    seeds: str
    tuned_cells: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class NetworkModel:
    """Trained network.

    Attributes
    ----------
    weights : Weights
    calibration : Calibration
    note : TrainingNote
    """

    weights: Weights
    calibration: Calibration
    note: TrainingNote
