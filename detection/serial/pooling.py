"""Evidence of several sections on one: what is dim in each of them stands out of all of them together."""

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

LEAST_NOISE_ADU = 12**-0.5
"""Standard deviation of rounding to whole grey levels."""
LEAST_GROUND_PX = 50


@dataclass(frozen=True, slots=True)
class Layer:
    """One section, ready to be laid on another.

    Attributes
    ----------
    frame : SectionFrame
    residual : (rows, columns) array of float32
        What the frame has above its smooth background, grey levels.
    noise_adu : float
        Standard deviation of a pixel.
    level : (block rows, block columns) array of float32 or None
        Of the ground, as the frame alone shows it, grey levels; None where the frame was processed before.
    ground : array of float32 of that shape or None
        The same as other sections tell it, where they do; then `residual` stands on it.
    """

    frame: SectionFrame
    residual: NDArray[np.float32]
    noise_adu: float
    level: NDArray[np.float32] | None = None
    ground: NDArray[np.float32] | None = None

    def upon(self, ground: NDArray[np.float32]) -> "Layer":
        """Return the same section, split at another level of the ground."""
        values = np.asarray(self.frame.pixels, dtype=np.float32)
        return replace(self, residual=values - enlarged(ground, self.frame.shape), ground=ground)


def layer(frame: SectionFrame) -> Layer:
    """Split a frame into background and residual, and measure its noise."""
    values = np.asarray(frame.pixels, dtype=np.float32)
    checked = check_frame(frame.pixels, frame.pixel_size_um, frame.offset_adu)
    level = None
    if checked.constant or checked.processed or checked.border is not None:
        background = smooth_background(values, frame.pixel_size_um)
    else:
        level = estimate_background(average_blocks(values, frame.pixel_size_um)).level
        background = enlarged(level, frame.shape)
    # Second differences do not see anything smooth; the median does not see what cells are sharp.
    steps = np.abs(values[:, 2:] - 2 * values[:, 1:-1] + values[:, :-2])
    noise = 1.4826 * float(np.median(steps)) / 6**0.5
    return Layer(frame, values - background, max(noise, LEAST_NOISE_ADU), level)


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A section to be laid on another one.

    Attributes
    ----------
    layer : Layer
    motion : Rigid
        From its plane to that of the other.
    left_out : tuple of BoxPx
        What belongs to the camera and not to the section.
    """

    layer: Layer
    motion: Rigid
    left_out: tuple[BoxPx, ...] = ()


def pooled(own: Layer, neighbours: Sequence[Neighbour]) -> SectionFrame:
    """Average a section with its neighbours, weighted by their noise, each where it shows something.

    The average is scaled so that its noise is that of the section alone everywhere, however many neighbours
    reach a pixel: then the edge of a neighbour is no step to a detector, and grey levels round off no more
    than before. Light is so much brighter instead. Neighbours are sampled at their nearest pixel, which
    leaves noise white.

    Parameters
    ----------
    own : Layer
    neighbours : sequence of Neighbour

    Returns
    -------
    SectionFrame
        On the grid of the section, of its type of pixel and offset.
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
        shows[union_mask(other.left_out, theirs.shape)] = 0
        total += cv2.warpAffine(other.layer.residual * shows, matrix, size, flags=cv2.INTER_NEAREST)
        weights += cv2.warpAffine(shows, matrix, size, flags=cv2.INTER_NEAREST)
    # Noise of the weighted mean is 1 / sqrt(weights); that of the section is noise_adu.
    background = frame.pixels - own.residual
    values = background + total / np.sqrt(weights) * np.float32(own.noise_adu)
    values = np.clip(np.rint(values), 0, np.iinfo(frame.pixels.dtype).max)
    pixels = values.astype(np.uint8) if frame.pixels.dtype == np.uint8 else values.astype(np.uint16)
    # Ground that was clipped to 0 before stays so: a detector knows processed frames by it.
    pixels[frame.pixels == 0] = 0
    return replace(frame, pixels=pixels)


def support(own: Layer, box: BoxPx, taken: NDArray[np.bool_]) -> float:
    """Significance of the section's own light in a box, over the ground around it.

    Parameters
    ----------
    own : Layer
    box : BoxPx
    taken : (rows, columns) array of bool
        Where cells are, so no ground.

    Returns
    -------
    float
        In standard deviations of noise; infinite where there is too little ground to tell.
    """
    around = box.dilated(max(box.width_px, box.height_px) // 2 + 2, own.frame.shape)
    ground = own.residual[around.slices][~taken[around.slices]]
    if ground.size < LEAST_GROUND_PX:
        return math.inf
    part = own.residual[box.slices]
    spread = own.noise_adu * math.sqrt(1 / part.size + 1 / ground.size)
    return float(part.mean() - ground.mean()) / spread
