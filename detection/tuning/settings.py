"""Settings of the fine-tuning."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningSettings:
    """Settings of the fine-tuning, and of the rule that decides if it is any better."""

    folds: int = 4
    """Parts of the frames; each is judged by a network that was tuned on the others."""
    ridges: tuple[float, ...] = (0.1, 0.01, 0.001)
    """Strengths that keep the last layer near the shipped one; the best on held-out frames is chosen."""
    turns: int = 8
    """Turns and mirrorings of a frame that are learnt from."""
    most_pixels: int = 120_000
    """Pixels of the network's first layer that are learnt from: 30 turns of a frame of 91 um. With more,
    frames are turned less, and then a part of the pixels is drawn. Bounds time and memory."""
    iterations: int = 80
    """Of the solver. Chosen by hand; the loss hardly falls later."""
    cell_weight: float = 60.0
    """Weight of all places of a cell together, as in the training of the network."""
    weight_limits: tuple[float, float] = (0.5, 4.0)
    """Smallest and largest weight of one place of a cell, likewise."""
    smooth: float = 0.02
    """Rounding of the corner of the pinball loss, in units of 2.8 um, so that the solver finds a slope."""
    area_price: float = 0.1
    """Share of the cells that one cell area of imaging is worth, averaged over cells: missing a cell counts
    as ten times its area. Chosen by hand."""
    least_gain: float = 0.002
    """Gain below which nothing is written. Chosen by hand."""
    area_tolerance: float = 0.05
    """Share by which the imaged area may grow without a cell being gained. Chosen by hand."""
    area_per_cell: float = 4.0
    """Imaged area that a gained cell may add, in areas of a mean cell. Chosen by hand."""
    false_tolerance: float = 0.002
    """Share of the frame by which the area of hits on no cell may grow. Chosen by hand."""
    false_per_gain: float = 0.2
    """The same for a gain of all cells, in proportion for less. Chosen by hand."""
    gap_tolerance: float = 0.05
    """Amount by which the reliability gap may grow: with a few dozen marks it is known no better. Chosen by
    hand."""


TUNING = TuningSettings()
"""The default settings."""
