"""Average of a section with its neighbours: cells that are dim in each stand out in all together."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from detection.background.estimate import average_blocks, enlarged, estimate_background
from detection.image.boxes import BoxPx, union_mask
from detection.image.frames import check_frame
from detection.registration.normalisation import smooth_background
from detection.registration.rigid import Rigid, warp_matrix
from detection.registration.section_frame import SectionFrame
from detection.serial.settings import SETTINGS

_SETTINGS = SETTINGS.pooling


@dataclass(frozen=True, slots=True)
class Layer:
    """One section, split into background and residual.

    Attributes
    ----------
    frame : SectionFrame
    residual : (rows, columns) array of float32
        Grey levels above the background.
    noise_adu : float
        Standard deviation of a pixel.
    own_background : (block rows, block columns) array of float32 or None
        Background by this frame alone, grey levels; None where the frame was processed before.
    shared_background : array of float32 of that shape or None
        Background by other sections too, where they show it better; then `residual` is above it.
    """

    frame: SectionFrame
    residual: NDArray[np.float32]
    noise_adu: float
    own_background: NDArray[np.float32] | None = None
    shared_background: NDArray[np.float32] | None = None

    def on_background(self, background: NDArray[np.float32]) -> "Layer":
        """Return the section split at another background."""
        values = np.asarray(self.frame.pixels, dtype=np.float32)
        return replace(
            self, residual=values - enlarged(background, self.frame.shape), shared_background=background
        )


def split_background(frame: SectionFrame) -> Layer:
    """Split a frame into background and residual, and measure its noise."""
    values = np.asarray(frame.pixels, dtype=np.float32)
    checked = check_frame(frame.pixels, frame.pixel_size_um, frame.offset_adu)
    level = None
    if checked.constant or checked.processed or checked.border is not None:
        background = smooth_background(values, frame.pixel_size_um)
    else:
        level = estimate_background(average_blocks(values, frame.pixel_size_um)).level
        background = enlarged(level, frame.shape)
    # Second differences are blind to anything smooth, their median to the sharp edges of cells.
    steps = np.abs(values[:, 2:] - 2 * values[:, 1:-1] + values[:, :-2])
    noise = 1.4826 * _median(steps) / 6**0.5
    return Layer(frame, values - background, max(noise, _SETTINGS.least_noise_adu), level)


def _median(values: NDArray[np.float32]) -> float:
    """Return the median; numpy's own takes ten times as long, as it looks for both middles at once."""
    middle = values.size // 2
    ordered = np.partition(values, middle, axis=None)
    if values.size % 2:
        return float(ordered[middle])
    return (float(ordered[:middle].max()) + float(ordered[middle])) / 2


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A section and its motion onto another one.

    Attributes
    ----------
    layer : Layer
    motion : Rigid
        From its plane to that of the other section.
    excluded : tuple of BoxPx
        Fixed pattern, which belongs to the camera and not to the section.
    """

    layer: Layer
    motion: Rigid
    excluded: tuple[BoxPx, ...] = ()


def pool(own: Layer, neighbours: Sequence[Neighbour]) -> Layer:
    """Average a section with its neighbours, weighted by their noise, each where it shows something.

    The average is scaled to the noise of the section alone at every pixel, however many neighbours cover it:
    the edge of a neighbour is no step for a detector, and rounding to grey levels loses no more than before.
    Cells become brighter instead. Neighbours are sampled at the nearest pixel, which keeps noise white.

    Parameters
    ----------
    own : Layer
    neighbours : sequence of Neighbour

    Returns
    -------
    Layer
        On the grid of the section, with its type of pixel, offset, background and noise.
    """
    frame = own.frame
    size = frame.shape[::-1]
    weight = np.float32(own.noise_adu**-2)
    total = own.residual * weight
    weights = np.full(frame.shape, weight, dtype=np.float32)
    for other in neighbours:
        theirs = other.layer.frame
        matrix = warp_matrix(
            other.motion, (theirs.shape, theirs.pixel_size_um), (frame.shape, frame.pixel_size_um)
        )
        shows = np.full(theirs.shape, other.layer.noise_adu**-2, dtype=np.float32)
        if theirs.mask is not None:
            shows[~theirs.mask] = 0
        shows[union_mask(other.excluded, theirs.shape)] = 0
        total += cv2.warpAffine(other.layer.residual * shows, matrix, size, flags=cv2.INTER_NEAREST)
        weights += cv2.warpAffine(shows, matrix, size, flags=cv2.INTER_NEAREST)
    # Noise of the weighted mean is 1 / sqrt(weights); that of the section is noise_adu.
    background = frame.pixels - own.residual
    values = background + total / np.sqrt(weights) * np.float32(own.noise_adu)
    values = np.clip(np.rint(values), 0, np.iinfo(frame.pixels.dtype).max)
    pixels = values.astype(np.uint8) if frame.pixels.dtype == np.uint8 else values.astype(np.uint16)
    # Pixels that were clipped to 0 stay so: a detector recognises processed frames by them.
    pixels[frame.pixels == 0] = 0
    return replace(own, frame=replace(frame, pixels=pixels), residual=pixels - background)


def support(own: Layer, box: BoxPx, taken: NDArray[np.bool_]) -> float:
    """Return the significance of the section's own intensity in a box, over the background around it.

    Parameters
    ----------
    own : Layer
    box : BoxPx
    taken : (rows, columns) array of bool
        Pixels of cells, which are no background.

    Returns
    -------
    float
        In standard deviations of noise; infinite where there is too little background.
    """
    around = box.dilated(max(box.width_px, box.height_px) // 2 + 2, own.frame.shape)
    background = own.residual[around.slices][~taken[around.slices]]
    if background.size < _SETTINGS.least_background_px:
        return math.inf
    part = own.residual[box.slices]
    spread = own.noise_adu * math.sqrt(1 / part.size + 1 / background.size)
    return float(part.mean() - background.mean()) / spread
