"""Cells that touch in all sections, split by their shape.

Detections are first cut into too many pieces, one around each point that lies deep at many levels of
intensity. Then pieces are merged as long as two of them may well be one cell.
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
from detection.serial.separation.outlines import Outlines, fill_holes
from detection.serial.separation.settings import SETTINGS

_SETTINGS = SETTINGS.by_shape


@dataclass(frozen=True, slots=True)
class _Piece:
    """A piece: its rows and columns, half-open, and its area in pixels."""

    rows: tuple[int, int]
    columns: tuple[int, int]
    area: float


def split_by_shape(
    own: Outlines, intensity: NDArray[np.float32], noise_adu: float, sizes_um2: Sequence[float]
) -> tuple[Outlines, list[int]]:
    """Split detections in which cells touch.

    Parameters
    ----------
    own : Outlines
        Of the detections of a section.
    intensity : (rows, columns) array of float32
        Mean of the section and its neighbours, on the grid of `own`.
    noise_adu : float
        Standard deviation of `intensity`.
    sizes_um2 : sequence of float
        Areas of detections of this and other sections, which give the usual size. Where they are few, nothing
        is split.

    Returns
    -------
    outlines : Outlines
    parents : list of int
        For each cell, the detection that most of it lies in, from 0; in order. Every detection has one.
    """
    sizes = [size for size in sizes_um2 if size >= _SETTINGS.speck_um2]
    if len(sizes) < _SETTINGS.fewest_sizes:
        return own, list(range(len(own.sightings)))
    certain = SETTINGS.outlines.certain_sd * noise_adu
    found = oversegment(intensity, own.labels > 0, certain, own.pixel_um)
    merged = merge_pieces(found, float(np.median(sizes)) / own.pixel_um**2)
    specks = np.bincount(merged.ravel()) * own.pixel_um**2 < _SETTINGS.speck_um2
    return _of_detections(own, np.where(specks[merged], 0, merged))


def oversegment(
    intensity: NDArray[np.float32], mask: NDArray[np.bool_], certain: float, pixel_um: float
) -> NDArray[np.int32]:
    """Cut detections into pieces, more of them than there are cells.

    Parameters
    ----------
    intensity : (rows, columns) array of float32
    mask : (rows, columns) array of bool
        Pixels of detections.
    certain : float
        Lowest level of intensity, above 0.
    pixel_um : float

    Returns
    -------
    (rows, columns) array of int32
        Pieces from 1; 0 outside the mask, and within it where nothing lies deep.
    """
    # Distance to the edge of the region above a level, summed over levels: both necks and steps count.
    depth = np.zeros(intensity.shape, dtype=np.float32)
    level, top = certain, _SETTINGS.highest_level * float(intensity[mask].max(initial=0.0))
    while level < top:
        depth += cv2.distanceTransform(_plateaus(intensity, mask, level), cv2.DIST_L2, 5)
        level *= _SETTINGS.level_ratio
    depth = np.asarray(
        cv2.GaussianBlur(depth * np.float32(pixel_um), (0, 0), _SETTINGS.smoothing_um / pixel_um)
    )
    side = 2 * max(round(_SETTINGS.peak_um / pixel_um), 1) + 1
    highest = cv2.dilate(depth, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)))
    peaks = (depth >= np.asarray(highest)) & mask & (depth > _SETTINGS.least_depth_um)
    _, markers = cv2.connectedComponents(peaks.astype(np.uint8), connectivity=8)
    labels = watershed(-depth, markers, mask=mask, connectivity=2)  # type: ignore[no-untyped-call]
    return np.asarray(labels, dtype=np.int32)


def merge_pieces(labels: NDArray[np.int32], typical_px: float) -> NDArray[np.int32]:
    """Merge pieces that may well be parts of one cell, the most likely first.

    Parameters
    ----------
    labels : (rows, columns) array of int32
        As `oversegment` returns them.
    typical_px : float
        Area of the usual detection.

    Returns
    -------
    (rows, columns) array of int32
        Each cell with the number of one of its pieces.
    """
    labels = labels.copy()
    parts = {
        number: _piece(labels[place] == number, place)
        for number, place in enumerate(ndi.find_objects(labels), start=1)
        if place is not None
    }
    odds = {pair: _log_odds(labels, parts, pair, typical_px) for pair in _neighbours(labels)}
    while odds:
        (one, other), lowest = min(odds.items(), key=lambda item: (item[1], item[0]))
        if lowest >= _SETTINGS.caution:
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
            odds[pair] = _log_odds(labels, parts, pair, typical_px)
    return labels


def _plateaus(intensity: NDArray[np.float32], mask: NDArray[np.bool_], level: float) -> NDArray[np.uint8]:
    """Return the regions far enough above a level, holes filled."""
    _, numbers = cv2.connectedComponents(((intensity > level) & mask).astype(np.uint8), connectivity=4)
    flat = np.asarray(numbers).ravel()
    bright = np.flatnonzero(flat)
    names = flat[bright]
    mean = np.bincount(names, intensity.ravel()[bright]) / np.maximum(np.bincount(names), 1)
    above = np.zeros(intensity.size, dtype=np.bool_)
    above[bright] = (mean >= _SETTINGS.plateau * level)[names]
    return fill_holes(above.reshape(intensity.shape)).astype(np.uint8)


def _piece(inside: NDArray[np.bool_], place: tuple[slice, ...]) -> _Piece:
    rows, columns = place
    return _Piece((rows.start, rows.stop), (columns.start, columns.stop), float(np.count_nonzero(inside)))


def _around(one: _Piece, other: _Piece) -> tuple[slice, slice]:
    return (
        slice(min(one.rows[0], other.rows[0]), max(one.rows[1], other.rows[1])),
        slice(min(one.columns[0], other.columns[0]), max(one.columns[1], other.columns[1])),
    )


def _neighbours(labels: NDArray[np.int32]) -> list[tuple[int, int]]:
    """Return the pairs of pieces that touch, in order."""
    pairs = []
    for first, second in ((labels[:-1], labels[1:]), (labels[:, :-1], labels[:, 1:])):
        met = (first != second) & (first > 0) & (second > 0)
        pairs.append(np.stack([first[met], second[met]], axis=1))
    every = np.unique(np.sort(np.concatenate(pairs), axis=1), axis=0)
    return [(int(a), int(b)) for a, b in every]


def _log_odds(
    labels: NDArray[np.int32], parts: dict[int, _Piece], pair: tuple[int, int], typical_px: float
) -> float:
    """Return the log odds that two pieces are two cells."""
    one, other = parts[pair[0]], parts[pair[1]]
    window = labels[_around(one, other)]
    features = _pair_features(window == pair[0], window == pair[1], typical_px)
    return _SETTINGS.intercept + sum(
        weight * value for weight, value in zip(_SETTINGS.weights, features, strict=True)
    )


def _pair_features(a: NDArray[np.bool_], b: NDArray[np.bool_], typical_px: float) -> tuple[float, ...]:
    """Return the features that distinguish two cells from one.

    Missing convexity of both together, as a share of their hull and over the smaller one; length of their
    contact in diameters of the smaller one; the smaller one over the larger, and over the usual cell.
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
    """Assign each cell to a detection; a detection without any stays a cell by itself."""
    # Pixels of each cell (rows) in each detection (columns).
    width = len(own.sightings) + 1
    keys = found.ravel().astype(np.int64) * width + own.labels.ravel()
    shared = np.bincount(keys, minlength=(int(found.max(initial=0)) + 1) * width).reshape(-1, width)[:, 1:]
    present = np.flatnonzero(shared[1:].any(axis=1)) + 1
    cells: list[list[int]] = [[] for _ in own.sightings]
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
    # Pixels of no cell stay with their detection.
    labels = np.where(whole[own.labels] > 0, whole[own.labels], new[found])
    return Outlines(np.asarray(labels, dtype=np.int32), own.shrink, own.pixel_um, (1,) * count), parents
