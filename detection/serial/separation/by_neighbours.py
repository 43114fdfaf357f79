"""Detections of merged cells, taken apart where sections beside them show the cells apart."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import scipy.ndimage as ndi
from numpy.typing import NDArray

from detection.image.boxes import BoxPx
from detection.image.hits import Cell
from detection.registration.rigid import Rigid, warp_matrix
from detection.serial.separation.outlines import Outlines, spread

WITHIN = 0.6
"""Of a cell of a neighbour, that must lie in the detection."""
LEAST_UM2 = 1.0
LEAST_SHARE = 0.04
"""Of the detection, that a part must cover."""
NECK = 0.95
"""Of the half width of a part, that its contact with others may have."""
CERTAIN = 2
"""Sections that showed cells apart, from which on they are two however they lie."""


@dataclass(frozen=True, slots=True)
class View:
    """What another section shows.

    Attributes
    ----------
    outlines : Outlines
    motion : Rigid
        From its plane to that of the section.
    """

    outlines: Outlines
    motion: Rigid


def parted(own: Outlines, views: Sequence[View]) -> tuple[Outlines, list[int]]:
    """Take detections apart in which another section shows several cells.

    Parameters
    ----------
    own : Outlines
        Of the detections of the section.
    views : sequence of View
        What other sections show, the most trusted first.

    Returns
    -------
    outlines : Outlines
        Of the cells.
    parents : list of int
        For each cell the detection, from 0, of which it is a part or the whole; in order.
    """
    partitions: dict[int, NDArray[np.int32]] = {}
    seen: dict[int, list[int]] = {}
    # Every detection stays a cell, also one that smaller ones cover wholly.
    places = ndi.find_objects(own.labels, max_label=len(own.alone)) if own.alone else []
    for view in views:
        theirs = _laid(view, own)
        sizes = np.bincount(theirs.ravel())
        for number, place in enumerate(places, start=1):
            if place is None or number in partitions:
                continue
            mask = own.labels[place] == number
            inside = _inside(mask, theirs[place], sizes, own.pixel_um)
            if len(inside) < 2:
                continue
            parts = _parts(mask, theirs[place], inside)
            known = [view.outlines.alone[label - 1] for label in inside]
            if min(known) >= CERTAIN or _separate(parts, len(inside)):
                partitions[number] = parts
                seen[number] = known
    alone = _alone(own, views[0]) if views else list(own.alone)
    labels = np.zeros_like(own.labels)
    parents: list[int] = []
    counts: list[int] = []
    for number, place in enumerate(places, start=1):
        taken_apart = partitions.get(number)
        for part in range(1, 2 if taken_apart is None else int(taken_apart.max()) + 1):
            parents.append(number - 1)
            counts.append(alone[number - 1] if taken_apart is None else seen[number][part - 1])
            if place is not None:
                mask = own.labels[place] == number if taken_apart is None else taken_apart == part
                labels[place][mask] = len(parents)
    return Outlines(labels, own.shrink, own.pixel_um, tuple(counts)), parents


def _alone(own: Outlines, view: View) -> list[int]:
    """In how many sections each detection was one, with that before."""
    theirs = _laid(view, own)
    result = []
    places = ndi.find_objects(own.labels, max_label=len(own.alone)) if own.alone else []
    for number, place in enumerate(places, start=1):
        best = 0
        if place is not None:
            best = int(np.bincount(theirs[place][own.labels[place] == number]).argmax())
        result.append(1 + (view.outlines.alone[best - 1] if best else 0))
    return result


def _laid(view: View, own: Outlines) -> NDArray[np.int32]:
    matrix = warp_matrix(view.motion, view.outlines.grid, own.grid)
    # OpenCV moves no integers of 32 bits; floats hold them exactly.
    moved = cv2.warpAffine(
        view.outlines.labels.astype(np.float32), matrix, own.labels.shape[::-1], flags=cv2.INTER_NEAREST
    )
    return np.asarray(moved).astype(np.int32)


def _inside(
    mask: NDArray[np.bool_], theirs: NDArray[np.int32], sizes: NDArray[np.intp], pixel_um: float
) -> list[int]:
    """Cells of another section that lie within a detection."""
    shared = np.bincount(theirs[mask], minlength=1)
    least = max(LEAST_UM2 / pixel_um**2, LEAST_SHARE * float(mask.sum()))
    return [
        int(label)
        for label in np.flatnonzero(shared)
        if label and shared[label] >= max(WITHIN * sizes[label], least)
    ]


def _parts(mask: NDArray[np.bool_], theirs: NDArray[np.int32], inside: Sequence[int]) -> NDArray[np.int32]:
    """Number the pixels of a detection, from 1, by the cell of the other section they are nearest to."""
    numbers = np.zeros(int(theirs.max()) + 1, dtype=np.int32)
    numbers[list(inside)] = np.arange(1, len(inside) + 1)
    return spread(numbers[theirs], mask)


def _separate(parts: NDArray[np.int32], count: int) -> bool:
    """Whether each part is wider than its contact with the others.

    The half width is the largest distance to the edge of the whole. It is largest in the middle of a cell:
    a line that cuts a single cell crosses that, or leaves a rim that nowhere lies deep.
    """
    whole = np.pad(parts > 0, 1).astype(np.uint8)
    depth = np.asarray(cv2.distanceTransform(whole, cv2.DIST_L2, 5))[1:-1, 1:-1]
    for number in range(1, count + 1):
        own = parts == number
        others = cv2.dilate(((parts > 0) & ~own).astype(np.uint8), np.ones((3, 3), np.uint8))
        contact = own & (np.asarray(others) > 0)
        if contact.any() and float(depth[contact].max()) > NECK * float(depth[own].max()):
            return False
    return True


def cells_of_parts(
    cells: Sequence[Cell], parts: Outlines, parents: Sequence[int], shape: tuple[int, int]
) -> tuple[Cell, ...]:
    """Return a cell for each part, with a box of its own where a detection was taken apart.

    Each part keeps the box to be imaged of the whole, so that nothing of it is lost.

    Parameters
    ----------
    cells : sequence of Cell
        The detections.
    parts : Outlines
    parents : sequence of int
        Both as from `parted`.
    shape : (int, int)
        Rows and columns of the frame.
    """
    places = ndi.find_objects(parts.labels, max_label=len(parents))
    of_whole = Counter(parents)
    result = []
    for parent, place in zip(parents, places, strict=True):
        cell = cells[parent]
        if of_whole[parent] > 1 and place is not None:
            cell = replace(cell, box_px=_box_of(place, parts.shrink, shape))
        result.append(cell)
    return tuple(result)


def _box_of(place: tuple[slice, ...], shrink: int, shape: tuple[int, int]) -> BoxPx:
    rows, columns = place
    return BoxPx(
        columns.start * shrink,
        rows.start * shrink,
        min(columns.stop * shrink, shape[1]),
        min(rows.stop * shrink, shape[0]),
    )
