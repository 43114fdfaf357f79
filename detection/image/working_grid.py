"""A frame on the grid that detectors work on, above its background."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from detection.background.estimate import (
    Background,
    Blocks,
    average_blocks,
    background_at,
    enlarged,
    estimate_background,
)
from detection.background.settings import BACKGROUND, BackgroundSettings
from detection.background.spikes import remove_spikes
from detection.image.frames import Frame


@dataclass(frozen=True, slots=True)
class WorkingGrid:
    """A frame whose pixels were averaged to about the working pixel.

    Attributes
    ----------
    shrink : int
        Pixels of the frame along each side of one of the grid.
    pixel_um : float
        Side of a pixel of the grid.
    blocks : Blocks
    background : Background
    image : (rows, columns) array of float32
        The frame without spikes, grey levels, on its own pixels; its sides are multiples of `shrink`.
    residual : (rows / shrink, columns / shrink) array of float32
        Grey levels above the background.
    noise_sd : array of float32 of that shape
        Standard deviation of a pixel of `residual` by white noise.
    """

    shrink: int
    pixel_um: float
    blocks: Blocks
    background: Background
    image: NDArray[np.float32]
    residual: NDArray[np.float32]
    noise_sd: NDArray[np.float32]


def on_working_grid(
    frame: Frame, working_pixel_um: float, settings: BackgroundSettings = BACKGROUND
) -> WorkingGrid:
    """Estimate the background of a frame, subtract it and average the pixels.

    Parameters
    ----------
    frame : Frame
        Not constant. Its own background is used if it has one.
    working_pixel_um : float
        Finer pixels are averaged to about this.
    settings : BackgroundSettings
    """
    shrink = max(round(working_pixel_um / frame.pixel_size_um), 1)
    blocks = average_blocks(frame.values, frame.pixel_size_um, settings)
    if frame.background is None:
        background = estimate_background(blocks, linear=not frame.processed, settings=settings)
    else:
        background = background_at(blocks, frame.background, settings)
    image = padded(remove_spikes(frame.values, float(background.noise_sd.max()), settings), shrink)
    residual, noise_sd = subtract_background(image, background, shrink)
    return WorkingGrid(shrink, shrink * frame.pixel_size_um, blocks, background, image, residual, noise_sd)


def padded(image: NDArray[np.float32], shrink: int) -> NDArray[np.float32]:
    """Repeat the last row and column until the sides are multiples of `shrink`."""
    rows, columns = image.shape
    return np.asarray(
        cv2.copyMakeBorder(image, 0, -rows % shrink, 0, -columns % shrink, cv2.BORDER_REPLICATE)
    )


def subtract_background(
    image: NDArray[np.float32], background: Background, shrink: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Shrink a frame and subtract its background.

    Parameters
    ----------
    image : (rows, columns) array of float32
        Grey levels, without spikes; the sides are multiples of `shrink`.
    background : Background
    shrink : int
        Pixels along each side of one of the result.

    Returns
    -------
    residual : (rows / shrink, columns / shrink) array of float32
        Grey levels.
    noise_sd : array of float32 of that shape
        Standard deviation of a pixel of `residual` by white noise.
    """
    size = image.shape[1] // shrink, image.shape[0] // shrink
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA) if shrink > 1 else image
    residual = np.asarray(small) - enlarged(background.level, size[::-1])
    return residual, enlarged(background.noise_sd, size[::-1]) / np.float32(shrink)
