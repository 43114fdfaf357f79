"""Background under crowded cells, estimated from several sections at the same pixels of the camera.

Between crowded cells there is too little background: an estimate from one frame takes the intensity of cells
for background and loses dim cells. Illumination and stray light stay with the camera while the cells move, so
that almost every pixel is free of cells in one of a few sections.
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
from detection.serial.settings import SETTINGS

_SETTINGS = SETTINGS.shared_background


def with_shared_background(own: Layer, others: Sequence[Layer]) -> Layer:
    """Lower the background of a section to the level that other frames of the same shape show.

    Where illumination differs in this section alone, its own background stays: it is never lowered below the
    darkest blocks nearby, never raised, and left alone where the frame would become more uneven.

    Parameters
    ----------
    own : Layer
    others : sequence of Layer

    Returns
    -------
    Layer
        `own` itself where the others tell nothing.
    """
    if own.own_background is None:
        return own
    backgrounds = [
        one.own_background
        for one in others
        if one.frame.shape == own.frame.shape and one.own_background is not None
    ]
    means = cv2.resize(own.residual, own.own_background.shape[::-1], interpolation=cv2.INTER_AREA)
    stands_on = own.own_background if own.shared_background is None else own.shared_background
    left = np.asarray(means + stands_on - own.own_background, dtype=np.float32)
    uneven = lower_spread(left)
    noise_of_block = own.noise_adu * left.shape[1] / own.frame.shape[1]
    in_cells = float((left > _SETTINGS.stands_out_sd * max(uneven, noise_of_block)).mean())
    dark_adu = own.frame.offset_adu or 0.0
    shared = shared_level(own.own_background, backgrounds, own.noise_adu, dark_adu, in_cells)
    if shared is None:
        return own
    change = np.maximum(shared - own.own_background, _darkest(left, own.frame))
    if lower_spread(left - change) > _SETTINGS.most_rougher * uneven:
        return own
    return own.on_background(own.own_background + change)


def shared_level(
    own: NDArray[np.float32],
    others: Sequence[NDArray[np.float32]],
    noise_adu: float,
    dark_adu: float,
    in_cells: float,
) -> NDArray[np.float32] | None:
    """Limit the background of a frame to the level of other sections at the same pixels of the camera.

    Cells only ever raise an estimate, so the lowest of several sections is background. Its variation over the
    frame shows how uneven the background itself is: uneven resin moves with the specimen. Where there are too
    few cells to explain the variation, the section keeps its own estimate.

    Parameters
    ----------
    own : (block rows, block columns) array of float32
        Background by the frame alone, grey levels.
    others : sequence of arrays of that shape
        Backgrounds of other sections.
    noise_adu : float
        Standard deviation of a pixel.
    dark_adu : float
        Grey level of no light.
    in_cells : float
        Share of the section that is brighter than its background, 0..1.

    Returns
    -------
    (block rows, block columns) array of float32 or None
        Nowhere above `own`; None if the others are too few or the resin is uneven.
    """
    # Background darker than noise has no brightness to compare.
    dark = dark_adu - noise_adu
    usual = float(np.percentile(own, _SETTINGS.low_percent)) - dark
    levels = [own - np.float32(dark)]
    for other in others:
        scale = usual / max(float(np.percentile(other, _SETTINGS.low_percent)) - dark, 1e-6)
        if 1 / _SETTINGS.similar <= scale <= _SETTINGS.similar:
            levels.append((other - np.float32(dark)) * np.float32(scale))
    if len(levels) < _SETTINGS.fewest_sections:
        return None
    lowest, second = np.partition(levels, 1, axis=0)[:2]
    spread = min(_roughness(lowest), _roughness(second)) / _SETTINGS.sd_of_lowest
    if spread > in_cells * max(_SETTINGS.most_uneven * (usual - noise_adu), _SETTINGS.quiet_sd * noise_adu):
        return None
    lowest = np.maximum(lowest, second - np.float32(_SETTINGS.most_below_sd * spread))
    # The lowest of n values lies so many deviations below their mean (Blom, 'Statistical Estimates and
    # Transformed Beta-Variables', 1958).
    below = -NormalDist().inv_cdf((1 - 0.375) / (len(levels) + 0.25))
    background = lowest + np.float32(below * spread + dark)
    return np.asarray(np.minimum(own, background + np.float32(_SETTINGS.highest_sd * spread)))


def _darkest(left: NDArray[np.float32], frame: SectionFrame) -> NDArray[np.float32]:
    """Return the darkest residual around each block, 0 or less, grey levels."""
    block_um = frame.pixel_size_um * frame.shape[1] / left.shape[1]
    side = round(_SETTINGS.darkest_um / block_um) | 1
    darkest = cv2.erode(left, np.ones((side, side), np.uint8), borderType=cv2.BORDER_REPLICATE)
    smooth = cv2.GaussianBlur(
        darkest, (0, 0), BACKGROUND.smoothing_um / block_um, borderType=cv2.BORDER_REPLICATE
    )
    return np.minimum(np.asarray(smooth, dtype=np.float32), np.float32(0))


def _roughness(level: NDArray[np.float32]) -> float:
    """Return the standard deviation about a smooth surface, from the lower side: without cells."""
    return lower_spread(level - surface_through(level, np.ones(level.shape)))
