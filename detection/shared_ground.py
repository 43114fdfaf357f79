"""The ground under crowded cells, by what other sections show at the same place of the camera.

Between crowded cells there is too little empty ground: an estimate from one frame takes the light of cells
for ground, and dim cells with it. Illumination and stray light stay with the camera while the cells move, so
that almost every place is empty in one of a few sections.
"""

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from detection.background import lower_spread
from detection.surfaces import surface_through

FEWEST_SECTIONS = 3
ENOUGH_SECTIONS = 8
"""With so many, more of them add little."""
ALIKE = 1.5
"""A section that is brighter or darker by a larger factor was taken otherwise."""
LOW_PERCENT = 25
"""Of the places: there the level is that of the ground, with few cells or many."""
LOWEST_SPREAD = 0.6
"""Standard deviation of the lowest of several values over that of one: .75 of three, .57 of twelve."""
MOST_UNEVEN = 0.03
"""Of the level: ground that varies by more from section to section is uneven in the specimen."""
HIGHEST_SD, LOWEST_SD = 1.5, 2.0
"""How far ground may lie above and below that of the others, in deviations from section to section."""


def shared_level(
    own: NDArray[np.float32], others: Sequence[NDArray[np.float32]], dark: float = 0.0
) -> NDArray[np.float32]:
    """Keep the ground of a frame within what other sections show at the same places of the camera.

    Cells only ever raise an estimate, so that the lowest of several sections is the ground. How much the
    lowest varies from place to place tells how uneven the ground itself is: uneven resin moves with the
    specimen, and there a section's own estimate stands.

    Parameters
    ----------
    own : (block rows, block columns) array of float32
        Level of the ground as the frame alone shows it, grey levels.
    others : sequence of arrays of that shape
        The same, of other sections.
    dark : float
        Grey level of no light.

    Returns
    -------
    (block rows, block columns) array of float32
    """
    usual = float(np.percentile(own, LOW_PERCENT)) - dark
    levels = [own - np.float32(dark)]
    for other in others:
        scale = usual / max(float(np.percentile(other, LOW_PERCENT)) - dark, 1e-6)
        if 1 / ALIKE <= scale <= ALIKE:
            levels.append((other - np.float32(dark)) * np.float32(scale))
    if len(levels) < FEWEST_SECTIONS:
        return own
    lowest = np.min(levels, axis=0)
    spread = lower_spread(lowest - surface_through(lowest, np.ones(lowest.shape))) / LOWEST_SPREAD
    if spread > MOST_UNEVEN * usual:
        return own
    # The lowest of n values lies so many deviations below their mean (Blom, 'Statistical Estimates and
    # Transformed Beta-Variables', 1958).
    below = -NormalDist().inv_cdf((1 - 0.375) / (len(levels) + 0.25))
    ground = lowest + np.float32(below * spread + dark)
    return np.clip(own, ground - np.float32(LOWEST_SD * spread), ground + np.float32(HIGHEST_SD * spread))
