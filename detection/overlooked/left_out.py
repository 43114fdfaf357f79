"""The parts of a frame without boxes: even enough to be background, or perhaps a crowd that was not seen."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detection.background.estimate import Blocks
from detection.background.ranks import median
from detection.image.boxes import Sides, union_of
from detection.image.frames import Frame
from detection.overlooked.bound import noise_of, spread_by_noise, spread_of


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOutSettings:
    """Settings of `is_uneven`."""

    uneven_sd: float = 12.0
    """Spread of what no box holds, in spreads by noise alone, from which it is more than resin. On
    development seeds, frames of every kind, lumpy ones too, have up to 9.3, and crowds in which nothing is
    found 14 to 200."""
    uneven_share: float = 0.06
    """The same as a share of the level of the background, with the offset of the camera where that is not
    known; resin with lumps of 10 % has .04 to .06 without it."""
    least_free: float = 0.25
    """Share of the frame without boxes from which this can be measured. Chosen by hand; not measured."""


LEFT_OUT = LeftOutSettings()
"""The default settings."""


def is_uneven(frame: Frame, blocks: Blocks, boxes: Sides, settings: LeftOutSettings = LEFT_OUT) -> bool:
    """Return True if the parts without boxes are too uneven to be noise and resin.

    Where cells lie so densely that they become background, they leave it uneven. Processed frames, whose
    grey levels do not add up, and frames full of boxes are not judged.

    Parameters
    ----------
    frame : Frame
    blocks : Blocks
        Of the frame.
    boxes : (boxes, 4) array of int64
        Sides of all hits; those that are left out for their confidence have been judged one by one.
    settings : LeftOutSettings
    """
    shape = (frame.values.shape[0], frame.values.shape[1])
    free = _without_boxes(boxes, shape, blocks.means.shape)
    if frame.processed or free.mean() < settings.least_free:
        return False
    spread = spread_of(blocks, free)
    by_noise = spread_by_noise(noise_of(blocks), frame.pixel_size_um)
    level = max(median(blocks.means[free]), 0.0)
    return spread > settings.uneven_sd * by_noise and spread > settings.uneven_share * level


def _without_boxes(boxes: Sides, shape: tuple[int, int], blocks: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return the blocks that no box touches."""
    down, across = shape[0] / blocks[0], shape[1] / blocks[1]
    sides = boxes / (across, down, across, down)
    low, high = np.trunc(sides[:, :2]), np.ceil(sides[:, 2:])
    return ~union_of(np.concatenate([low, high], axis=1).astype(np.int64), (blocks[0], blocks[1]))
