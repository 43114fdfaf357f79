"""Cells that touch in all sections, told apart by their shape.

What stands out is cut into too many pieces first, around each place that lies deep at many levels of light.
Then pieces are joined as long as two of them may well be one cell.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import scipy.ndimage as ndi
from numpy.typing import NDArray
from skimage.segmentation import watershed

from detection.image.shapes import convexity
from detection.serial.separation.outlines import CERTAIN_SD, Outlines, filled

SPECK_UM2 = 3.0
"""What is smaller tells nothing of the usual size, and is no cell apart beside others."""
FEWEST_SIZES = 8
"""Detections, specks left out, from which on the usual size is known."""
LEVEL_RATIO = 2.0
HIGHEST_LEVEL = 0.8
"""Of the brightest light."""
PLATEAU = 1.6
"""Mean light of what stands out at a level, over that level: with less it is the brighter side of a cell."""
SMOOTHING_UM = 0.35
PEAK_UM = 1.2
"""Pieces have their deepest places at least so far apart."""
LEAST_DEPTH_UM = 0.5
WEIGHTS = (0.619, -0.607, -1.03, -1.65, 1.8)
INTERCEPT = 2.2
"""Of a logistic regression for two pieces being two cells, fitted on pieces of 14 simulated stacks of
development seeds (30 to 35, 50 to 53, 70 to 73): cells of 4 to 7 um in radius, cytoplasmic, nuclear and
punctate. A piece of ground counts as part of the cell beside it."""
CAUTION = 1.0
"""Logarithm of the odds from which on pieces stay apart: a torn cell is worse than a merged one."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """A piece and where it lies: first rows and columns, and those past the last; its area in pixels."""

    rows: tuple[int, int]
    columns: tuple[int, int]
    area: float


def apart(
    own: Outlines, light: NDArray[np.float32], noise_adu: float, sizes_um2: Sequence[float]
) -> tuple[Outlines, list[int]]:
    """Take detections apart in which cells touch.

    Parameters
    ----------
    own : Outlines
        Of the detections of a section.
    light : (rows, columns) array of float32
        Mean of the section and those beside it, on the grid of `own`.
    noise_adu : float
        Standard deviation of `light`.
    sizes_um2 : sequence of float
        Areas of detections, of this and other sections, by which the usual one is known. Where they are few,
        nothing is taken apart.

    Returns
    -------
    outlines : Outlines
    parents : list of int
        For each cell the detection, from 0, that most of it lies in; in order. Every detection has one.
    """
    sizes = [size for size in sizes_um2 if size >= SPECK_UM2]
    if len(sizes) < FEWEST_SIZES:
        return own, list(range(len(own.alone)))
    found = pieces(light, own.labels > 0, CERTAIN_SD * noise_adu, own.pixel_um)
    joined = joined_pieces(found, float(np.median(sizes)) / own.pixel_um**2)
    specks = np.bincount(joined.ravel()) * own.pixel_um**2 < SPECK_UM2
    return _of_detections(own, np.where(specks[joined], 0, joined))


def pieces(
    light: NDArray[np.float32], mask: NDArray[np.bool_], certain: float, pixel_um: float
) -> NDArray[np.int32]:
    """Cut what stands out into pieces, more of them than there are cells.

    Parameters
    ----------
    light : (rows, columns) array of float32
    mask : (rows, columns) array of bool
        What stands out.
    certain : float
        Lowest level of light, above 0.
    pixel_um : float

    Returns
    -------
    (rows, columns) array of int32
        0 outside the mask, pieces from 1; 0 within it where nothing lies deep.
    """
    # Distance to the edge of what is brighter than a level, summed over levels: both necks and steps count.
    depth = np.zeros(light.shape, dtype=np.float32)
    level, top = certain, HIGHEST_LEVEL * float(light[mask].max(initial=0.0))
    while level < top:
        depth += cv2.distanceTransform(_plateaus(light, mask, level), cv2.DIST_L2, 5)
        level *= LEVEL_RATIO
    depth = np.asarray(cv2.GaussianBlur(depth * np.float32(pixel_um), (0, 0), SMOOTHING_UM / pixel_um))
    side = 2 * max(round(PEAK_UM / pixel_um), 1) + 1
    highest = cv2.dilate(depth, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)))
    peaks = (depth >= np.asarray(highest)) & mask & (depth > LEAST_DEPTH_UM)
    _, markers = cv2.connectedComponents(peaks.astype(np.uint8), connectivity=8)
    labels = watershed(-depth, markers, mask=mask, connectivity=2)  # type: ignore[no-untyped-call]
    return np.asarray(labels, dtype=np.int32)


def joined_pieces(labels: NDArray[np.int32], typical_px: float) -> NDArray[np.int32]:
    """Join pieces that may well be parts of one cell, the most likely first.

    Parameters
    ----------
    labels : (rows, columns) array of int32
        As from `pieces`.
    typical_px : float
        Area of the usual detection.

    Returns
    -------
    (rows, columns) array of int32
        Each cell has the number of one of its pieces.
    """
    labels = labels.copy()
    parts = {
        number: _piece(labels[place] == number, place)
        for number, place in enumerate(ndi.find_objects(labels), start=1)
        if place is not None
    }
    odds = {pair: _odds(labels, parts, pair, typical_px) for pair in _neighbours(labels)}
    while odds:
        (one, other), lowest = min(odds.items(), key=lambda item: (item[1], item[0]))
        if lowest >= CAUTION:
            break
        place = _around(parts[one], parts[other])
        window = labels[place]
        window[window == other] = one
        parts[one] = _piece(window == one, place)
        del parts[other]
        beside = {third for pair in odds if {one, other} & set(pair) for third in pair} - {one, other}
        odds = {pair: value for pair, value in odds.items() if not {one, other} & set(pair)}
        for third in sorted(beside):
            pair = min(one, third), max(one, third)
            odds[pair] = _odds(labels, parts, pair, typical_px)
    return labels


def _plateaus(light: NDArray[np.float32], mask: NDArray[np.bool_], level: float) -> NDArray[np.uint8]:
    """What stands out at a level by far enough, holes filled."""
    _, numbers = cv2.connectedComponents(((light > level) & mask).astype(np.uint8), connectivity=4)
    flat = np.asarray(numbers).ravel()
    bright = np.flatnonzero(flat)
    names = flat[bright]
    mean = np.bincount(names, light.ravel()[bright]) / np.maximum(np.bincount(names), 1)
    above = np.zeros(light.size, dtype=np.bool_)
    above[bright] = (mean >= PLATEAU * level)[names]
    return filled(above.reshape(light.shape)).astype(np.uint8)


def _piece(inside: NDArray[np.bool_], place: tuple[slice, ...]) -> _Piece:
    rows, columns = place
    return _Piece((rows.start, rows.stop), (columns.start, columns.stop), float(np.count_nonzero(inside)))


def _around(one: _Piece, other: _Piece) -> tuple[slice, slice]:
    return (
        slice(min(one.rows[0], other.rows[0]), max(one.rows[1], other.rows[1])),
        slice(min(one.columns[0], other.columns[0]), max(one.columns[1], other.columns[1])),
    )


def _neighbours(labels: NDArray[np.int32]) -> list[tuple[int, int]]:
    """Pairs of pieces that touch, in order."""
    pairs = []
    for first, second in ((labels[:-1], labels[1:]), (labels[:, :-1], labels[:, 1:])):
        met = (first != second) & (first > 0) & (second > 0)
        pairs.append(np.stack([first[met], second[met]], axis=1))
    every = np.unique(np.sort(np.concatenate(pairs), axis=1), axis=0)
    return [(int(a), int(b)) for a, b in every]


def _odds(
    labels: NDArray[np.int32], parts: dict[int, _Piece], pair: tuple[int, int], typical_px: float
) -> float:
    """Logarithm of the odds that two pieces are two cells."""
    one, other = parts[pair[0]], parts[pair[1]]
    window = labels[_around(one, other)]
    evidence = _evidence(window == pair[0], window == pair[1], typical_px)
    return INTERCEPT + sum(weight * value for weight, value in zip(WEIGHTS, evidence, strict=True))


def _evidence(a: NDArray[np.bool_], b: NDArray[np.bool_], typical_px: float) -> tuple[float, ...]:
    """What tells two cells from one.

    How much both together lack of being convex, as a share of their hull and over the smaller one; how long
    their contact is in diameters of the smaller one; the smaller one over the larger, and over the usual
    cell.
    """
    square = np.ones((3, 3), dtype=np.uint8)
    contact = (np.asarray(cv2.dilate(a.astype(np.uint8), square)) > 0) & b
    contact |= (np.asarray(cv2.dilate(b.astype(np.uint8), square)) > 0) & a
    smaller, larger = sorted((np.count_nonzero(a), np.count_nonzero(b)))
    solid = convexity(a | b)
    notch = max((smaller + larger) * (1 / solid - 1), 0.0)
    return (
        math.log(1.02 - solid),
        math.log(notch / smaller + 0.03),
        np.count_nonzero(contact) / 2 / (2 * math.sqrt(smaller / math.pi)),
        math.log(smaller / larger),
        math.log(smaller / typical_px),
    )


def _of_detections(own: Outlines, found: NDArray[np.int32]) -> tuple[Outlines, list[int]]:
    """Give each cell to a detection; a detection that has none stays one by itself."""
    # How many pixels each detection (columns) has of each cell (rows).
    width = len(own.alone) + 1
    keys = found.ravel().astype(np.int64) * width + own.labels.ravel()
    shared = np.bincount(keys, minlength=(int(found.max(initial=0)) + 1) * width).reshape(-1, width)[:, 1:]
    present = np.flatnonzero(shared[1:].any(axis=1)) + 1
    cells: list[list[int]] = [[] for _ in own.alone]
    for cell in present.tolist():
        cells[int(shared[cell].argmax())].append(cell)
    parents = [number for number, some in enumerate(cells) for _ in some or [0]]
    new = np.zeros(int(found.max(initial=0)) + 1, dtype=np.int32)
    whole = np.zeros(len(cells) + 1, dtype=np.int32)
    count = 0
    for number, some in enumerate(cells, start=1):
        for cell in some:
            count += 1
            new[cell] = count
        if not some:
            count += 1
            whole[number] = count
    # What is in no cell stays with its detection.
    labels = np.where(whole[own.labels] > 0, whole[own.labels], new[found])
    return Outlines(np.asarray(labels, dtype=np.int32), own.shrink, own.pixel_um, (1,) * count), parents
