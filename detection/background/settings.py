"""Settings of the background estimate, which recall-first, forests and serial sections share.

"Sweep" and "chosen by hand" as in `detection.recall_first.settings`.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class BackgroundSettings:
    """Settings of `detection.background`."""

    block_um: float = 2.0
    """Side of the blocks that a frame is averaged over. Chosen by hand. Sweep: x 0.7 area -.09, dim area
    +.08; x 1.4 recall -.009, whole in paper sections -.009, whole -.019, area -.03."""
    window_um: float = 25.0
    """Window of the low percentile: more than the 10 to 17 um of a HeLa cell, so that part of it is empty.
    Sweep: x 0.7 area +.02; x 1.4 little."""
    smoothing_um: float = 4.0
    """Sigma of the smoothing over empty blocks. Chosen by hand. Sweep: x 0.7 whole -.009, empty +.010; x
    1.4 whole -.009, dim whole -.11, dim area -.18."""
    start_percent: int = 25
    """Percentile of the window that starts the estimate: background while cells cover less than three
    quarters. Sweep: x 0.7 little; x 1.4 recall -.009, paper area +.04."""
    lumpy_share: float = 0.25
    """Largest unevenness of autofluorescent resin, as a share of its level; a larger one is cells. Chosen
    by hand. Sweep: x 0.7 and x 1.4 change little."""
    clips_sd: tuple[float, ...] = (8.0, 5.0, 3.5, 3.0, 2.5)
    """Thresholds of successive rounds above which blocks are left out as cells. Chosen by hand. Sweep: x
    0.7 whole -.009, area +.40, dim whole +.14, dim area +.74, empty +.063; x 1.4 recall -.168,
    precision -.051, whole in paper sections -.159, paper area -.29, whole -.009, area -.15, dim whole
    -.16, dim area -.25."""
    hot_noise: float = 4.0
    """Noise of a block over the usual noise from which it is an edge of something bright, or a hot pixel.
    Chosen by hand. Sweep: x 0.7 and x 1.4 change little."""
    spike_sd: float = 8.0
    """Height of a spike above the median of its 3 x 3: Gaussian noise reaches it with a chance of 6e-16.
    Sweep: x 0.7 and x 1.4 change little."""
    spike_neighbour_share: float = 0.25
    """A spike leaves less than this share of its height in the brightest neighbour. A point centred on a
    pixel of .178 um leaves .36 at NA .95 and 509 nm (Gaussian of .21 lambda / NA = .11 um). Sweep: x
    0.7 and x 1.4 change little."""


BACKGROUND = BackgroundSettings()
"""The default settings."""
