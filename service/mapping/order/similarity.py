"""Order of scattered sections by the likeness of their fluorescence.

Cells run through many sections, so that neighbours of the block look most alike. All pairs are compared
coarsely over every shift, turned upright by the angles of the list; those most alike are registered. The
order is the most likely one by the likeness of sections up to six apart.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
import scipy.fft
from numpy.typing import NDArray

from detection.registration.correlation import raster
from detection.registration.normalisation import normalise_residual, smooth_background
from detection.registration.section_frame import SectionFrame
from detection.registration.settings import SETTINGS
from service.errors import InputError
from service.mapping.order.doubts import judged_link
from service.mapping.order.likelihood import neighbour_gains
from service.mapping.order.likeness.registering import registered_likeness
from service.mapping.order.path import shortest_path
from service.mapping.order.sampling import Block, sample_orders
from service.mapping.order.values import LinkKind, Ordering

Floats = NDArray[np.float32]

_MOST_PX = 64
"""Longest side of the images that are compared: 1.4 um per pixel for a field of 90 um. Chosen by hand."""
_MOST_SHIFT = 0.3
"""Largest shift of the pictures against each other, of their longest side; the rest must overlap."""
_MOST_SECTIONS = 1000
_NOT_COMPARED = 2.0
"""Added to the coarse dissimilarity of pairs that are not registered, so that they come last."""
_ROUNDS = 2
"""Times that the distributions are taken from the order found before. A third changed nothing on development
stacks."""


def order_by_similarity(frames: Sequence[SectionFrame], half_turns: bool = False) -> Ordering:
    """Return the order of cutting of scattered sections.

    Parameters
    ----------
    frames : sequence of SectionFrame
        Fluorescence of each section, of the same part and with its angle; low exposures will do.
    half_turns : bool
        The angles are known up to 180 degrees only: pictures are also compared upside down.

    Returns
    -------
    Ordering
        Which end was cut first cannot be seen; the one with the smaller index in `frames` comes first.

    Raises
    ------
    InputError
        Raised when there are too many sections, or the angle of one is unknown.
    """
    if len(frames) > _MOST_SECTIONS:
        raise InputError(
            f"there are {len(frames)} sections; at most {_MOST_SECTIONS} are ordered by similarity"
        )
    coarse = dissimilarities(frames, half_turns)
    likeness = registered_likeness(frames, coarse, half_turns)
    order = shortest_path(np.where(np.isnan(likeness.unlike), _NOT_COMPARED + coarse, likeness.unlike))
    blocks = [Block((n,)) for n in range(len(frames))]
    for _ in range(_ROUNDS):
        gains = neighbour_gains(likeness, [order])
        orders = sample_orders(gains, blocks, order)
        order = list(orders.sections)
    if order[0] > order[-1]:
        order.reverse()
    names = [frame.section for frame in frames]
    links = [judged_link(a, b, LinkKind.SIMILAR, names, likeness, orders) for a, b in pairwise(order)]
    return Ordering(tuple(names[n] for n in order), tuple(links))


def dissimilarities(frames: Sequence[SectionFrame], half_turns: bool = False) -> NDArray[np.float64]:
    """Return 1 less the best correlation of each pair of frames, (N, N), 0 to 2, and 0 on the diagonal."""
    coarse_um = max(max(frame.shape) * frame.pixel_size_um for frame in frames) / _MOST_PX
    upright = [_upright(frame, coarse_um) for frame in frames]
    side = max(max(image.shape) for image, _ in upright)
    size = scipy.fft.next_fast_len(2 * side, real=True)
    images = _transforms([image for image, _ in upright], size)
    squares = _transforms([image**2 for image, _ in upright], size)
    masks = _transforms([mask for _, mask in upright], size)
    reach = math.ceil(_MOST_SHIFT * _MOST_PX)
    # Frames without any light have no energy at all.
    least = max(1e-6, 1e-6 * max(float((image**2).sum()) for image, _ in upright))
    count = len(frames)
    found = np.zeros((count, count))
    for n in range(count - 1):
        rest = slice(n + 1, count)
        best = _best(
            images[n], squares[n], masks[n], images[rest], squares[rest], masks[rest], size, reach, least
        )
        if half_turns:
            # A picture upside down has the conjugate transform, up to a shift by its own size.
            turned = [_transforms([np.rot90(part, 2)], size)[0] for part in (upright[n][0], upright[n][1])]
            square = _transforms([np.rot90(upright[n][0] ** 2, 2)], size)[0]
            other = _best(
                turned[0], square, turned[1], images[rest], squares[rest], masks[rest], size, reach, least
            )
            best = np.maximum(best, other)
        found[n, rest] = found[rest, n] = 1 - best
    return found


def _best(
    image: NDArray[np.complex64],
    square: NDArray[np.complex64],
    mask: NDArray[np.complex64],
    images: NDArray[np.complex64],
    squares: NDArray[np.complex64],
    masks: NDArray[np.complex64],
    size: int,
    reach: int,
    least: float,
) -> NDArray[np.float64]:
    """Return the best correlation of a picture with others over all shifts.

    Masked by Padfield, IEEE TIP 21 (2012) 2706.
    """

    def over_shifts(product: NDArray[np.complex64]) -> Floats:
        whole = scipy.fft.irfft2(product, (size, size))
        rows = np.concatenate([whole[:, : reach + 1], whole[:, -reach:]], axis=1)
        return np.asarray(np.concatenate([rows[:, :, : reach + 1], rows[:, :, -reach:]], axis=2))

    both = over_shifts(images * image.conj())
    energy = over_shifts(masks * square.conj()), over_shifts(squares * mask.conj())
    scale = np.sqrt(np.maximum(energy[0], least) * np.maximum(energy[1], least))
    return np.asarray((both / scale).max(axis=(1, 2)), dtype=np.float64)


def _transforms(images: Sequence[Floats], size: int) -> NDArray[np.complex64]:
    padded = np.zeros((len(images), size, size), np.float32)
    for n, image in enumerate(images):
        padded[n, : image.shape[0], : image.shape[1]] = image
    return np.asarray(scipy.fft.rfft2(padded), dtype=np.complex64)


def _upright(frame: SectionFrame, coarse_um: float) -> tuple[Floats, Floats]:
    """Return a frame without its background, turned by the angle of its section, and the pixels it shows."""
    if frame.section_angle_rad is None:
        raise InputError(f"the angle of section {frame.section} is unknown; pictures are compared upright")
    values = np.asarray(frame.pixels, dtype=np.float32)
    image, mask = normalise_residual(
        values - smooth_background(values, frame.pixel_size_um), frame, SETTINGS.correlation.pixel_um
    )
    pixel_um = frame.pixel_size_um * frame.shape[1] / image.shape[1]
    fine = raster(image, mask, pixel_um)
    side = math.ceil(math.hypot(*frame.shape) * frame.pixel_size_um / coarse_um)
    # Images run clockwise in their pixels: a section turned counter-clockwise is turned back by +angle there.
    turn = frame.section_angle_rad - frame.rotation_rad
    scale = coarse_um / pixel_um
    cos, sin = math.cos(turn) * scale, math.sin(turn) * scale
    linear = np.array([[cos, sin], [-sin, cos]])
    middle = np.array(image.shape[::-1]) / 2 - 0.5
    matrix = np.column_stack([linear, middle - linear @ np.full(2, side / 2 - 0.5)])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    smooth = cv2.GaussianBlur(fine.image, (0, 0), 0.5 * scale)
    turned = cv2.warpAffine(smooth, matrix, (side, side), flags=flags)
    shown = cv2.warpAffine(fine.mask.astype(np.float32), matrix, (side, side), flags=flags)
    return np.asarray(turned, dtype=np.float32) * (shown > 0.5), np.asarray(shown > 0.5, dtype=np.float32)
