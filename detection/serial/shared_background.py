"""The ground under crowded cells, by what other sections show at the same place of the camera.

Between crowded cells there is too little empty ground: an estimate from one frame takes the light of cells
for ground, and dim cells with it. Illumination and stray light stay with the camera while the cells move, so
that almost every place is empty in one of a few sections.
"""

from collections.abc import Sequence
from statistics import NormalDist

import cv2
import numpy as np
from numpy.typing import NDArray

from detection.background.estimate import lower_spread
from detection.background.polynomial_surface import surface_through
from detection.background.settings import BACKGROUND
from detection.registration.section_frame import SectionFrame
from detection.serial.pooling import Layer

FEWEST_SECTIONS = 3
ALIKE = 1.5
"""A section that is brighter or darker by a larger factor was taken otherwise."""
LOW_PERCENT = 25
"""Of the places: there the level is that of the ground, with few cells or many."""
SPREAD_OF_LOWEST = 0.6
"""Standard deviation of the lowest of several values over that of one: .75 of three, .57 of twelve."""
MOST_BELOW_SD = 4.0
"""The lowest is not taken to lie further below the second lowest: a section with a shadow must not make all
the ground of others stand out."""
STANDS_OUT_SD = 3.0
"""In deviations of the ground: brighter blocks are of cells."""
MOST_UNEVEN, QUIET_SD = 0.4, 1.2
"""Of the level, and of the noise of a pixel where that is more, both times the share of the section in cells:
by so much cells make ground vary from section to section. What varies by more is uneven in the specimen."""
HIGHEST_SD = 1.5
"""How far ground may lie above that of the others, in deviations from section to section."""
DARKEST_UM = 15.0
"""Between crowded cells there is some ground as near as this; stray light lies on all of it."""
MOST_ROUGHER = 1.05
"""Spread of the ground over that upon the section's own level: .7 to 1.04 in simulated stacks of one light,
1.7 and more where the light of one section differs by a step. From 1.05 on clear cells are lost."""


def grounded(own: Layer, others: Sequence[Layer]) -> Layer:
    """Lower the ground of a section to what others, of frames of the same shape, tell of it.

    Where illumination differs in this section alone its own ground stands: it is not lowered below the
    darkest that the section shows nearby, never raised, and left as it is where its frame would be more
    uneven upon the ground of the others.

    Parameters
    ----------
    own : Layer
    others : sequence of Layer

    Returns
    -------
    Layer
        `own` itself where they tell nothing.
    """
    if own.level is None:
        return own
    alike = [one.level for one in others if one.frame.shape == own.frame.shape and one.level is not None]
    means = cv2.resize(own.residual, own.level.shape[::-1], interpolation=cv2.INTER_AREA)
    stands_on = own.level if own.ground is None else own.ground
    left = np.asarray(means + stands_on - own.level, dtype=np.float32)
    uneven = lower_spread(left)
    noise_of_block = own.noise_adu * left.shape[1] / own.frame.shape[1]
    in_cells = float((left > STANDS_OUT_SD * max(uneven, noise_of_block)).mean())
    ground = shared_level(own.level, alike, own.noise_adu, own.frame.offset_adu or 0.0, in_cells)
    if ground is None:
        return own
    change = np.maximum(ground - own.level, _darkest(left, own.frame))
    if lower_spread(left - change) > MOST_ROUGHER * uneven:
        return own
    return own.upon(own.level + change)


def shared_level(
    own: NDArray[np.float32],
    others: Sequence[NDArray[np.float32]],
    noise_adu: float,
    dark_adu: float,
    in_cells: float,
) -> NDArray[np.float32] | None:
    """Keep the ground of a frame down to what other sections show at the same places of the camera.

    Cells only ever raise an estimate, so that the lowest of several sections is the ground. How much that
    varies from place to place tells how uneven the ground itself is: uneven resin moves with the specimen,
    and where there are too few cells to vary so much a section's own estimate stands.

    Parameters
    ----------
    own : (block rows, block columns) array of float32
        Level of the ground as the frame alone shows it, grey levels.
    others : sequence of arrays of that shape
        The same, of other sections.
    noise_adu : float
        Standard deviation of a pixel.
    dark_adu : float
        Grey level of no light.
    in_cells : float
        Share of the section that is brighter than its ground, 0..1.

    Returns
    -------
    (block rows, block columns) array of float32 or None
        Nowhere above `own`; None where the others say nothing: too few, or uneven ground.
    """
    # Ground darker than noise has no brightness to compare.
    dark = dark_adu - noise_adu
    usual = float(np.percentile(own, LOW_PERCENT)) - dark
    levels = [own - np.float32(dark)]
    for other in others:
        scale = usual / max(float(np.percentile(other, LOW_PERCENT)) - dark, 1e-6)
        if 1 / ALIKE <= scale <= ALIKE:
            levels.append((other - np.float32(dark)) * np.float32(scale))
    if len(levels) < FEWEST_SECTIONS:
        return None
    lowest, second = np.partition(levels, 1, axis=0)[:2]
    spread = min(_roughness(lowest), _roughness(second)) / SPREAD_OF_LOWEST
    if spread > in_cells * max(MOST_UNEVEN * (usual - noise_adu), QUIET_SD * noise_adu):
        return None
    lowest = np.maximum(lowest, second - np.float32(MOST_BELOW_SD * spread))
    # The lowest of n values lies so many deviations below their mean (Blom, 'Statistical Estimates and
    # Transformed Beta-Variables', 1958).
    below = -NormalDist().inv_cdf((1 - 0.375) / (len(levels) + 0.25))
    ground = lowest + np.float32(below * spread + dark)
    return np.asarray(np.minimum(own, ground + np.float32(HIGHEST_SD * spread)))


def _darkest(left: NDArray[np.float32], frame: SectionFrame) -> NDArray[np.float32]:
    """How far the darkest blocks around each lie below the level of a section: 0 or less, grey levels."""
    block_um = frame.pixel_size_um * frame.shape[1] / left.shape[1]
    side = round(DARKEST_UM / block_um) | 1
    darkest = cv2.erode(left, np.ones((side, side), np.uint8), borderType=cv2.BORDER_REPLICATE)
    smooth = cv2.GaussianBlur(
        darkest, (0, 0), BACKGROUND.smoothing_um / block_um, borderType=cv2.BORDER_REPLICATE
    )
    return np.minimum(np.asarray(smooth, dtype=np.float32), np.float32(0))


def _roughness(level: NDArray[np.float32]) -> float:
    """Standard deviation about a smooth surface, as illumination is, by the lower side: without cells."""
    return lower_spread(level - surface_through(level, np.ones(level.shape)))
