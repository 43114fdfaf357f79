"""Order of scattered sections by the likeness of their fluorescence.

Cells run through many sections, so that neighbours of the block look most alike. All pairs are compared
coarsely over every shift, turned upright by the angles of the list; those most alike are registered. The
order is the shortest path through the dissimilarities.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
import scipy.fft
from numpy.typing import NDArray

from detection.registration.correlation import raster
from detection.registration.normalisation import normalise_residual, smooth_background
from detection.registration.register import prepare, register
from detection.registration.section_frame import SectionFrame
from detection.registration.settings import SETTINGS
from service.errors import InputError
from service.mapping.order.path import shortest_path
from service.mapping.order.values import Doubt, LinkKind, Ordering, OrderLink

Floats = NDArray[np.float32]

_MOST_PX = 64
"""Longest side of the images that are compared: 1.4 um per pixel for a field of 90 um. Chosen by hand."""
_MOST_SHIFT = 0.3
"""Largest shift of the pictures against each other, of their longest side; the rest must overlap."""
_NEIGHBOURS = 10
"""Likely neighbours of a section that are registered on it. Chosen by hand."""
_MOST_SECTIONS = 1000
_UNLIKE = 4.0
"""Robust standard deviations of the dissimilarity of links above its median, at which one is doubtful. Chosen
by hand."""
_NEARLY = 1.0
"""Two neighbours could be exchanged if the path then grows by less than this many robust standard deviations
of the dissimilarity of links. Chosen by hand."""


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
    unlike = _registered(frames, dissimilarities(frames, half_turns))
    path = shortest_path(unlike)
    costs = unlike[path[:-1], path[1:]]
    middle = float(np.median(costs)) if len(costs) else 0.0
    spread = 1.4826 * float(np.median(np.abs(costs - middle))) if len(costs) else 0.0
    links = []
    for n, cost in enumerate(costs.tolist()):
        doubt = None
        if cost > middle + _UNLIKE * spread:
            doubt = Doubt.UNLIKE
        elif _growth(path, n, unlike) < _NEARLY * spread:
            doubt = Doubt.ANOTHER
        one, other = frames[path[n]].section, frames[path[n + 1]].section
        links.append(OrderLink(one, other, LinkKind.SIMILAR, doubt, cost))
    return Ordering(tuple(frames[n].section for n in path), tuple(links))


def _registered(frames: Sequence[SectionFrame], coarse: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return dissimilarities of which those of likely neighbours come from their registration."""
    prepared = [prepare(replace(frame, section_angle_rad=None)) for frame in frames]
    # Pairs that are not registered are further apart than any that are.
    found = 2 + coarse
    np.fill_diagonal(found, 0)
    for n in range(len(frames)):
        for other in np.argsort(coarse[n])[1 : _NEIGHBOURS + 1].tolist():
            if found[n, other] >= 2:
                link = register(prepared[n], prepared[other])
                if not link.bad:
                    found[n, other] = found[other, n] = 1 - link.correlation
    return found


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
    least = 1e-6 * max(float((image**2).sum()) for image, _ in upright)
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


def _growth(path: Sequence[int], n: int, unlike: NDArray[np.float64]) -> float:
    """Return by how much the path grows if points n and n + 1 change places."""
    a, b = path[n], path[n + 1]
    grown = 0.0
    if n > 0:
        grown += unlike[path[n - 1], b] - unlike[path[n - 1], a]
    if n + 2 < len(path):
        grown += unlike[a, path[n + 2]] - unlike[b, path[n + 2]]
    return float(grown)
