"""Detections of merged cells, split where neighbouring sections show the cells separately."""

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
from detection.serial.separation.outlines import Outlines, assign_to_nearest
from detection.serial.separation.settings import SETTINGS

_SETTINGS = SETTINGS.by_neighbours


@dataclass(frozen=True, slots=True)
class NeighbourOutlines:
    """Outlines in another section, and its motion onto this one.

    Attributes
    ----------
    outlines : Outlines
    motion : Rigid
        From its plane to that of the section.
    """

    outlines: Outlines
    motion: Rigid


def split_by_neighbours(own: Outlines, views: Sequence[NeighbourOutlines]) -> tuple[Outlines, list[int]]:
    """Split detections in which another section shows several cells.

    Parameters
    ----------
    own : Outlines
        Of the detections of the section.
    views : sequence of NeighbourOutlines
        Outlines in other sections, the most trusted first.

    Returns
    -------
    outlines : Outlines
        Of the cells.
    parents : list of int
        For each cell, the detection that it is a part of, from 0; in order.
    """
    partitions: dict[int, NDArray[np.int32]] = {}
    seen: dict[int, list[int]] = {}
    # Every detection stays a cell, also one that smaller ones cover completely.
    places = ndi.find_objects(own.labels, max_label=len(own.sightings)) if own.sightings else []
    for view in views:
        theirs = _warped(view, own)
        sizes = np.bincount(theirs.ravel())
        for number, place in enumerate(places, start=1):
            if place is None or number in partitions:
                continue
            mask = own.labels[place] == number
            inside = _inside(mask, theirs[place], sizes, own.pixel_um)
            if len(inside) < 2:
                continue
            parts = _parts(mask, theirs[place], inside)
            known = [view.outlines.sightings[label - 1] for label in inside]
            if min(known) >= _SETTINGS.certain or _are_separate(parts, len(inside)):
                partitions[number] = parts
                seen[number] = known
    sightings = _sightings(own, views[0]) if views else list(own.sightings)
    labels = np.zeros_like(own.labels)
    parents: list[int] = []
    counts: list[int] = []
    for number, place in enumerate(places, start=1):
        split = partitions.get(number)
        for part in range(1, 2 if split is None else int(split.max()) + 1):
            parents.append(number - 1)
            counts.append(sightings[number - 1] if split is None else seen[number][part - 1])
            if place is not None:
                mask = own.labels[place] == number if split is None else split == part
                labels[place][mask] = len(parents)
    return Outlines(labels, own.shrink, own.pixel_um, tuple(counts)), parents


def _sightings(own: Outlines, view: NeighbourOutlines) -> list[int]:
    """Count the sections that show each detection as one, with those counted before."""
    theirs = _warped(view, own)
    result = []
    places = ndi.find_objects(own.labels, max_label=len(own.sightings)) if own.sightings else []
    for number, place in enumerate(places, start=1):
        best = 0
        if place is not None:
            best = int(np.bincount(theirs[place][own.labels[place] == number]).argmax())
        result.append(1 + (view.outlines.sightings[best - 1] if best else 0))
    return result


def _warped(view: NeighbourOutlines, own: Outlines) -> NDArray[np.int32]:
    matrix = warp_matrix(view.motion, view.outlines.grid, own.grid)
    # OpenCV does not warp integers of 32 bits; floats hold them exactly.
    moved = cv2.warpAffine(
        view.outlines.labels.astype(np.float32), matrix, own.labels.shape[::-1], flags=cv2.INTER_NEAREST
    )
    return np.asarray(moved).astype(np.int32)


def _inside(
    mask: NDArray[np.bool_], theirs: NDArray[np.int32], sizes: NDArray[np.intp], pixel_um: float
) -> list[int]:
    """Return the cells of another section that lie within a detection."""
    shared = np.bincount(theirs[mask], minlength=1)
    least = max(_SETTINGS.least_um2 / pixel_um**2, _SETTINGS.least_share * float(mask.sum()))
    return [
        int(label)
        for label in np.flatnonzero(shared)
        if label and shared[label] >= max(_SETTINGS.within * sizes[label], least)
    ]


def _parts(mask: NDArray[np.bool_], theirs: NDArray[np.int32], inside: Sequence[int]) -> NDArray[np.int32]:
    """Number the pixels of a detection, from 1, by the nearest cell of the other section."""
    numbers = np.zeros(int(theirs.max()) + 1, dtype=np.int32)
    numbers[list(inside)] = np.arange(1, len(inside) + 1)
    return assign_to_nearest(numbers[theirs], mask)


def _are_separate(parts: NDArray[np.int32], count: int) -> bool:
    """Return True if each part is wider than its contact with the others.

    The half width is the largest distance to the edge of the whole. It is largest in the middle of a cell: a
    cut through a single cell crosses the middle, or leaves a shallow rim.
    """
    whole = np.pad(parts > 0, 1).astype(np.uint8)
    depth = np.asarray(cv2.distanceTransform(whole, cv2.DIST_L2, 5))[1:-1, 1:-1]
    for number in range(1, count + 1):
        own = parts == number
        others = cv2.dilate(((parts > 0) & ~own).astype(np.uint8), np.ones((3, 3), np.uint8))
        contact = own & (np.asarray(others) > 0)
        if contact.any() and float(depth[contact].max()) > _SETTINGS.neck * float(depth[own].max()):
            return False
    return True


def cells_of_parts(
    cells: Sequence[Cell], parts: Outlines, parents: Sequence[int], shape: tuple[int, int]
) -> tuple[Cell, ...]:
    """Return a cell for each part, with a box of its own where a detection was split.

    Each part keeps the whole box to be imaged, so that nothing is lost.

    Parameters
    ----------
    cells : sequence of Cell
        The detections.
    parts : Outlines
    parents : sequence of int
        As `split_by_neighbours` returns them.
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
