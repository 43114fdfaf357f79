"""Settings of the forest: every number that defines its training and its hits, with its source.

Those "chosen by hand" were not measured.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ForestSettings:
    """Settings of the detector `forest:MODEL`."""

    working_pixel_um: float = 0.36
    """Finer pixels are averaged to about this, as in `RecallFirstSettings`: the finest feature scale."""
    seed_probability: float = 0.5
    """Probability that a pixel of each cell must reach: a cell is more likely than not."""
    extend_probability: float = 0.35
    """Probability down to which a cell extends: doubt makes cells larger. Chosen by hand."""
    smoothing_px: float = 1.0
    """Sigma of the smoothing of probabilities, px of the working grid. Chosen by hand."""
    smallest_um: float = 1.0
    """Smaller regions are dropped, as in `RecallFirstSettings`. Chosen by hand."""
    same_pixel_size: float = 0.01
    """Relative difference up to which two pixel sizes are the same. Chosen by hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSettings:
    """Settings of the training of a forest."""

    scales_um: tuple[float, ...] = (0.36, 0.71, 1.42, 2.84)
    """Scales of the features: octaves from the working pixel to half the radius of a small cell, 5.5 um in
    the benchmarks."""
    trees: int = 60
    """Number of trees. Chosen by hand."""
    max_depth: int = 16
    """Largest depth of a tree; bounds the model to 2^16 leaves a tree. Chosen by hand."""
    min_leaf_pixels: int = 10
    """Smallest number of pixels in a leaf. Chosen by hand."""
    max_pixels: int = 150_000
    """Pixels drawn from all frames together, an equal number from each if possible. Chosen by hand."""
    seed: int = 2018
    """Seed of the random numbers, the year of the paper: the same frames always give the same forest."""
    folds: int = 3
    """Folds of the calibration: each third of the frames is looked at by a forest of the others."""
    fold_pixels_share: int = 3
    """Divisor of the pixels for those forests: all three take as long as the one that stays."""


FOREST = ForestSettings()
"""The default settings of the detector."""
TRAINING = TrainingSettings()
"""The default settings of the training."""
